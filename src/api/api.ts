/** The whole local API on its sockets: every route, wired to the daemon once. */
import type { Socket } from 'node:net'
import type { Did } from '../core/keys.ts'
import { MeshError } from '../core/problems.ts'
import { callerNow, callerOf } from '../daemon/caller.ts'
import type { Daemon } from '../daemon/daemon.ts'
import { Executables } from '../daemon/executables.ts'
import { groupId } from '../daemon/groups.ts'
import type { Logger } from '../daemon/logger.ts'
import { type PeerReader, peerReader } from '../daemon/peer-credentials.ts'
import { PeerProcess } from '../daemon/peer-process.ts'
import type { LiveConfig } from '../daemon/reload.ts'
import { RemoteCallers } from '../daemon/remote-callers.ts'
import { artifactRoutes } from './artifacts.ts'
import { authzenRoutes } from './authzen.ts'
import { authzenSearchRoutes } from './authzen-search.ts'
import { callerRoutes } from './callers.ts'
import { Deciding } from './deciding.ts'
import { decisionRoutes } from './decisions.ts'
import { doctorRoutes } from './doctor.ts'
import { eventSources } from './event-sources.ts'
import { eventRoutes } from './events.ts'
import { executionRoutes } from './executions.ts'
import { gatewayRoutes } from './gateway.ts'
import { governanceRoutes } from './governance.ts'
import { healthRoutes } from './health.ts'
import { inviteRoutes } from './invites.ts'
import { lineageRoutes } from './lineage.ts'
import { meshExecutionRoutes } from './mesh-executions.ts'
import { meshFileRoutes } from './mesh-file.ts'
import { meshRecordRoutes } from './mesh-records.ts'
import { type Metrics, metricsRoutes } from './metrics.ts'
import { MetricsServer } from './metrics-server.ts'
import { operateRoutes } from './operate.ts'
import { peerRoutes } from './peers.ts'
import { policyRoutes } from './policies.ts'
import { pruneRoutes } from './prune.ts'
import { receiptRoutes } from './receipts.ts'
import { recordRoutes } from './records.ts'
import { redactRoutes } from './redact.ts'
import { Router } from './router.ts'
import { ApiServer, type SocketSpec } from './server.ts'
import type { KernelFacts, Services } from './services.ts'
import { statementRoutes } from './statements.ts'
import { statusRoutes } from './status.ts'
import { tileRoutes } from './tiles.ts'
import { hostsOf } from './tls-door.ts'
import { TlsListener, type TlsPorts } from './tls-listener.ts'
import { toolRoutes } from './tools.ts'
import { walletRoutes } from './wallet.ts'
import { walletRequestRoutes } from './wallet-requests.ts'

export interface ApiPorts {
  readonly daemon: Daemon
  readonly live: LiveConfig
  readonly logger: Logger
  readonly metrics: Metrics
  readonly version: string
}

export class Api {
  readonly #server: ApiServer
  readonly #tls: TlsListener | null
  readonly #scrapes: MetricsServer | null

  private constructor(server: ApiServer, tls: TlsListener | null, scrapes: MetricsServer | null) {
    this.#server = server
    this.#tls = tls
    this.#scrapes = scrapes
  }

  static async open(ports: ApiPorts): Promise<Api> {
    const { daemon, live, logger, metrics } = ports
    const reader = await peerReader()
    const known = { sockets: () => server?.sockets ?? [], kernelFacts: kernelFactsOf(reader) }
    const router = new Router(routesOf(ports, known))
    const bug = (error: unknown, path: string) =>
      logger.error('a fault inside meshd', { path, error: String(error) })
    let server: ApiServer | null = null
    server = await ApiServer.open(socketsOf(daemon, live), {
      router,
      monotonicMs: () => daemon.clock.monotonicMs(),
      identify: identifying(reader, daemon, metrics),
      bug,
    })
    let tls: TlsListener | null = null
    try {
      tls = await listenTls(ports, server, bug)
      const { metricsListen: at } = live.current.telemetry
      const scrapes = at === null ? null : await MetricsServer.open(at, metrics, daemon.node)
      return new Api(server, tls, scrapes)
    } catch (error) {
      await Promise.all([server.close(0), tls?.close(0)])
      throw error
    }
  }

