/**
 * The operator's key store: role keys of people, outside any daemon.
 *
 *     <name>.key   private key, 0600, with or without a passphrase
 *     <name>.pub   did:key:z6Mk…   of it, or of a foreign principal that was given a name
 *
 * The command line signs with them and hands the daemon a finished envelope.
 */
import { existsSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Did, parseDid, type Signer, signerOf } from '../core/keys.ts'
import { NAME_BYTES_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import { surroundings } from './config.ts'
import { createKeyFile, readKeyFile, writePrivate } from './key-file.ts'

export interface NamedKey {
  readonly name: string
  readonly did: Did
  /** Whether the private key is here, or only a name for somebody's did. */
  readonly own: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/

export class KeyStore {
  readonly dir: string

  constructor(env: Environment = process.env) {
    this.dir = env['MESHD_KEY_STORE'] ?? join(surroundings(env).configHome, 'meshd/keys')
  }

  list(): readonly NamedKey[] {
    if (!existsSync(this.dir)) return []
    return readdirSync(this.dir)
      .filter((file) => file.endsWith('.pub'))
      .map((file) => file.slice(0, -'.pub'.length))
      .sort()
      .map((name) => ({ name, did: this.#did(name), own: existsSync(this.#path(name, 'key')) }))
  }

  find(name: string): NamedKey | null {
    return this.list().find((key) => key.name === name) ?? null
  }

  create(name: string, passphrase: string | null): NamedKey {
    const path = this.#path(name, 'key')
    // One that was killed before it could name the key is made whole.
    const left = NAME.test(name) && existsSync(path) && !existsSync(this.#path(name, 'pub'))
    if (!left) this.#free(name)
    const seed = left ? readKeyFile(path, passphrase) : createKeyFile(path, passphrase)
    const { did } = signerOf(seed)
    writePrivate(this.#path(name, 'pub'), `${did}\n`)
    return { name, did, own: true }
  }

  /** Gives a foreign principal a local name. @throws Malformed when it is no did:key of ours. */
  add(name: string, did: Did): NamedKey {
    this.#free(name)
    writePrivate(this.#path(name, 'pub'), `${did}\n`)
    return { name, did, own: false }
  }

  /** @throws MeshError KEY_UNAVAILABLE. */
  signer(name: string, passphrase: string | null): Signer {
    return signerOf(readKeyFile(this.#path(name, 'key'), passphrase))
  }

  remove(name: string): void {
    for (const kind of ['key', 'pub'] as const)
      if (existsSync(this.#path(name, kind))) unlinkSync(this.#path(name, kind))
  }

  #free(name: string): void {
    if (!NAME.test(name) || name.length > NAME_BYTES_MAX)
      throw new MeshError('USAGE', `\`${name}\` is no name for a key`, {
        hint: 'letters, digits, `.`, `_`, `-`',
      })
    if (existsSync(this.#path(name, 'pub')) || existsSync(this.#path(name, 'key')))
      throw new MeshError('CONFLICT', `there is a key named \`${name}\` already`, {
        hint: 'meshd key list',
      })
  }

  #did(name: string): Did {
    return parseDid(readFileSync(this.#path(name, 'pub'), 'utf8').trim())
  }

  #path(name: string, kind: 'key' | 'pub'): string {
    return join(this.dir, `${name}.${kind}`)
  }
}
