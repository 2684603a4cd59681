/**
 * The decision path under one roof: real door, real judge, real Cedar, real
 * wallet, on a log that a test can hold up, fail and read back. alice issues,
 * atlas decides, `bob` is the local caller of uid 1001, `carol` that of 1002.
 */
import { atlas, type Fields, link, person } from '../../scripts/vectors/tokens.ts'
import { artifactOf, formatArtifact } from '../../src/core/artifact.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { parseDelegation } from '../../src/core/delegation.ts'
import type { Disclosed } from '../../src/core/disclosure.ts'
import { idOf, type RecordId } from '../../src/core/id.ts'
import { formatJson, type JsonObject } from '../../src/core/json.ts'
import { judge } from '../../src/core/judge.ts'
import { signerOf } from '../../src/core/keys.ts'
import type { LeaseStatus } from '../../src/core/lease.ts'
import type { Caller, Governed } from '../../src/core/presented.ts'
import { MeshError } from '../../src/core/problems.ts'
import { type LogRecord, parseRecord } from '../../src/core/record.ts'
import { formatTime } from '../../src/core/shape.ts'
import type { Policy } from '../../src/core/statement/policy.ts'
import { callerOf } from '../../src/daemon/caller.ts'
import { Callers } from '../../src/daemon/callers.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { Decider, type NodePort } from '../../src/daemon/decider.ts'
import { FactReader } from '../../src/daemon/facts.ts'
import type { Signing } from '../../src/daemon/signing.ts'
import { Wallet } from '../../src/daemon/wallet.ts'
import { type Appended, Authorizer, type Decision } from '../../src/mesh/authorizer.ts'
import { Executions } from '../../src/mesh/executions.ts'
import { Nonces } from '../../src/mesh/nonces.ts'
import type { Put, Space, Store } from '../../src/mesh/ports.ts'
import { BEGINNING_MS, VirtualClock } from '../sim/clock.ts'
import {
  type GovernanceFields,
  GRANTED,
  governance,
  HELD,
  NOTHING_MEASURED,
  ROOT,
} from './judgements.ts'

const DAY_MS = 86_400_000
const MEASURED = { env: NOTHING_MEASURED, attestations: new Map() }

/** What is kept beside a log, in memory. */
export class Shelf implements Pick<Store, 'entries'> {
  readonly spaces = new Map<Space, Map<string, Uint8Array>>()

  put(puts: readonly Put[]): void {
    for (const { space, key, value } of puts) {
      const entries = this.spaces.get(space) ?? new Map<string, Uint8Array>()
      this.spaces.set(space, entries)
      if (value === null) entries.delete(key)
      else entries.set(key, value)
    }
  }

  entries(space: Space): Promise<ReadonlyMap<string, Uint8Array>> {
    return Promise.resolve(new Map([...(this.spaces.get(space) ?? [])].sort()))
  }
}

/** A log in memory: works, fails, or keeps everybody waiting. */
export class TestLog {
  readonly shelf: Shelf
  readonly leaves: LogRecord[] = []
  readonly bytes: Uint8Array[] = []
  state: 'works' | 'fails' | 'hangs' = 'works'
  why: string | null = null
  readonly #clock: VirtualClock
  readonly #waiting: (() => void)[] = []

  constructor(clock: VirtualClock, shelf: Shelf) {
    this.#clock = clock
    this.shelf = shelf
  }

