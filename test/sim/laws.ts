/**
 * The statements of one world, and who holds what: founded from the fixtures
 * of the unit tests, numbered in the order in which they are made.
 *
 *     ana gives artifacts, revokes, freezes; ana or cy publish policies; all three rotate the root
 */

import { utf8 } from '../../src/core/bytes.ts'
import { type Delegation, parseDelegation, signDelegation } from '../../src/core/delegation.ts'
import { parseEnvelope } from '../../src/core/dsse.ts'
import { type Cid, type StatementId, sha256Hex } from '../../src/core/id.ts'
import type { Did, Signer } from '../../src/core/keys.ts'
import { parsePolicy } from '../../src/core/predicate.ts'
import { PrefixTree } from '../../src/core/prefix-tree.ts'
import { type Scope, scopeKey } from '../../src/core/statement/freeze.ts'
import type { Policy } from '../../src/core/statement/policy.ts'
import type { Target } from '../../src/core/statement/revocation.ts'
import type { LeaseTerms, Root } from '../../src/core/statement/root.ts'
import { parseStatement, type Statement } from '../../src/core/statement/statement.ts'
import { Notes, putNote } from '../../src/mesh/learned.ts'
import type { Put } from '../../src/mesh/ports.ts'
import {
  ana,
  ben,
  cy,
  keyOf,
  type Made,
  type NodeKeys,
  nextRoot,
  nodeOf,
  people,
  role,
  rolesOf,
  rootOf,
  World,
} from '../unit/statements.ts'
import { BEGINNING_MS, Dice } from './clock.ts'
import type { Ask, Happening, Law, Said } from './history.ts'
import { rolesIn } from './notary.ts'
import { bundleOf, drawAsks } from './permits.ts'
import type { Swarm } from './swarm.ts'

const FAR_MS = BEGINNING_MS + 1e10
/** Longer than any world. */
export const FOREVER_S = BEGINNING_MS / 1000 + 86_400

/** Of the time of faults, when the membership of a guest ends that is to end. */
const EXPIRES = 0.4
/** The key by which the invites of one node admit. */
export const ADMITTER = cy
/** Before the name of an invite, in the words of the membership that it gave. */
const INVITED = 'invite '
/** A member, until it is none any more, behind which no node of ours runs. */
export const GUEST = nodeOf('guest')

/** What somebody was given. */
export interface Grant {
  readonly links: readonly Delegation[]
  readonly holder: Signer
  readonly once: boolean
  /** The only node that may use it; null for any. */
  readonly node: Did | null
}

export class Laws {
  readonly world: World
  readonly founding: readonly Made[]
  /** The newest of each line, whether or not anybody took it. */
  root: Made<Root>
  policy: Made<Policy>
  /** Whether cy was taken out of the role of policies. */
  dropped = false
  readonly freezes = new Map<string, { readonly scope: Scope; version: number; frozen: boolean }>()
  readonly #numbers = new Map<StatementId, number>()
  readonly #byNumber: Made[] = []
  /** Roots that were made, by their versions. */
  readonly roots = new Map<number, Made<Root>>()
  /** Half signed so far. */
  readonly #whole = new Set<StatementId>()
  readonly #forged = new Set<StatementId>()
  /** Of bundles, by their ids. */
  readonly #asks = new Map<StatementId, readonly Ask[]>()
  /** Of its own; null where no bundle asks for a lease of its own. */
  readonly #fresh: Dice | null
  readonly #halves: boolean
  readonly #seed: number
  readonly #keys: readonly NodeKeys[]
  readonly #told: (happening: Happening) => void

