/**
 * A small mesh to govern in tests. Its keys are the hashes of their names, so
 * every run makes the same statements:
 *
 *   ana, ben, cy      root 2 of 3, policy 1 of 3, issuer, revoker, admitter, breakglass 1 of 3
 *   atlas, borealis   members and witnesses
 *
 * Builders give a Made: the statement, its envelope, its id. Fields left out are in order.
 */
import { assert } from '../../src/core/assert.ts'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { logOrigin, signCheckpoint } from '../../src/core/checkpoint.ts'
import {
  type Envelope,
  formatEnvelope,
  signEnvelope,
  unsignedEnvelope,
} from '../../src/core/dsse.ts'
import { Fold, type KnownStatement, type Standing } from '../../src/core/fold.ts'
import { type StatementId, sha256 } from '../../src/core/id.ts'
import { type Did, type Signer, signerOf } from '../../src/core/keys.ts'
import { defaultQuorum } from '../../src/core/lease-quorum.ts'
import { type Hash, leafHash } from '../../src/core/merkle.ts'
import { proveConsistency, proveInclusion, proveWhole } from '../../src/core/proof.ts'
import type { Epoch } from '../../src/core/statement/epoch.ts'
import { draftEvidence, type Evidence } from '../../src/core/statement/evidence.ts'
import type { Freeze } from '../../src/core/statement/freeze.ts'
import type { Member } from '../../src/core/statement/member.ts'
import type { Policy } from '../../src/core/statement/policy.ts'
import type { Revocation } from '../../src/core/statement/revocation.ts'
import { ROLES, type Role, type RoleName, type Root } from '../../src/core/statement/root.ts'
import {
  formatStatement,
  parseStatement,
  type Statement,
} from '../../src/core/statement/statement.ts'
import { mth, nodesOf } from './merkle-model.ts'

/** 2026-01-01T00:00:00Z */
export const NOW_MS = 1_767_225_600_000
export const DAY_MS = 86_400_000

/** The key of that name, always the same. */
const keys = new Map<string, Signer>()

export function keyOf(name: string): Signer {
  const known = keys.get(name) ?? signerOf(sha256(utf8(`meshd test key ${name}`)))
  keys.set(name, known)
  return known
}

export const [ana, ben, cy] = [keyOf('ana'), keyOf('ben'), keyOf('cy')] as const
export const people: readonly Signer[] = [ana, ben, cy]

/** A node: identity, log and witness key. */
export interface NodeKeys {
  readonly name: string
  readonly identity: Signer
  readonly log: Signer
  readonly witness: Signer
}

export function nodeOf(name: string): NodeKeys {
  const of = (key: string) => keyOf(`${name} ${key}`)
  return { name, identity: of('identity'), log: of('log'), witness: of('witness') }
}

export const [atlas, borealis, corvus] = [nodeOf('atlas'), nodeOf('borealis'), nodeOf('corvus')]

export interface Made<S extends Statement = Statement> extends KnownStatement {
  readonly id: StatementId
  readonly statement: S
  readonly envelope: Envelope
  /** The envelope as it travels. */
  readonly bytes: Uint8Array
}

/** Signs a draft, each key once. */
export function make<S extends Statement>(
  draft: Omit<S, 'id'> & Pick<S, 'type'>,
  signers: readonly Signer[],
): Made<S> {
  const payload = formatStatement(draft as never)
  const statement = parseStatement(draft.type, payload) as S
  const envelope = signEnvelope(draft.type, payload, signers)
  return { id: statement.id, statement, envelope, bytes: formatEnvelope(envelope) }
}

export function role(threshold: number, ...keys: readonly Signer[]): Role {
  return { keys: keys.map(({ did }) => did), threshold }
}

/** All roles to the same people, the root's with a threshold of its own. */
export function rolesOf(
  signers: readonly Signer[],
  rootThreshold = Math.min(2, signers.length),
): Record<RoleName, Role> {
  const all = Object.fromEntries(ROLES.map((each) => [each, role(1, ...signers)]))
  return { ...(all as Record<RoleName, Role>), root: role(rootThreshold, ...signers) }
}

type Fields<S> = Partial<Omit<S, 'id' | 'type' | 'mesh' | 'root'>>

