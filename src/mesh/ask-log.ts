/** One question about a log, and its answer, which proves itself or is worth nothing. */
import type { Did } from '../core/keys.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { formatLogRequest, type LogAnswer, type LogRequest, parseLogAnswer } from './log-frames.ts'
import type { Network } from './ports.ts'

/** @throws MeshError UNREACHABLE, TIMEOUT, INVALID_ANSWER */
export async function askLog(
  network: Pick<Network, 'ask'>,
  peer: Did,
  request: LogRequest,
  signal: AbortSignal,
): Promise<LogAnswer> {
  const bytes = await network.ask(peer, 'log', formatLogRequest(request), signal)
  try {
    return parseLogAnswer(bytes)
  } catch (error) {
    // Untrusted bytes come in here; to the asker they are a peer that does not answer.
    if (error instanceof Malformed) throw new MeshError('INVALID_ANSWER', error.message)
    throw error
  }
}