  constructor(
    { seed, witnesses, lease, halves, outsider, faultsMs, fresh }: Swarm,
    keys: readonly NodeKeys[],
    told: (happening: Happening) => void,
  ) {
    this.#seed = seed
    this.#halves = halves > 0
    this.#keys = keys
    this.#told = told
    this.root = rootOf({
      witnesses: keys.slice(0, witnesses).map(({ identity }) => identity.did),
      lease,
      expiresMs: FAR_MS,
      roles: this.#roles(false),
    })
    this.world = new World(this.root)
    this.#fresh = fresh > 0 ? new Dice(seed * 107 + 43) : null
    const asks = this.#drawAsks()
    this.policy = this.world.policy(bundleOf(seed, 'tool:none', asks), this.#signers(ana))
    this.#asks.set(this.policy.id, asks)
    const members = keys.map((each) => this.world.member(each, { expiresMs: FAR_MS }))
    const guestUntilMs = outsider === 'expired' ? BEGINNING_MS + EXPIRES * faultsMs : FAR_MS
    const guest = this.world.member(GUEST, {
      ...{ expiresMs: Math.floor(guestUntilMs), witnessEligible: false },
    })
    const guests = outsider === null || outsider === 'stranger' ? [] : [guest]
    this.founding = [this.root, ...members, this.policy, ...guests]
  }

  /** Tells of what was founded; the history is not there before. */
  begin(): void {
    for (const made of this.founding) this.#number(made)
  }

  /** Something that nobody may sign who signed it. */
  forged(made: Made, how: string): void {
    this.#forged.add(made.id)
    this.#number(made, { type: 'forged', how })
  }

  /** A membership that a node made, when it is first kept anywhere. */
  learned(bytes: Uint8Array): void {
    const envelope = parseEnvelope(bytes)
    const statement = parseStatement(envelope.type, envelope.payload)
    if (statement.type === 'member') this.#number({ id: statement.id, statement, envelope, bytes })
  }

  isWhole({ id }: Made): boolean {
    return this.#whole.has(id)
  }

  setWhole({ id }: Made): void {
    this.#whole.add(id)
  }

  numberOf(id: StatementId): number {
    return this.#numbers.get(id) ?? -1
  }

  made(number: number): Made {
    return this.#byNumber[number] as Made
  }

  get count(): number {
    return this.#byNumber.length
  }

  revoke(target: Target): Made {
    return this.#number(
      this.world.revocation(
        { target, untilMs: FAR_MS, message: `number ${this.count}` },
        this.#signers(ana),
      ),
    )
  }

  /** Turns it round unless said. */
  freeze(scope: Scope, frozen = this.freezes.get(scopeKey(scope))?.frozen !== true): Made {
    const version = (this.freezes.get(scopeKey(scope))?.version ?? 0) + 1
    const next = { scope, version, frozen }
    this.freezes.set(scopeKey(scope), next)
    return this.#number(this.world.freeze(next, this.#signers(ana)))
  }

