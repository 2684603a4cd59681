/** `meshd start`: the daemon in the foreground. All of it is loaded here, and only here. */
import type { Command } from './spec.ts'
import { ownVersion } from './version.ts'

export const start: Command = {
  name: 'start',
  group: 'GET GOING',
  says: 'run the daemon in the foreground; makes an identity if this host never had one',
  examples: ['meshd start', 'meshd start --config /etc/meshd/meshd.yaml'],
  run: async ({ io, globals, signal }) => {
    const { runDaemon } = await import('../api/main.ts')
    const status = await runDaemon({
      config: globals.config,
      env: io.env,
      stdout: io.stdout,
      stderr: io.stderr,
      version: ownVersion(),
      signal,
    })
    // The disk is closed; timers that libp2p leaves behind would keep the process for a second.
    process.exit(status)
  },
}
