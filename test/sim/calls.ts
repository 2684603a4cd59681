/**
 * Requests: each a line that its holder closed for one node. Some come twice,
 * at once or much later; some artifacts are good for one use alone.
 */
import { formatArtifact } from '../../src/core/artifact.ts'
import { closeWith } from '../../src/core/closing.ts'
import type { RecordId } from '../../src/core/id.ts'
import { objectOf } from '../../src/core/ipld.ts'
import type { Caller } from '../../src/core/presented.ts'
import { readRequest } from '../../src/core/request.ts'
import type { Question } from '../../src/daemon/decider.ts'
import { BEGINNING_MS, type Dice } from './clock.ts'
import type { Asked } from './history.ts'
import type { Host } from './host.ts'
import { cidsOf, type Grant } from './laws.ts'
import type { MeshWorld } from './mesh-world.ts'

/** Of what was sent, how many may be sent again. */
const RECENT = 12
/** An invocation lives five minutes at most; clocks may be two wrong. */
export const INVOCATION_MS = 170_000
export const CALLER: Caller = {
  principal: null,
  name: null,
  uid: 1001,
  gid: 1001,
  pid: 77,
  socket: '/run/meshd/meshd.sock',
  asserts: [],
  identified: true,
}

/** A request that can be sent again. */
export interface Request {
  readonly asked: Asked
  readonly artifact: string
  readonly node: number
  /** Who sends it; anybody, unless said. */
  readonly caller?: Caller
}

export class Calls {
  readonly #world: MeshWorld
  readonly #dice: Dice
  #next: number
  /** Answered ones, to be sent again. */
  readonly #past: Request[] = []

  /** @param first number of its requests */
  constructor(world: MeshWorld, dice: Dice, first = 0) {
    this.#world = world
    this.#next = first
    this.#dice = dice
  }

  /** One that is new in everything but, perhaps, its artifact. */
  make(host: Host, grant: Grant, action: string, cause: RecordId | null = null): Request {
    const { links, holder } = grant
    const [first] = links
    if (first === undefined) throw new Error('a grant has links')
    const req = this.#next++
    const resource = `r${req}`
    const args = objectOf([])
    const nowMs = BEGINNING_MS + this.#world.clock.monotonicMs()
    const invocation = closeWith(
      {
        aud: host.did,
        sub: first.sub,
        asked: {
          action,
          resource: { type: 'doc', id: resource },
          subject: null,
          args,
        },
        prf: cidsOf(grant),
        nonce: this.#dice.bytes(12),
        expS: Math.ceil((nowMs + INVOCATION_MS) / 1000),
        iatS: null,
        cause,
        meta: objectOf([]),
      },
      holder,
    )
    const closing = {
      by: holder.did,
      aud: host.did,
      sub: first.sub,
      prf: cidsOf(grant),
      action,
      args,
    }
    const asked: Asked = {
      req,
      links: cidsOf(grant),
      issuer: first.iss,
      principals: [...links.map(({ iss }) => iss), holder.did],
      invocation: invocation.cid,
      once: links.find(({ once }) => once)?.cid ?? null,
      action,
      resource,
      cause,
      brought: { node: host.did, closing, args, gains: null, process: null },
    }
    this.#world.grants.set(req, grant)
    return { asked, artifact: formatArtifact({ links, invocation }), node: host.place }
  }

  /** Sends it to its node, if that runs. */
  send({ asked, artifact, node, caller = CALLER }: Request): void {
    if (this.#world.less.calls.includes(asked.req)) return
    const host = this.#world.hosts[node]
    const life = host?.life
    if (host === undefined || life == null || life.decider === null || !life.gate.running) return
    this.#world.write({ ev: 'call', asked }, host)
    const question: Question = {
      request: readRequest({
        action: { name: asked.action, properties: asked.brought?.args ?? objectOf([]) },
        resource: { type: 'doc', id: asked.resource },
      }),
      caller,
      artifact,
      receivedMs: host.machine.monotonicMs(),
      // What gains nothing runs nowhere.
      opens: asked.brought?.gains === null && this.#dice.unit() < 0.3,
      gateway: null,
    }
    life.decider.decide(question).catch((error: unknown) => {
      life.write({ ev: 'problem', says: `a decision ended with ${String(error)}` })
    })
    this.#past.push({ asked, artifact, node, caller })
  }

  /** One that was sent lately; null when there is none. */
  again(): Request | null {
    return this.#oneOf(this.#past)
  }

  /** One that was sent to this node lately. */
  againAt(node: number): Request | null {
    return this.#oneOf(this.#past.filter((each) => each.node === node))
  }

  #oneOf(past: readonly Request[]): Request | null {
    const recent = past.slice(-RECENT)
    return recent[this.#dice.integer(Math.max(1, recent.length))] ?? null
  }
}