  /** The next version, which denies one action. @param message null leaves it what another one may be, and then is that one */
  publish(
    denied: string,
    signer: Signer,
    last: Made<Policy> = this.policy,
    message: string | null = null,
  ): Made<Policy> {
    const asks = this.#drawAsks()
    const bundle = { ...bundleOf(this.#seed, denied, asks), message }
    this.policy = this.world.nextPolicy([last], bundle, this.#signers(signer))
    this.#asks.set(this.policy.id, asks)
    return this.#number(this.policy)
  }

  newestPolicyOf(numbers: readonly number[]): Made<Policy> {
    const policies = numbers
      .map((number) => this.#byNumber[number])
      .filter((made): made is Made<Policy> => made?.statement.type === 'policy')
      .filter(({ id }) => !this.#forged.has(id))
      .sort((a, b) => b.statement.version - a.statement.version)
    return policies[0] ?? this.policy
  }

  /** @param dropCy from policies, with what cy signed of them */
  rotate(witnesses: readonly number[], lease: LeaseTerms, dropCy: boolean): Made<Root> {
    const dids = witnesses.map((place) => (this.#keys[place] as NodeKeys).identity.did)
    this.dropped ||= dropCy
    const roles = this.#roles(this.dropped)
    this.root = nextRoot(this.root, { witnesses: dids, lease, roles })
    return this.#number(this.root)
  }

  /** The next root, that lifts an evidence. */
  forgive(evidence: StatementId): Made<Root> {
    this.root = nextRoot(this.root, { lifts: [evidence] })
    return this.#number(this.root)
  }

  epoch(place: number, epoch: number): Made {
    return this.#number(this.world.epoch(this.#keys[place] as NodeKeys, { epoch }))
  }

  /** Through a team to a holder, or to the holder at once. */
  grant(dice: Dice, holderName: string, once: boolean, node: Did | null): Grant {
    const holder = keyOf(holderName)
    const team = dice.unit() < 0.3 ? keyOf('team') : null
    const first = this.#link(dice, ana, team ?? holder, once && team === null, node)
    const second = team === null ? [] : [this.#link(dice, team, holder, once, node)]
    return { links: [first, ...second], holder, once, node }
  }

  #link(dice: Dice, from: Signer, to: Signer, once: boolean, node: Did | null): Delegation {
    const pol = node === null ? [] : [['==', '.meshd.node.id', node]]
    const says = { aud: to.did, sub: ana.did, cmd: '/tool', expS: FOREVER_S, nbfS: null }
    const link = parseDelegation(
      signDelegation(
        {
          ...says,
          pol: parsePolicy(pol, 'strict'),
          nonce: dice.bytes(12),
          meta: once ? { once: true } : {},
        },
        from,
      ),
    )
    const by = { cid: link.cid, by: from.did, iss: from.did }
    this.said({ ...by, ...says, pol, depth: null, once, odd: false })
    return link
  }

  said(link: Said): void {
    this.#told({ ev: 'link', link })
  }

  #drawAsks(): readonly Ask[] {
    return this.#fresh === null ? [] : drawAsks(this.#fresh, this.root.statement.lease.stalenessMs)
  }

  #roles(dropped: boolean): Root['roles'] {
    const two = this.#halves ? 2 : 1
    const both = { revoker: role(two, ...people), policy: role(two, ...people) }
    return {
      ...rolesOf(people),
      ...both,
      ...(dropped ? { policy: role(two, ana, ben) } : {}),
    }
  }

  /** With ben, where two have to. */
  #signers(first: Signer): readonly Signer[] {
    return this.#halves ? [first, ben] : [first]
  }

  #number<S extends Statement>(made: Made<S>, what = this.#whatOf(made.statement)): Made<S> {
    const number = this.#byNumber.length
    this.#numbers.set(made.id, number)
    this.#byNumber.push(made)
    const { statement } = made
    const root = what.type === 'root' && statement.type === 'root'
    this.#told({ ev: 'made', law: { number, what, lease: root ? statement.lease : null } })
    if (root) {
      this.roots.set(statement.version, made as Made<Root>)
      this.#told({ ev: 'roles', version: statement.version, roles: rolesIn(statement) })
    }
    return made
  }

  #whatOf(statement: Statement): Law['what'] {
    const { type } = statement
    if (type === 'root') {
      const places = this.#keys.map(({ identity }) => identity.did)
      const witnesses = statement.witnesses.map((did) => places.indexOf(did))
      return { type, version: statement.version, witnesses, lifts: statement.lifts.length > 0 }
    }
    if (type === 'revocation') return { type, target: statement.target }
    if (type === 'freeze') {
      const { scope, version, frozen } = statement
      return { type, scope, version, frozen }
    }
    if (type === 'policy') {
      const asks = this.#asks.get(statement.id) ?? []
      return { type, version: statement.version, signer: ana.did, asks }
    }
    if (type === 'epoch') {
      const of = this.#keys.findIndex(({ identity }) => identity.did === statement.node)
      return { type, of, epoch: statement.epoch }
    }
    if (type === 'member') {
      const {
        id,
        principal: of,
        expiresMs: untilMs,
        message,
        witnessEligible: eligible,
      } = statement
      const invite = message?.startsWith(INVITED) === true ? message.slice(INVITED.length) : null
      const founded = this.founding.some((each) => each.id === id)
      return { type, of, untilMs, founded, invite, eligible }
    }
    return { type }
  }
}

/** The cids of a grant, by which it is revoked. */
export function cidsOf({ links }: Grant): readonly Cid[] {
  return links.map(({ cid }) => cid)
}

/** What a disk holds on which the mesh is founded. */
export function foundingPuts({ world, founding }: Laws): Put[] {
  let tree = PrefixTree.EMPTY
  const notes = new Notes()
  const puts = founding.flatMap(({ id, bytes }): Put[] => {
    tree = tree.set(id.slice('sha256:'.length), sha256Hex(bytes))
    // The log tells of it once the node runs, as of all that it learns.
    const note = putNote(notes.next(), null, id)
    return [{ space: 'statement', key: id, value: bytes }, note]
  })
  return [
    ...puts,
    { space: 'governance', key: 'mesh', value: utf8(world.mesh) },
    { space: 'governance', key: 'digest', value: utf8(tree.rootHash) },
  ]
}
