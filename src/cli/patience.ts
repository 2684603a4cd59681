/** What a command looks for again until it is there: the daemon while it starts, a statement while it spreads, an end. */
import { MeshError, type ProblemCode } from '../core/problems.ts'
import type { Context } from './context.ts'

const POLL_MS = 100

/** The first that is not null, within --timeout; null when the time is over, or after Ctrl-C. */
export async function within<T>(
  { globals, signal }: Context,
  look: () => Promise<T | null>,
  everyMs = POLL_MS,
): Promise<T | null> {
  const { timeoutMs } = globals
  const endMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== null || signal.aborted || performance.now() > endMs) return found
    await new Promise((done) => setTimeout(done, everyMs))
  }
}

/** Asks again while it fails so, within --timeout. @throws MeshError of another code, or the last of this one */
export async function despite<T>(
  context: Context,
  code: ProblemCode,
  ask: () => Promise<T>,
): Promise<T> {
  let last: MeshError | null = null
  const answer = await within(context, async () => {
    try {
      return { value: await ask() }
    } catch (error) {
      if (!(error instanceof MeshError) || error.code !== code) throw error
      last = error
      return null
    }
  })
  if (answer === null) throw last
  return answer.value
}
