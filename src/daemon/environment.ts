/**
 * All that this node measures of its host, and says of it: labels, files, the
 * kernel, the image, attestations, collectors. Read at start, watched, and
 * replaced when the configuration is read again.
 */
import type { EnvironmentFacts, HostFacts } from '../core/facts.ts'
import type { Attestation } from '../core/in-toto.ts'
import { IMAGE_DIGEST_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { Clock } from '../mesh/ports.ts'
import { type Attestations, attestationsOf } from './attestations.ts'
import { type CollectorState, Collectors } from './collectors.ts'
import type { EnvironmentConfig } from './environment-schema.ts'
import { hostFacts } from './host-facts.ts'
import { type MeasuredFiles, measuredFiles, watched } from './measured-files.ts'
import { type Watched, WatchedFiles } from './watched-files.ts'

export interface Measured {
  readonly env: EnvironmentFacts
  readonly attestations: ReadonlyMap<string, Attestation>
}

export interface EnvironmentPorts {
  readonly clock: Clock
  tell(what: string, error: unknown): void
}

const IMAGE = 'image'

export class Environment {
  #config: EnvironmentConfig
  readonly #files: MeasuredFiles
  readonly #image: WatchedFiles<Watched, string>
  readonly #attestations: Attestations
  readonly #collectors: Collectors
  readonly #host = hostFacts()
  #measured: Measured

  private constructor(config: EnvironmentConfig, { clock, tell }: EnvironmentPorts) {
    this.#config = config
    this.#files = measuredFiles(config.files, tell)
    this.#image = new WatchedFiles(imageOf(config), {
      ...{ bytesMax: IMAGE_DIGEST_BYTES_MAX, tell },
      read: async (file) => parseImageDigest((await file.readFile()).toString('latin1')),
    })
    this.#attestations = attestationsOf(config.attestations, tell)
    this.#collectors = new Collectors({ clock, tell })
    this.#measured = this.#measure()
  }

  /** Waits for the files, and for no collector. */
  static async open(config: EnvironmentConfig, ports: EnvironmentPorts): Promise<Environment> {
    const opened = new Environment(config, ports)
    await Promise.all(opened.#watching.map((each) => each.start()))
    opened.#collectors.use(config.collectors)
    return opened
  }

  get #watching() {
    return [this.#files, this.#image, this.#attestations] as const
  }

  stop(): void {
    for (const each of this.#watching) each.stop()
    this.#collectors.stop()
  }

  /** Another configuration from now on: what it no longer names is forgotten at once. */
  async use(config: EnvironmentConfig): Promise<void> {
    this.#config = config
    this.#collectors.use(config.collectors)
    await Promise.all([
      this.#files.use(watched(config.files)),
      this.#image.use(imageOf(config)),
      this.#attestations.use(config.attestations),
    ])
  }

  get collectors(): readonly CollectorState[] {
    return this.#collectors.states()
  }

  /** What is known now. The same object as long as it says the same. */
  measured(): Measured {
    const { env, attestations } = this.#measured
    const same =
      env.labels === this.#config.labels &&
      env.files === this.#files.values() &&
      env.host.image === this.#imageDigest &&
      env.collected === this.#collectors.facts() &&
      attestations === this.#attestations.values()
    if (!same) this.#measured = this.#measure()
    return this.#measured
  }

  get #imageDigest(): string | null {
    return this.#image.values().get(IMAGE) ?? null
  }

  #measure(): Measured {
    const host: HostFacts = { ...this.#host, image: this.#imageDigest }
    return {
      env: {
        labels: this.#config.labels,
        files: this.#files.values(),
        host,
        collected: this.#collectors.facts(),
      },
      attestations: this.#attestations.values(),
    }
  }
}

function imageOf({ imageDigestFile }: EnvironmentConfig): ReadonlyMap<string, Watched> {
  return new Map(imageDigestFile === null ? [] : [[IMAGE, { path: imageDigestFile }]])
}

/** `sha256:` and 64 hex digits, one line. @throws Malformed */
export function parseImageDigest(text: string): string {
  const [, digest] = /^(sha256:[0-9a-f]{64})\n?$/.exec(text) ?? []
  if (digest === undefined) throw new Malformed('it is no `sha256:` and 64 hex digits')
  return digest
}
