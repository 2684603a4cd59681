/** What stands in the place of a daemon, on its socket: it answers the first bytes of each connection as it likes. */
import { rmSync } from 'node:fs'
import net, { type Socket } from 'node:net'

export async function impostor(
  path: string,
  answer: (socket: Socket) => void,
): Promise<AsyncDisposable> {
  const sockets: Socket[] = []
  const server = net.createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  await new Promise<void>((done) => server.listen(path, done))
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
      rmSync(path, { force: true })
    },
  }
}