/** A root without a previous one: its id names a mesh. */
export function rootOf(
  fields: Partial<Omit<Root, 'id' | 'type'>> = {},
  signers = people,
): Made<Root> {
  const witnesses: readonly Did[] = fields.witnesses ?? [atlas.identity.did, borealis.identity.did]
  return make<Root>(
    {
      type: 'root',
      mesh: 'prod',
      version: 1,
      previous: null,
      issuedMs: NOW_MS,
      expiresMs: NOW_MS + 365 * DAY_MS,
      roles: rolesOf(people),
      lease: { ...defaultQuorum(witnesses.length), stalenessMs: 60_000, skewMs: 2_000 },
      limits: { artifactTtlMs: 30 * DAY_MS },
      keeps: [],
      lifts: [],
      floors: new Map(),
      message: null,
      ...fields,
      witnesses,
    },
    signers,
  )
}

/** The root that follows, like the last one but for these fields. */
export function nextRoot(
  last: Made<Root>,
  fields: Partial<Omit<Root, 'id' | 'type'>> = {},
  signers = people,
): Made<Root> {
  const { id, version, keeps: _, lifts: __, ...rest } = last.statement
  return rootOf({ ...rest, version: version + 1, previous: id, ...fields }, signers)
}

/** One mesh: statements under a version of its root, the first unless said. */
export class World {
  readonly first: Made<Root>
  readonly mesh: StatementId

  constructor(first = rootOf()) {
    this.first = first
    this.mesh = first.id
  }

  /** The common fields under that version of the root. */
  common(root = 1) {
    return { mesh: this.mesh, root, issuedMs: NOW_MS, message: null }
  }

  member(
    node: NodeKeys,
    fields: Fields<Member> = {},
    signers: readonly Signer[] = [ana],
    root = 1,
  ) {
    const { identity, log, witness, name } = node
    const keys = { principal: identity.did, log: log.did, witness: witness.did }
    const rest = { version: 1, name, labels: new Map<string, string>(), witnessEligible: true }
    const expiresMs = NOW_MS + 30 * DAY_MS
    return make<Member>(
      { type: 'member', ...this.common(root), ...keys, ...rest, expiresMs, ...fields },
      signers,
    )
  }

  policy(fields: Fields<Policy> = {}, signers: readonly Signer[] = [ana], root = 1) {
    const text = '@id("permit") permit (principal, action, resource);'
    const content = { policies: new Map([['all.cedar', text]]), entities: [], tests: [] }
    const schema =
      'entity principal; entity Any; action "*" appliesTo { principal: [principal, Any], resource: [Any] };'
    const place = { bundle: 'agents', version: 1, previous: [], mode: 'enforce' } as const
    return make<Policy>(
      { type: 'policy', ...this.common(root), ...place, ...content, schema, ...fields },
      signers,
    )
  }

  /** The version that follows those: of the bundle and mode of the first. */
  nextPolicy(
    previous: readonly Made<Policy>[],
    fields: Fields<Policy> = {},
    signers: readonly Signer[] = [ana],
    root = 1,
  ) {
    const [first] = previous
    const { bundle = 'agents', version = 0, mode = 'enforce' } = first?.statement ?? {}
    const place = { bundle, version: version + 1, mode, previous: previous.map(({ id }) => id) }
    return this.policy({ ...place, ...fields }, signers, root)
  }

  /** Of a principal unless said. */
  revocation(fields: Fields<Revocation> = {}, signers: readonly Signer[] = [ana], root = 1) {
    const target = { kind: 'principal', did: keyOf('planner').did } as const
    const untilMs = NOW_MS + 30 * DAY_MS
    return make<Revocation>(
      { type: 'revocation', ...this.common(root), target, untilMs, chain: [], ...fields },
      signers,
    )
  }

  /** Of the whole mesh unless said. */
  freeze(fields: Fields<Freeze> = {}, signers: readonly Signer[] = [ana], root = 1) {
    const content = { scope: { kind: 'mesh' }, version: 1, frozen: true } as const
    return make<Freeze>({ type: 'freeze', ...this.common(root), ...content, ...fields }, signers)
  }

  epoch(node: NodeKeys, fields: Fields<Epoch> = {}, signers: readonly Signer[] = [ana], root = 1) {
    const previous = { previousSize: null, previousRootHash: null }
    const content = { node: node.identity.did, epoch: 2, ...previous, overrules: false }
    return make<Epoch>({ type: 'epoch', ...this.common(root), ...content, ...fields }, signers)
  }
}