  async append(
    draft: JsonObject,
    puts: (id: RecordId) => readonly Put[] = () => [],
  ): Promise<Appended> {
    if (this.state === 'hangs') await new Promise<void>((go) => this.#waiting.push(go))
    if (this.state === 'fails') throw new MeshError('LOG_DAMAGED', 'EIO')
    const index = this.leaves.length
    const time = formatTime(this.#clock.wallMs())
    const bytes = utf8(formatJson({ ...draft, index, time, node: atlas.did, epoch: 1 }))
    const id = idOf(bytes)
    this.leaves.push(parseRecord(bytes))
    this.bytes.push(bytes)
    this.shelf.put(puts(id))
    return { id, index }
  }

  /** Lets those go on that wait, in order. */
  release(state: 'works' | 'fails'): void {
    this.state = state
    for (const go of this.#waiting.splice(0)) go()
  }

  decisions(): readonly LogRecord<'decision'>[] {
    return this.leaves.filter((leaf) => leaf.type === 'decision')
  }

  /** What is committed to is disclosed by nobody here. */
  async disclosed(): Promise<Disclosed> {
    return new Map()
  }

  least(): number {
    return 0
  }

  size(): number {
    return this.bytes.length
  }

  find(id: RecordId): Promise<Uint8Array | null> {
    return Promise.resolve(this.bytes.find((bytes) => idOf(bytes) === id) ?? null)
  }

  records(first: number, count: number): Promise<readonly Uint8Array[]> {
    return Promise.resolve(this.bytes.slice(first, first + count))
  }
}

export interface World {
  readonly clock: VirtualClock
  readonly log: TestLog
  readonly engine: CedarEngine
  readonly nonces: Nonces
  readonly executions: Executions
  readonly authorizer: Authorizer
  readonly wallet: Wallet
  readonly callers: Callers
  readonly node: NodePort
  readonly decider: Decider
  readonly answered: Decision[]
  readonly missed: unknown[]
  governance: Governed
  lease: LeaseStatus
  /** What is found of a cause. */
  parent: NodePort['parent']
}

/** Governance at the time of the clock. */
export function governed(fields: GovernanceFields = {}): Governed {
  const root = { ...ROOT, expiresMs: BEGINNING_MS + DAY_MS }
  const ends = { memberExpiresMs: BEGINNING_MS + DAY_MS, untilMs: BEGINNING_MS + DAY_MS }
  return governance({ root, ...ends, ...fields })
}

export async function world(policies: readonly Policy[] = [GRANTED]): Promise<World> {
  const clock = new VirtualClock()
  const shelf = new Shelf()
  const log = new TestLog(clock, shelf)
  const engine = new CedarEngine()
  engine.load(policies, [])
  const [answered, missed]: [Decision[], unknown[]] = [[], []]
  const nonces = await Nonces.open(shelf)
  const executions = await Executions.open({
    clock,
    store: shelf,
    append: (draft, puts) => log.append(draft, () => puts),
    missed: (error) => missed.push(error),
  })
  const authorizer = new Authorizer({
    clock,
    nonces,
    judge,
    append: (draft, puts) => log.append(draft, puts),
    next: () => ({ epoch: 1, index: 0 }),
    unwritable: () => log.why,
    witnessed: async () => false,
    opening: (id) => [Executions.opening(id, clock.wallMs())],
    closing: (id) => [Executions.closing(id)],
    opened: (id, standing) => executions.add(id, standing),
    executionsFull: () => executions.full,
    answered: (decision) => answered.push(decision),
    missed: (error) => missed.push(error),
  })
  const wallet = await Wallet.open(shelf, async (puts) => shelf.put(puts), signingHere)
  const callers = await Callers.open(wallet, { callers: [], sockets: [] })
  await callers.create('bob', 'uid=1001')
  await callers.create('carol', 'uid=1002')
  const parent: NodePort['parent'] = () =>
    Promise.resolve({ kind: 'none', detail: 'nobody has it' })
  const state = { governance: governed({ policies }), lease: HELD, parent }
  const node: NodePort = {
    self: atlas.did,
    name: 'atlas',
    governance: () => made.governance,
    lease: () => made.lease,
    leaseWithin: () => made.lease,
    authorizer,
    executions,
    policy: engine,
    seen: (cid) => nonces.seen(cid),
    parent: (cause, untilMs) => made.parent(cause, untilMs),
    nameOf: (did) => callers.nameOf(did),
    origin: () => 'prod/atlas/1',
  }
  const facts = new FactReader({ self: atlas.did, measured: () => MEASURED })
  const decider = new Decider({ node, clock, random: clock.dice, facts, wallet })
  const made: World = {
    ...state,
    ...{ clock, log, engine, nonces, executions, authorizer, wallet, callers, node, decider },
    ...{ answered, missed },
  }
  return made
}

/** Virtual time waits for no thread. */
const signingHere: Signing = (seed) => {
  const signer = signerOf(seed)
  return (message) => Promise.resolve(signer.sign(message))
}

export const BOB_UID = 1001
export const CAROL_UID = 1002

export function caller(of: World, uid: number | null, socket = '/run/meshd/meshd.sock'): Caller {
  const credentials = uid === null ? null : { uid, gid: uid, pid: 77 }
  return callerOf(credentials, { path: socket, principal: null }, of.callers)
}

/** A line from alice to the caller of that name; fields replace those of the link. */
export function granted(of: World, name: string, fields: Fields = {}): string {
  const aud = of.wallet.key(name)?.signer.did
  const expS = Math.floor(BEGINNING_MS / 1000) + 3600
  const token = link(0, { aud, nbf: undefined, exp: expS, ...fields })
  return formatArtifact(artifactOf([parseDelegation(token)], null))
}

export const ISSUER = person(0)
