/**
 * The three keys of a node, each in its file: identity (libp2p and did:key),
 * log (signs checkpoints), witness (signs state answers). Where invites are
 * made there is an admitter key too. Keys that were there once and are gone
 * are never made anew in silence: that would be another node.
 */
import { existsSync } from 'node:fs'
import { type Signer, signerOf } from '../core/keys.ts'
import { MeshError } from '../core/problems.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import type { Paths } from './paths.ts'

export interface Identity {
  /** The libp2p key's seed, 32 bytes. */
  readonly seed: Uint8Array
  readonly node: Signer
  readonly log: Signer
  readonly witness: Signer
  readonly admitter: Signer | null
}

/**
 * Reads the keys, or makes them when neither an identity nor data exist yet.
 * @throws MeshError KEY_UNAVAILABLE when some are missing or not private.
 */
export function openIdentity(paths: Paths, dataExists: boolean): Identity {
  const files = [paths.identityKey, paths.logKey, paths.witnessKey]
  const missing = files.filter((file) => !existsSync(file))
  // The identity is made last: without it, and without data, an attempt was killed and is made whole.
  if (missing.includes(paths.identityKey) && !dataExists)
    for (const file of missing.toReversed()) createKeyFile(file)
  else if (missing.length > 0) throw lost(missing, paths.dataDir, dataExists)
  const seed = readKeyFile(paths.identityKey)
  return {
    seed,
    node: signerOf(seed),
    log: signerOf(readKeyFile(paths.logKey)),
    witness: signerOf(readKeyFile(paths.witnessKey)),
    admitter: existsSync(paths.admitterKey) ? signerOf(readKeyFile(paths.admitterKey)) : null,
  }
}

function lost(missing: readonly string[], dataDir: string, dataExists: boolean): MeshError {
  const why = dataExists ? `, though \`${dataDir}\` holds data signed by it` : ''
  return new MeshError('KEY_UNAVAILABLE', `${missing.join(', ')}: missing${why}`, {
    hint: 'restore the key files; to begin anew as another node, move the data directory away first',
  })
}
