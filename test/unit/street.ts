/**
 * A street of nodes that hold statements and reach each other at once: every
 * answer may be rewritten on its way, so that a peer lies as it is told.
 */
import assert from 'node:assert/strict'
import { toBase64, utf8 } from '../../src/core/bytes.ts'
import { sha256Hex } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { NONCE_BYTES } from '../../src/core/limits.ts'
import { MeshError, type ProblemCode } from '../../src/core/problems.ts'
import type { Cost } from '../../src/mesh/pull.ts'
import { Statements } from '../../src/mesh/statements.ts'
import { Sync } from '../../src/mesh/sync.ts'
import {
  formatSyncAnswer,
  formatSyncRequest,
  parseSyncAnswer,
  parseSyncRequest,
  type SyncAnswer,
  type SyncRequest,
} from '../../src/mesh/sync-frames.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Memory } from './memory.ts'
import {
  ana,
  ben,
  cy,
  keyOf,
  type Made,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from './statements.ts'

export const world = new World()
export const strict = new World(
  rootOf({ roles: { ...rolesOf(people), revoker: role(2, ana, ben, cy) } }),
)
export const never: AbortSignal = new AbortController().signal

/** Rewrites an answer on its way; null lets nothing through. */
export type Lie = (answer: SyncAnswer, request: SyncRequest) => SyncAnswer | null

export interface Node {
  readonly did: Did
  readonly memory: Memory
  readonly statements: Statements
  readonly sync: Sync
  readonly addresses: { readonly records: Set<string> }
  readonly costs: Cost[]
  lie: Lie
  /** How long each of its answers takes. */
  slowMs: number
}

/** Nodes that reach each other at once, and lie as they are told. */
export class Street {
  readonly clock = new VirtualClock()
  readonly nodes = new Map<Did, Node>()
  readonly #handlers = new Map<
    Did,
    (peer: Did, request: Uint8Array) => Promise<Uint8Array | null>
  >()

  async open(name: string, of: World = world, statements: readonly Made[] = []): Promise<Node> {
    const { did } = keyOf(name)
    const memory = new Memory()
    const set = await Statements.open({
      store: memory,
      persist: (puts) => memory.persist(puts),
      policy: { check: () => [] },
    })
    await set.pin(of.mesh)
    for (const { bytes } of [of.first, ...statements]) await set.offer(bytes, null, 'local').done
    const costs: Cost[] = []
    const records = new Set<string>()
    const sync = Sync.open({
      statements: set,
      incarnation: toBase64(utf8(name.padEnd(NONCE_BYTES))),
      clock: this.clock,
      random: this.clock.dice,
      addresses: addressesOf(records),
      pulled: (_, cost) => costs.push(cost),
      network: {
        peers: () => [],
        onPeer: () => {},
        handle: (_, handler) => this.#handlers.set(did, handler),
        ask: (peer, _, request) => this.#ask(did, peer, request),
      },
    })
    const node: Node = {
      did,
      memory,
      statements: set,
      sync,
      costs,
      addresses: { records },
      lie: (answer) => answer,
      slowMs: 0,
    }
    this.nodes.set(did, node)
    return node
  }

  /** How many of these the other says that it holds, once they were pushed to it. */
  async push(from: Did, to: Node, made: readonly Made[]): Promise<number> {
    const request = formatSyncRequest({ ask: 'push', blobs: made.map(({ bytes }) => bytes) })
    const answer = parseSyncAnswer(await this.#ask(from, to.did, request))
    return answer.say === 'held' ? answer.held : assert.fail(answer.say)
  }

  async #ask(from: Did, to: Did, request: Uint8Array): Promise<Uint8Array> {
    const answer = await this.#handlers.get(to)?.(from, request)
    const node = this.nodes.get(to)
    if (answer == null || node === undefined) throw new MeshError('UNREACHABLE', 'nobody answers')
    if (node.slowMs > 0) await this.clock.sleep(node.slowMs)
    const said = node.lie(parseSyncAnswer(answer), parseSyncRequest(request))
    if (said === null) throw new MeshError('TIMEOUT', 'no answer in time')
    return formatSyncAnswer(said)
  }
}

/** Address records that are the bytes of a text. */
function addressesOf(records: Set<string>) {
  const bytesOf = (text: string) => new TextEncoder().encode(text)
  return {
    get hash() {
      return sha256Hex(utf8([...records].sort().join()))
    },
    all: () => [...records].sort().map(bytesOf),
    offer(bytes: Uint8Array) {
      const text = new TextDecoder().decode(bytes)
      if (records.has(text)) return false
      records.add(text)
      return true
    },
  }
}

export const freeze = (n: number, signers = [ana], of = world) =>
  of.freeze({ scope: { kind: 'principal', did: keyOf(`p${n}`).did } }, signers)
export const freezes = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => freeze(from + n))

export const failsWith = (code: ProblemCode) => (error: unknown) => {
  assert.ok(error instanceof MeshError, String(error))
  assert.equal(error.code, code, error.message)
  return true
}
export const digestsOf = (...nodes: readonly Node[]) =>
  new Set(nodes.map(({ statements }) => statements.governance.digest)).size
export const lastCost = ({ costs }: Node): Cost => {
  const cost = costs.at(-1)
  assert.ok(cost !== undefined)
  return cost
}

/** The whole of a pull, with what follows it in the background. */
export async function pull(street: Street, node: Node, from: Node): Promise<void> {
  await node.sync.pull(from.did, never)
  await street.clock.settle()
}
