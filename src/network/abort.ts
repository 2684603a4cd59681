/**
 * libp2p's abort throws where the bytes below can no longer be written (the
 * other end closed them, or a byte was changed on the way): its muxer wants to
 * say goodbye first, and what is below stays open. libp2p calls it itself, with
 * nobody to catch it, so that a stranger ends the process. By then the muxer is
 * closed, and a second abort reaches what is below it.
 */
export function makeAbortSafe(connection: { abort(error: Error): void }): void {
  const abort = connection.abort.bind(connection)
  connection.abort = (error) => {
    try {
      abort(error)
    } catch {
      // Nobody is left to say goodbye to. A bug would throw again.
      abort(error)
    }
  }
}
