/**
 * What a question brings along in files: an artifact, and the proof of what it
 * descends from. Loaded where there is one: reading them takes all that signs.
 */
import { formatArtifact } from '../core/artifact.ts'
import { textOf } from '../core/bytes.ts'
import { ARTIFACT_HEADER_BYTES_MAX, RECEIPT_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { formatReceipt, parseReceipt } from '../core/receipt.ts'
import { readArtifact } from './artifact.ts'
import type { Ask } from './authorize.ts'
import type { Context } from './context.ts'

/** Without the statements in it, which this node holds itself, so that it fits into a request. @throws MeshError PROOF_INVALID */
export function receiptText(context: Context, file: string): string {
  try {
    const receipt = parseReceipt(context.read(file, RECEIPT_BYTES_MAX))
    return textOf(formatReceipt({ ...receipt, statements: [] }))
  } catch (cause) {
    // A file that somebody sent: what it lacks is the answer.
    if (!(cause instanceof Malformed)) throw cause
    throw new MeshError('PROOF_INVALID', `${file}: ${cause.message}`, {
      hint: 'meshd audit prove <execution> -f <file>, where it ran',
      cause,
    })
  }
}

/** The header that brings it. @throws MeshError TOO_LARGE */
export function artifactOf(context: Context, file: string): Ask['headers'] {
  const line = formatArtifact(readArtifact(context, file))
  if (line.length > ARTIFACT_HEADER_BYTES_MAX)
    throw new MeshError(
      'TOO_LARGE',
      `${file}: larger than ${ARTIFACT_HEADER_BYTES_MAX} bytes, the bound of a header`,
      { hint: 'meshd artifact hold' },
    )
  return { 'meshd-artifact': line }
}
