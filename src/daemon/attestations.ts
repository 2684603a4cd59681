/**
 * What trusted keys say of executables: in-toto statements that the
 * configuration names (core/in-toto.ts). `.meshd.runtime.attested.<name>` is
 * the predicate type, for a caller whose executable is a subject of it.
 */
import { type Attestation, parseAttestation } from '../core/in-toto.ts'
import type { Did } from '../core/keys.ts'
import { ATTESTATION_BYTES_MAX } from '../core/limits.ts'
import { type Watched, WatchedFiles } from './watched-files.ts'

export interface AttestationSpec extends Watched {
  /** One of them signs it. */
  readonly keys: readonly Did[]
}

export type Attestations = WatchedFiles<AttestationSpec, Attestation>

export function attestationsOf(
  specs: ReadonlyMap<string, AttestationSpec>,
  tell: (what: string, error: unknown) => void,
): Attestations {
  return new WatchedFiles(specs, {
    bytesMax: ATTESTATION_BYTES_MAX,
    read: async (file, { keys }) => parseAttestation(await file.readFile(), keys),
    tell,
  })
}

/** Name → predicate type, of those that have this executable among their subjects. */
export function attestedBy(
  exe: string | null,
  attestations: ReadonlyMap<string, Attestation>,
): ReadonlyMap<string, string> {
  const found = [...attestations].filter(([, { subjects }]) => exe !== null && subjects.has(exe))
  return new Map(found.map(([name, { predicateType }]) => [name, predicateType]))
}
