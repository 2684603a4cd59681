/**
 * Reading the configuration again while the daemon runs: parsed and checked
 * whole, then what may change does, all at once or nothing (INTERFACE 5.1).
 */
import { isDeepStrictEqual } from 'node:util'
import { MeshError } from '../core/problems.ts'
import { type LoadedConfig, loadOwnConfig } from './config.ts'
import type { Config } from './schema.ts'
import { readTcpFiles, type TcpFiles } from './tcp-files.ts'

export interface Reloaded {
  /** Took effect. */
  readonly applied: readonly string[]
  /** Differs from what runs, and waits for a restart. */
  readonly restart: readonly string[]
  /** Why nothing changed; null when it was read. */
  readonly rejected: string | null
}

/** What a running daemon takes over; everything else is bound at its start. */
const RELOADABLE: Readonly<Record<string, readonly string[]>> = {
  log: ['level', 'format'],
  lease: ['stalenessAtMostMs'],
  environment: ['labels', 'files', 'imageDigestFile', 'attestations', 'collectors'],
  api: ['callers', 'tcp'],
  audit: ['redactable', 'retentionMs', 'share', 'mirror'],
  mesh: ['peers'],
}

type Environment = Readonly<Record<string, string | undefined>>

/** The configuration that runs; readers ask for it each time. */
export class LiveConfig {
  readonly #flag: string | null
  readonly #env: Environment
  #found: boolean
  #config: Config
  #tcpFiles: TcpFiles | null
  readonly #listeners: ((config: Config) => void)[] = []

  /** @throws MeshError CONFIG_INVALID, KEY_UNAVAILABLE for a file that it names */
  constructor({ config, found }: LoadedConfig, flag: string | null, env: Environment) {
    this.#config = config
    this.#tcpFiles = readTcpFiles(config.api.tcp)
    this.#found = found
    this.#flag = flag
    this.#env = env
  }

  get current(): Config {
    return this.#config
  }

  /** What `api.tcp` names, read again with each reload. */
  get tcpFiles(): TcpFiles | null {
    return this.#tcpFiles
  }

  /** Called with the configuration that took effect; a listener waits for nothing and does not throw. */
  onChange(listener: (config: Config) => void): void {
    this.#listeners.push(listener)
  }

  reload(): Reloaded {
    let next: Config
    let tcpFiles: TcpFiles | null
    try {
      next = this.#read()
      tcpFiles = readTcpFiles(next.api.tcp)
    } catch (error) {
      // The old one stays whole; who asked is told why.
      if (!(error instanceof MeshError)) throw error
      return { applied: [], restart: [], rejected: error.message }
    }
    const changed = differences(this.#config, next)
    const applied = changed.filter(
      ({ section, key }) => RELOADABLE[section]?.includes(key) === true,
    )
    const restart = changed.filter((each) => !applied.includes(each))
    this.#config = taken(this.#config, next, applied)
    this.#tcpFiles = tcpFiles
    for (const tell of this.#listeners) tell(this.#config)
    return { applied: applied.map(named), restart: restart.map(named), rejected: null }
  }

  /** A file that is gone is no file of defaults: what it made stricter would be lost in silence. @throws MeshError CONFIG_INVALID */
  #read(): Config {
    const { config, found, path } = loadOwnConfig(this.#flag, this.#env)
    if (this.#found && !found)
      throw new MeshError('CONFIG_INVALID', `${path}: it is not there any more`)
    this.#found = found
    return config
  }
}

interface Key {
  readonly section: string
  readonly key: string
}

function differences(before: Config, after: Config): readonly Key[] {
  return Object.entries(after).flatMap(([section, values]) => {
    const old = before[section as keyof Config] as Readonly<Record<string, unknown>>
    return Object.entries(values as object)
      .filter(([key, value]) => !isDeepStrictEqual(old[key], value))
      .map(([key]) => ({ section, key }))
  })
}

function taken(before: Config, after: Config, keys: readonly Key[]): Config {
  const copy: Record<string, Record<string, unknown>> = {}
  for (const [section, values] of Object.entries(before)) copy[section] = { ...values }
  for (const { section, key } of keys) {
    const values = after[section as keyof Config] as Readonly<Record<string, unknown>>
    const into = copy[section]
    if (into !== undefined) into[key] = values[key]
  }
  return copy as object as Config
}

function named({ section, key }: Key): string {
  return `${section}.${key}`
}