/** A log of so many leaves, signed at any of its sizes. */
export class TestLog {
  readonly #keys: NodeKeys
  readonly #mesh: StatementId
  readonly #leaves: readonly Hash[]
  readonly #epoch: number

  /** @param fork the first leaf that is another one than in the log of fork 0 */
  constructor(mesh: StatementId, keys: NodeKeys, fork = 0, epoch = 1) {
    this.#keys = keys
    this.#mesh = mesh
    this.#epoch = epoch
    this.#leaves = Array.from({ length: 64 }, (_, at) =>
      leafHash(Uint8Array.of(at, fork > 0 && at >= fork - 1 ? 1 : 0)),
    )
  }

  /** The signed head of that size. */
  note(size: number): string {
    const { identity, log } = this.#keys
    const origin = logOrigin(this.#mesh, identity.did, this.#epoch)
    const rootHash = mth(this.#leaves.slice(0, size))
    return textOf(signCheckpoint({ origin, size, rootHash }, log))
  }

  consistency(m: number, n: number): Hash[] {
    return proveConsistency(m, n, nodesOf(this.#leaves.slice(0, n)))
  }

  /** Of a record. */
  path(index: number, size: number): Hash[] {
    return proveInclusion(index, size, nodesOf(this.#leaves.slice(0, size)))
  }

  /** The whole proof between two of its sizes. */
  proof(m: number, n: number): readonly Hash[] {
    return m === n ? [] : proveWhole(m, n, nodesOf(this.#leaves.slice(0, n)))
  }
}

/** What these two heads prove against that node's log; the proof is of the log that the second is of. */
export function evidenceOf(
  world: World,
  keys: NodeKeys,
  notes: readonly [string, string],
  proof: readonly Hash[] = [],
  epoch = 1,
): Made<Evidence> {
  const whose = { mesh: world.mesh, node: keys.identity.did, log: keys.log.did, epoch }
  const draft = draftEvidence(whose, notes, proof)
  assert(draft !== null, 'the heads contradict each other')
  const payload = formatStatement(draft)
  const statement = parseStatement('evidence', payload) as Evidence
  const envelope = unsignedEnvelope('evidence', payload)
  return { id: statement.id, statement, envelope, bytes: formatEnvelope(envelope) }
}

/** Two heads of that size, of a log that forks at its first leaf. */
export function forked(world: World, keys: NodeKeys, size = 7, epoch = 1): Made<Evidence> {
  const note = (fork: number) => new TestLog(world.mesh, keys, fork, epoch).note(size)
  return evidenceOf(world, keys, [note(0), note(1)], [], epoch)
}

/** As evidence reads, but the second head is signed by another key under the name of the log's. */
export function signedFork(world: World, keys: NodeKeys, thief: Signer): Made<Evidence> {
  const { statement } = forked(world, keys)
  const spoil = (note: string) => {
    const forged = new TestLog(world.mesh, { ...keys, log: thief }, 1).note(7)
    const line = (text: string) => text.split('\n').at(-2) ?? ''
    const [id, bytes] = [line(note), line(forged)].map((each) =>
      Buffer.from(each.split(' ').at(-1) ?? '', 'base64'),
    ) as [Buffer, Buffer]
    const mixed = Buffer.concat([id.subarray(0, 4), bytes.subarray(4)]).toString('base64')
    return note.replace(/\S+\n$/, `${mixed}\n`)
  }
  const payload = formatStatement({ ...statement, second: spoil(statement.second) })
  const forged = parseStatement('evidence', payload) as Evidence
  const envelope = unsignedEnvelope('evidence', payload)
  return { id: forged.id, statement: forged, envelope, bytes: formatEnvelope(envelope) }
}

/** A fold of these, put in this order, and its standings of others. */
export function foldOf(mesh: StatementId, made: readonly Made[], pins: readonly Made[] = []): Fold {
  const fold = new Fold(
    mesh,
    pins.map(({ id }) => id),
  )
  for (const each of made) fold.put(each)
  return fold
}

export function standings(fold: Fold, made: readonly Made[]): (Standing | null)[] {
  return made.map(({ id }) => fold.standing(id))
}