  get sockets(): readonly SocketSpec[] {
    return this.#server.sockets
  }

  /** Where other hosts call; null where they cannot. */
  get https(): string | null {
    return this.#tls?.address ?? null
  }

  /** Answers what is in flight within ms. */
  async close(ms: number): Promise<void> {
    await Promise.all([this.#server.close(ms), this.#tls?.close(ms), this.#scrapes?.close()])
  }
}

/** null where the configuration names no address. @throws MeshError NOT_READY */
async function listenTls(
  { daemon, live, metrics }: ApiPorts,
  server: ApiServer,
  bug: TlsPorts['bug'],
): Promise<TlsListener | null> {
  const { tcpListen: listen } = live.current.api
  const files = live.tcpFiles
  if (listen === null || files === null) return null
  const names = () => hostsOf(listen, live.current.api.publicUrl, live.current.api.tcp?.hosts ?? [])
  let hosts = names()
  const listed = () => live.tcpFiles?.callers ?? []
  const listener = await TlsListener.open(listen, files.tls, {
    remotes: new RemoteCallers({ names: daemon.callers, listed, listen }),
    hosts: () => hosts,
    answer: (request, response, callerOf) => server.answer(request, response, 'tcp', callerOf),
    monotonicMs: () => daemon.clock.monotonicMs(),
    refused: () => metrics.unidentified(),
    bug,
  })
  live.onChange(() => {
    hosts = names()
    // What is taken out of the file is taken back with the next start; until then nobody is known.
    if (live.tcpFiles !== null) listener.use(live.tcpFiles.tls)
  })
  return listener
}

function identifying(reader: PeerReader | null, { callers }: Daemon, metrics: Metrics) {
  const executables = new Executables()
  return (socket: Socket, spec: SocketSpec) => {
    const kernel = reader?.credentials(socket) ?? null
    const pidfd = kernel === null ? null : (reader?.pidfd?.(socket) ?? null)
    const process =
      kernel === null || pidfd === null ? null : PeerProcess.open(kernel, pidfd, executables)
    if (process !== null) socket.once('close', () => process.close())
    if (!callerOf(kernel, spec, callers).identified) metrics.unidentified()
    return { uid: kernel?.uid ?? null, caller: callerNow(kernel, spec, callers, process) }
  }
}

function kernelFactsOf(reader: PeerReader | null): KernelFacts {
  if (reader === null) return 'none'
  return reader.pidfd === null ? 'credentials' : 'process'
}

/** Who may decide, and who may read everything: groups of their own where this host has them (INTERFACE 5.2). */
const [DECIDERS, READERS] = ['meshd', 'meshd-read']

function socketsOf({ paths }: Daemon, live: LiveConfig): readonly SocketSpec[] {
  const own = live.current.api.sockets
  return [
    { path: paths.decideSocket, mode: 0o660, role: 'decide', principal: null, ...given(DECIDERS) },
    { path: paths.readSocket, mode: 0o660, role: 'read', principal: null, ...given(READERS) },
    { path: paths.adminSocket, mode: 0o600, role: 'admin', principal: null },
    ...own.map(({ path, mode, principal, group }) => ({
      ...{ path, mode, role: 'decide' as const, principal },
      ...(group === null ? {} : wanted(group, path)),
    })),
  ]
}

/** Where it is there, and this daemon may give to it: root may, and a member. */
function given(group: string): Pick<SocketSpec, 'gid'> {
  const gid = groupId(group)
  const may = process.getuid?.() === 0 || process.getgroups?.().includes(gid ?? -1) === true
  return gid === null || !may ? {} : { gid }
}

/** @throws MeshError CONFIG_INVALID */
function wanted(group: string, path: string): Pick<SocketSpec, 'gid'> {
  const gid = groupId(group)
  if (gid === null)
    throw new MeshError('CONFIG_INVALID', `${path}: this host has no group \`${group}\``)
  return { gid }
}

interface Known {
  sockets(): readonly SocketSpec[]
  readonly kernelFacts: KernelFacts
}

function routesOf(ports: ApiPorts, known: Known) {
  const { daemon, live, logger, metrics } = ports
  const { node, wallet, callers, artifacts, decisions, decider } = daemon
  const services = servicesOf(ports, known)
  const seenFrom = () => services.seenFrom()
  const { name } = live.current.node
  const nameOf = (did: Did) => daemon.nameOf(did)
  const teller = { name, origin: () => node.origin(), nameOf }
  const deciding = new Deciding({
    ...{ decider, teller },
    decided: (decided, gateway) => metrics.decided(decided, gateway),
    bug: (error, path) => logger.error('a fault inside meshd', { path, error: String(error) }),
  })
  return [
    ...authzenRoutes(deciding, live.current.api.publicUrl),
    ...authzenSearchRoutes({
      ...{ deciding, catalog: daemon.policy },
      monotonicMs: () => daemon.clock.monotonicMs(),
    }),
    ...gatewayRoutes(deciding),
    ...executionRoutes({
      ...{ deciding, executions: node.executions, nameOf, seenFrom },
      monotonicMs: () => daemon.clock.monotonicMs(),
    }),
    ...decisionRoutes({
      ...{ deciding, decisions, seenFrom },
      records: node.records,
    }),
    ...walletRoutes({ wallet, artifacts, seenFrom }),
    ...walletRequestRoutes({ requests: daemon.requests, seenFrom }),
    ...callerRoutes({ callers, seenFrom }),
    ...artifactRoutes({
      artifacts,
      revocations: () => node.statements.governance.revocations.size,
    }),
    ...eventRoutes({ sources: eventSources(services, logger), clock: daemon.clock, decisions }),
    ...statusRoutes(services),
    ...peerRoutes(services),
    ...inviteRoutes(services),
    ...governanceRoutes(services),
    ...statementRoutes(services),
    ...recordRoutes(services),
    ...receiptRoutes(services),
    ...tileRoutes(services),
    ...meshFileRoutes(services),
    ...meshRecordRoutes(services),
    ...meshExecutionRoutes(services),
    ...pruneRoutes(services),
    ...redactRoutes(services),
    ...lineageRoutes(services),
    ...toolRoutes({ append: (draft) => node.log.append(draft) }),
    ...policyRoutes(daemon.policy),
    ...doctorRoutes(services),
    ...operateRoutes(services),
    ...healthRoutes(services),
    ...metricsRoutes(metrics),
  ]
}

function servicesOf(ports: ApiPorts, { sockets, kernelFacts }: Known): Services {
  const { daemon, live, metrics, version } = ports
  const { node, network, clock } = daemon
  const { name } = live.current.node
  const startedAtMs = Math.floor(clock.wallMs())
  let isolated = false
  return {
    ...{ node, network, clock, version, startedAtMs, name, sockets },
    pid: process.pid,
    kernelFacts,
    nameOf: (did) => daemon.nameOf(did),
    collectors: () => daemon.environment.collectors,
    https: () => httpsOf(live),
    isolate: (on) => {
      isolated = on
      network.isolate(on)
    },
    isolated: () => isolated,
    retentionMs: () => live.current.audit.retentionMs,
    reload: async () => {
      const reloaded = live.reload()
      metrics.reloaded(reloaded.rejected === null ? 'applied' : 'rejected')
      return reloaded
    },
    seenFrom: () => ({ name, wallMs: Math.floor(clock.wallMs()) }),
  }
}

function httpsOf({ current, tcpFiles }: LiveConfig): ReturnType<Services['https']> {
  const listen = current.api.tcpListen
  return listen === null || tcpFiles === null ? null : { listen, certUntilMs: tcpFiles.certUntilMs }
}
