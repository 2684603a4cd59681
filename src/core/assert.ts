/** Holds an invariant. A failure means that this program is wrong, not its input: nobody catches it where it happens. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Bug(invariant)
}

/** A detected contradiction inside meshd. The request's edge answers INTERNAL; in the middle of a change the node seals and stops. */
class Bug extends Error {
  override readonly name = 'Bug'
}

export function isBug(error: unknown): error is Error {
  return error instanceof Bug
}
