/** A whole daemon with its sockets in this process, so that a test can look into its libp2p node. */
import { Api } from '../../src/api/api.ts'
import { Metrics } from '../../src/api/metrics.ts'
import { snapshotOf } from '../../src/api/metrics-snapshot.ts'
import { tellerOf } from '../../src/api/teller.ts'
import type { Host as Typed } from '../../src/cli/stage.ts'
import { loadConfig } from '../../src/daemon/config.ts'
import { Daemon } from '../../src/daemon/daemon.ts'
import { createLogger } from '../../src/daemon/logger.ts'
import { LiveConfig } from '../../src/daemon/reload.ts'
import { createHost, type Host } from '../../src/network/host.ts'

const CLOSE_MS = 500

export class Embedded implements AsyncDisposable {
  readonly daemon: Daemon
  readonly #api: Api
  readonly #libp2p: { host: Host | null }
  /** What its own log said. */
  readonly said: readonly string[]

  private constructor(
    daemon: Daemon,
    api: Api,
    libp2p: { host: Host | null },
    said: readonly string[],
  ) {
    this.daemon = daemon
    this.#api = api
    this.#libp2p = libp2p
    this.said = said
  }

  /** One after the other: creating a socket narrows the umask of the process for a moment. */
  static async start(at: Typed): Promise<Embedded> {
    const live = new LiveConfig(loadConfig(null, at.env), null, at.env)
    const said: string[] = []
    const write = (line: string) => void said.push(line)
    const logger = createLogger({
      level: () => 'info',
      format: () => 'json',
      ...{ write, now: () => Date.now() },
    })
    const opened: { daemon: Daemon | null; host: Host | null } = { daemon: null, host: null }
    const metrics = new Metrics(() => snapshotOf(opened.daemon, 'test'))
    const daemon = await Daemon.open({
      ...{ live, logger, tell: tellerOf(logger, metrics) },
      createHost: async (options) => {
        opened.host = await createHost(options)
        return opened.host
      },
    })
    opened.daemon = daemon
    const api = await Api.open({ daemon, live, logger, metrics, version: 'test' })
    await daemon.start()
    return new Embedded(daemon, api, opened, said)
  }

  get host(): Host {
    if (this.#libp2p.host === null) throw new Error('the network is not started')
    return this.#libp2p.host
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api.close(CLOSE_MS)
    await this.daemon.stop()
  }
}
