/** Secrets in every spelling in which one of them may have been told, and where they are found. */

import { createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { base58btc } from 'multiformats/bases/base58'

/** Of what is looked for: less of a secret could be there by chance. */
const PART = 24

export interface Secret {
  readonly name: string
  /** All the ways to write it: each is enough. */
  readonly spellings: readonly Buffer[]
}

/** 32 bytes that were drawn: a key, or what an invite proves. */
export function drawn(name: string, bytes: Uint8Array): Secret {
  const raw = Buffer.from(bytes)
  const hex = raw.toString('hex')
  const texts = [
    hex,
    hex.toUpperCase(),
    hex.replace(/..(?!$)/g, '$& '),
    hex.replace(/..(?!$)/g, '$&:'),
    raw.join(','),
    raw.join(', '),
    base58btc.encode(raw).slice(1),
    ...inside(raw),
  ]
  return { name, spellings: [raw, ...texts.map((text) => Buffer.from(text))] }
}

/** What somebody wrote: a passphrase, a token, a line. */
export function written(name: string, text: string): Secret {
  const raw = Buffer.from(text)
  const texts = [raw.toString('hex'), encodeURIComponent(text), ...inside(raw)]
  return { name, spellings: [raw, ...texts.map((each) => Buffer.from(each))] }
}

/** In base64 of anything that it is a part of: at any of three places, in both alphabets. */
function inside(raw: Buffer): readonly string[] {
  const texts = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), raw])
      .toString('base64')
      .replace(/=+$/, '')
    return text.slice(before === 0 ? 0 : before + 1, -1)
  })
  return texts.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')])
}

/** The seed in a PEM of an Ed25519 key. */
export function seedIn(file: string): Buffer {
  const der = createPrivateKey(readFileSync(file)).export({ format: 'der', type: 'pkcs8' })
  return der.subarray(16)
}

/** Names those that are in it. */
export function found(secrets: readonly Secret[], bytes: string | Buffer): readonly string[] {
  const where = Buffer.from(bytes)
  return secrets
    .filter(({ spellings }) =>
      spellings.some((each) => each.length >= PART && where.includes(each)),
    )
    .map(({ name }) => name)
}

/** Every file below, that is one. */
export function filesBelow(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((each) => join(dir, each))
    .filter((each) => statSync(each).isFile())
}
