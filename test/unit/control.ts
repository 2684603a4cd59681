/**
 * The control API on a real node: one that founded its mesh alone, on a
 * simulated disk and network, in virtual time. Asks are made by hand.
 */

import { doctorRoutes } from '../../src/api/doctor.ts'
import { governanceRoutes } from '../../src/api/governance.ts'
import { healthRoutes } from '../../src/api/health.ts'
import { inviteRoutes } from '../../src/api/invites.ts'
import { meshFileRoutes } from '../../src/api/mesh-file.ts'
import { meshRecordRoutes } from '../../src/api/mesh-records.ts'
import { operateRoutes } from '../../src/api/operate.ts'
import { peerRoutes } from '../../src/api/peers.ts'
import { policyRoutes } from '../../src/api/policies.ts'
import { problemReply } from '../../src/api/problem.ts'
import { pruneRoutes } from '../../src/api/prune.ts'
import { recordRoutes } from '../../src/api/records.ts'
import { type Ask, type Reply, Router, type SocketRole } from '../../src/api/router.ts'
import type { Services } from '../../src/api/services.ts'
import { statementRoutes } from '../../src/api/statements.ts'
import { statusRoutes } from '../../src/api/status.ts'
import { utf8 } from '../../src/core/bytes.ts'
import type { Did } from '../../src/core/keys.ts'
import { MeshError } from '../../src/core/problems.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { MeshNode } from '../../src/mesh/node.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Disk, DiskStore } from '../sim/disk.ts'
import { CALM, Hub } from '../sim/hub.ts'
import { SimNetwork } from '../sim/network.ts'
import {
  atlas,
  DAY_MS,
  keyOf,
  type NodeKeys,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from './statements.ts'

/** The node's admitter key, which redeems invites. */
const admitter = keyOf('admitter of atlas')

export interface Answered {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: what a client parses has no type yet
  readonly body: any
}

export class Control implements AsyncDisposable {
  readonly clock: VirtualClock
  readonly node: MeshNode
  readonly world: World
  readonly bugs: unknown[] = []
  /** As a node with `api.tcp` has it. */
  https: ReturnType<Services['https']> = null
  readonly isolations: boolean[] = []
  readonly #router: Router

  private constructor(clock: VirtualClock, node: MeshNode, network: SimNetwork, world: World) {
    this.clock = clock
    this.node = node
    this.world = world
    const services = this.#services(network)
    this.#router = new Router([
      ...statusRoutes(services),
      ...peerRoutes(services),
      ...inviteRoutes(services),
      ...governanceRoutes(services),
      ...statementRoutes(services),
      ...recordRoutes(services),
      ...meshFileRoutes(services),
      ...meshRecordRoutes(services),
      ...pruneRoutes(services),
      ...policyRoutes(new CedarEngine()),
      ...doctorRoutes(services),
      ...operateRoutes(services),
      ...healthRoutes(services),
    ])
  }

  /** Of a mesh whose one witness it is: ready, with its first records. With others, who are away, it is not. */
  static async open(others: readonly NodeKeys[] = []): Promise<Control> {
    const clock = new VirtualClock(1)
    const first = rootOf({
      witnesses: [atlas, ...others].map(({ identity }) => identity.did).sort(),
      roles: { ...rolesOf(people), admitter: role(1, ...people, admitter) },
      issuedMs: clock.wallMs(),
      expiresMs: clock.wallMs() + 300 * DAY_MS,
    })
    const world = new World(first)
    const network = new SimNetwork(new Hub(clock, CALM), atlas.identity.did)
    const node = await clock.until(
      DiskStore.open(new Disk(clock)).then((store) =>
        MeshNode.open({
          ...{ clock, store, network, random: clock.dice, policy: new CedarEngine() },
          keys: { node: atlas.identity, log: atlas.log, witness: atlas.witness, admitter },
          name: 'atlas',
          stalenessAtMostMs: () => null,
          auditShare: () => 'members' as const,
          auditMirrors: () => 0,
          tell: {
            problem: () => {},
            decided: () => {},
            gossiped: () => {},
            cosigned: () => {},
            synced: () => {},
            committed: () => {},
          },
        }),
      ),
    )
    const control = new Control(clock, node, network, world)
    await clock.until(control.#found())
    await clock.advance(3_000)
    return control
  }

  async #found(): Promise<void> {
    const { node, world, clock } = this
    await node.statements.pin(world.mesh)
    const expiresMs = clock.wallMs() + 30 * DAY_MS
    const made = [world.first, world.member(atlas, { expiresMs }), world.policy()]
    for (const { bytes } of made) await node.statements.submit(bytes)
    await node.start()
  }

  #services(network: SimNetwork): Services {
    const { clock, node } = this
    let isolated = false
    return {
      ...{ node, network, clock, version: '0.0.0', name: 'atlas', pid: 7, kernelFacts: 'none' },
      collectors: () => [],
      https: () => this.https,
      startedAtMs: clock.wallMs(),
      nameOf: (did: Did) => node.statements.governance.members.get(did)?.name ?? null,
      sockets: () => [{ path: '/run/x.sock', mode: 0o660, role: 'read', principal: null }],
      isolate: (on) => {
        isolated = on
        this.isolations.push(on)
      },
      isolated: () => isolated,
      retentionMs: () => 30 * DAY_MS,
      reload: async () => ({ applied: ['log.level'], restart: [], rejected: null }),
      seenFrom: () => ({ name: 'atlas', wallMs: Math.floor(clock.wallMs()) }),
    }
  }

  async ask(
    line: string,
    body: unknown = null,
    { role = 'admin', signal }: { role?: SocketRole; signal?: AbortSignal } = {},
  ): Promise<Answered> {
    const [method = '', target = ''] = line.split(' ')
    const reply = await this.clock.until(this.#reply(method, target, body, role, signal))
    const json = reply.type.includes('json')
    return { status: reply.status, body: json ? JSON.parse(String(reply.body)) : reply.body }
  }

  async #reply(
    method: string,
    target: string,
    body: unknown,
    role: SocketRole,
    signal = new AbortController().signal,
  ): Promise<Reply> {
    const url = new URL(target, 'http://meshd')
    try {
      const { route, parameters } = this.#router.match(method, url.pathname, role)
      const text = body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body)
      const ask: Ask = {
        ...{ method, path: url.pathname, search: url.search, query: url.searchParams },
        ...{ parameters, role, signal },
        header: (name) => (name === 'content-type' ? 'application/json' : null),
        headers: () => [],
        body: utf8(text),
        caller: { ...NOBODY, socket: '/run/x.sock' },
        receivedMs: this.clock.monotonicMs(),
      }
      return await route.handle(ask)
    } catch (error) {
      if (!(error instanceof MeshError)) this.bugs.push(error)
      return problemReply(error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clock.until(this.node.stop())
  }
}

const NOBODY = {
  ...{ principal: null, name: null, uid: null, gid: null, pid: null, asserts: [] },
  identified: false,
} as const
