/**
 * Invites that this node made. One admits one principal, here and nowhere else,
 * before it expires (S24).
 *
 *     verify → bind to one principal → durable → sign the member statement → submit
 *
 * INVARIANT: no await stands between the look at an invite and its binding, and
 * none is ever unbound: a batch whose outcome is unknown leaves it to that same
 * principal, which may ask again and gets the same membership.
 */
import { assert } from '../core/assert.ts'
import { formatEnvelope, parseEnvelope, signEnvelope, statementIdOf } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import { formatInvite, inviteId, inviteMessage } from '../core/invite.ts'
import { type Did, type Signer, signerOf } from '../core/keys.ts'
import {
  INVITE_TTL_MS_MAX,
  INVITED_MEMBER_MS,
  INVITES_MAX,
  LABELS_MAX,
  NAME_BYTES_MAX,
} from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import type { Member } from '../core/statement/member.ts'
import type { Root } from '../core/statement/root.ts'
import { formatStatement, parseStatement } from '../core/statement/statement.ts'
import { type Redemption, type Refusal, verifyInvite } from './hello-frames.ts'
import { formatInviteRecord, type InviteRecord, parseInviteRecord } from './invite-record.ts'
import type { Clock, Put, Random, Store } from './ports.ts'
import { inGoodStanding } from './standing.ts'
import type { Statements } from './statements.ts'

export interface InvitesPorts {
  readonly store: Pick<Store, 'entries'>
  persist(puts: readonly Put[]): Promise<void>
  readonly statements: Pick<Statements, 'governance' | 'get' | 'all' | 'submit'>
  readonly clock: Clock
  readonly random: Random
  /** This node. */
  readonly node: Did
  /** null: this node admits nobody. */
  readonly admitter: Signer | null
  /** Where this node can be dialled, with /p2p/. */
  addresses(): readonly string[]
  /** Whether the boot check is over: before that an older image of the disk may not know who was admitted. */
  checked(): boolean
}

export interface InviteOptions {
  readonly name: string | null
  readonly ttlMs: number
  readonly labels: ReadonlyMap<string, string>
}

export interface InviteState {
  readonly id: string
  readonly name: string | null
  readonly expiresMs: number
  readonly state: 'open' | 'redeemed' | 'expired' | 'revoked'
  readonly redeemedBy: Did | null
}

/** Who redeems, its keys proven. */
export interface Redeemer {
  readonly principal: Did
  readonly name: string
  readonly log: Did
  readonly witness: Did
  readonly redemption: Redemption
}

const SECRET_BYTES = 32

export class Invites {
  readonly #ports: InvitesPorts
  readonly #invites: Map<string, InviteRecord>
  /** Being redeemed, by their one principal. */
  readonly #redeeming = new Map<string, Promise<void>>()

  private constructor(ports: InvitesPorts, invites: Map<string, InviteRecord>) {
    this.#ports = ports
    this.#invites = invites
  }

  static async open(ports: InvitesPorts): Promise<Invites> {
    const invites = new Map<string, InviteRecord>()
    for (const [id, bytes] of await ports.store.entries('invite'))
      invites.set(id, parseInviteRecord(bytes))
    return new Invites(ports, invites)
  }

  list(): readonly InviteState[] {
    return [...this.#invites].map(([id, invite]) => this.#stateOf(id, invite))
  }

  /**
   * Makes one; its line is shown once and never kept.
   * @throws MeshError USAGE, ROLE_MISSING, TOO_MANY, NOT_READY
   */
  async create(options: InviteOptions): Promise<InviteState & { readonly line: string }> {
    const { root } = this.#admitting()
    const addresses = this.#ports.addresses()
    if (addresses.length === 0)
      throw new MeshError('NOT_READY', 'this node listens on no address that could be dialled', {
        hint: 'set `mesh.listen` or `mesh.announce` in the configuration',
      })
    const { id, secret, invite } = this.#draft(options)
    const dropped = this.#room()
    this.#invites.set(id, invite)
    if (dropped !== null) this.#invites.delete(dropped)
    const gone: Put[] = dropped === null ? [] : [{ space: 'invite', key: dropped, value: null }]
    await this.#ports.persist([...gone, putOf(id, invite)])
    const mesh = this.#ports.statements.governance.mesh
    assert(mesh !== null, 'who has a root has a mesh')
    const line = formatInvite({ addresses, mesh, root: root.version, secret })
    return { ...this.#stateOf(id, invite), line }
  }

  /** Makes an open invite useless. Waits for the disk. @throws MeshError NOT_FOUND, CONFLICT */
  async revoke(id: string): Promise<void> {
    const invite = this.#invites.get(id)
    if (invite === undefined)
      // It is not repeated: what is no id may be the secret.
      throw new MeshError('NOT_FOUND', 'no invite of this node is called that', {
        hint: 'meshd invite list',
      })
    if (invite.redeemedBy !== null)
      throw new MeshError('CONFLICT', `invite \`${id}\` was redeemed by ${invite.redeemedBy}`, {
        hint: `meshd revoke node:${invite.as ?? invite.redeemedBy}`,
      })
    const revoked = { ...invite, revoked: true }
    this.#invites.set(id, revoked)
    await this.#ports.persist([putOf(id, revoked)])
  }

  /**
   * A peer showed that this disk was set back: which invites were revoked since then nobody knows,
   * so none of them admits any more. Who was bound to one stays bound.
   */
  async withdraw(): Promise<void> {
    const open = [...this.#invites].filter(
      ([, { revoked, redeemedBy }]) => !revoked && redeemedBy === null,
    )
    const withdrawn = open.map(([id, invite]) => [id, { ...invite, revoked: true }] as const)
    for (const [id, invite] of withdrawn) this.#invites.set(id, invite)
    if (withdrawn.length > 0)
      await this.#ports.persist(withdrawn.map(([id, invite]) => putOf(id, invite)))
  }

  /**
   * null once the principal is admitted, durable. Whoever does not have the secret learns
   * nothing of any invite. Rejects when the disk does not take it.
   */
  async redeem(mesh: StatementId, who: Redeemer): Promise<Refusal | null> {
    const { principal, redemption } = who
    const id = redemption.invite
    const invite = this.#invites.get(id)
    if (invite === undefined || !this.#proven(mesh, who, invite.key)) return 'INVITE_UNKNOWN'
    if (invite.revoked) return 'INVITE_REVOKED'
    const taken = invite.redeemedBy ?? this.#takenBy(id)
    if (taken !== null && taken !== principal) return 'INVITE_USED'
    if (taken === null && this.#ports.clock.wallMs() >= invite.expiresMs) return 'INVITE_EXPIRED'
    const { governance } = this.#ports.statements
    // Who is in already keeps the invite open for who is not.
    if (inGoodStanding(governance, principal, this.#ports.clock.wallMs())) return null
    // It has had its membership; what became of that is for an admitter to say.
    if (this.#issued(invite)) return null
    // What this disk does not know the others may: who was admitted by it already.
    if (!this.#ports.checked()) return 'NOT_READY'

    const running = this.#redeeming.get(id) ?? this.#bind(id, invite, who)
    await running
    return null
  }

  #proven(mesh: StatementId, { principal, log, witness, redemption }: Redeemer, key: Did) {
    const { invite, signature } = redemption
    const redeemer = this.#ports.node
    const redeeming = { invite, mesh, joiner: principal, log, witness, redeemer }
    return verifyInvite(redeeming, key, signature)
  }

  /** INVARIANT: bound in this very turn, before anything is awaited. */
  #bind(id: string, invite: InviteRecord, who: Redeemer): Promise<void> {
    const { root, admitter } = this.#admitting()
    const bound = this.#boundTo(id, invite, who, root, admitter)
    this.#invites.set(id, bound)
    const done = this.#admit(id, bound).finally(() => this.#redeeming.delete(id))
    this.#redeeming.set(id, done)
    return done
  }

  async #admit(id: string, bound: InviteRecord): Promise<void> {
    // First that it is used up, then what it gives: a power cut between the two admits nobody twice.
    await this.#ports.persist([putOf(id, bound)])
    assert(bound.member !== null, 'a bound invite has its member statement')
    await this.#ports.statements.submit(bound.member)
  }

  #boundTo(
    id: string,
    invite: InviteRecord,
    who: Redeemer,
    root: Root,
    admitter: Signer,
  ): InviteRecord {
    // What was signed under an older root may not count any more; else it is the same again.
    if (invite.member !== null && memberOf(invite.member).root === root.version) return invite
    const { governance } = this.#ports.statements
    assert(governance.mesh !== null, 'who has a root has a mesh')
    const name = this.#freeName(invite.name ?? who.name, who.principal)
    const issuedMs = this.#ports.clock.wallMs()
    const payload = formatStatement({
      type: 'member',
      mesh: governance.mesh,
      root: root.version,
      issuedMs,
      message: inviteMessage(id),
      version: (governance.members.get(who.principal)?.version ?? 0) + 1,
      principal: who.principal,
      log: who.log,
      witness: who.witness,
      name,
      labels: invite.labels,
      expiresMs: issuedMs + INVITED_MEMBER_MS,
      // S24: an invite makes a member, and no witness.
      witnessEligible: false,
    })
    const member = formatEnvelope(signEnvelope('member', payload, [admitter]))
    return { ...invite, redeemedBy: who.principal, as: name, member }
  }

  /** The wish, or with a number behind it: of two nodes with one name nobody knows which is meant. */
  #freeName(wish: string, principal: Did): string {
    const { members } = this.#ports.statements.governance
    const names = new Set<string>()
    for (const [did, member] of members) if (did !== principal) names.add(member.name.toLowerCase())
    for (const { as, redeemedBy } of this.#invites.values())
      if (as !== null && redeemedBy !== principal) names.add(as.toLowerCase())
    let name = wish
    for (let n = 2; names.has(name.toLowerCase()); n++) {
      const end = `-${n}`
      name = wish.slice(0, NAME_BYTES_MAX - end.length) + end
    }
    return name
  }

  /** Who was admitted by it, as the mesh knows: this node's disk may be an older image that forgot. */
  #takenBy(id: string): Did | null {
    const words = inviteMessage(id)
    const admitter = this.#ports.admitter?.did
    for (const { statement, envelope } of this.#ports.statements.all()) {
      if (statement.type !== 'member' || statement.message !== words) continue
      if (envelope.signatures.some(({ key }) => key === admitter)) return statement.principal
    }
    return null
  }

  #issued({ member }: InviteRecord): boolean {
    if (member === null) return false
    return this.#ports.statements.get(statementIdOf(parseEnvelope(member))) !== null
  }

  /** The root and the key that admit alone. @throws MeshError NOT_READY, ROLE_MISSING */
  #admitting(): { readonly root: Root; readonly admitter: Signer } {
    const { admitter } = this.#ports
    const { root } = this.#ports.statements.governance
    if (root === null) throw new MeshError('NOT_READY', 'this node belongs to no mesh yet')
    const { keys, threshold } = root.roles.admitter
    if (admitter === null || !keys.includes(admitter.did))
      throw new MeshError(
        'ROLE_MISSING',
        'this node has no admitter key, and so it admits nobody',
        {
          hint: 'meshd peer approve, where an admitter key is',
        },
      )
    if (threshold > 1)
      throw new MeshError('ROLE_MISSING', `${threshold} admitters must sign, and here is one`, {
        hint: 'meshd peer approve, then meshd sign',
      })
    return { root, admitter }
  }

  #draft({ name, ttlMs, labels }: InviteOptions) {
    if (!Number.isSafeInteger(ttlMs) || ttlMs <= 0 || ttlMs > INVITE_TTL_MS_MAX)
      throw new MeshError('USAGE', `an invite lives at most ${INVITE_TTL_MS_MAX / 86_400_000} days`)
    if (labels.size > LABELS_MAX) throw new MeshError('TOO_MANY', `more than ${LABELS_MAX} labels`)
    const { clock, random } = this.#ports
    for (;;) {
      const secret = random.bytes(SECRET_BYTES)
      const key = signerOf(secret).did
      const id = inviteId(key)
      // Its name is 32 bits of a hash: another of that name would be lost.
      if (this.#invites.has(id)) continue
      const expiresMs = clock.wallMs() + ttlMs
      const open = { revoked: false, redeemedBy: null, as: null, member: null }
      return { id, secret, invite: checked({ key, name, labels, expiresMs, ...open }) }
    }
  }

  /** The oldest invite that gives way to a new one, for it is over; null: there is room. @throws MeshError TOO_MANY */
  #room(): string | null {
    if (this.#invites.size < INVITES_MAX) return null
    for (const { id, state } of this.list())
      if (state !== 'open' && !this.#redeeming.has(id)) return id
    throw new MeshError('TOO_MANY', `${INVITES_MAX} invites are open`, {
      hint: 'meshd invite revoke <id>',
    })
  }

  #stateOf(id: string, { name, expiresMs, revoked, redeemedBy }: InviteRecord): InviteState {
    const over = this.#ports.clock.wallMs() >= expiresMs
    const unused = revoked ? 'revoked' : over ? 'expired' : 'open'
    return { id, name, expiresMs, redeemedBy, state: redeemedBy === null ? unused : 'redeemed' }
  }
}

/** What its reader would refuse is refused to its maker. @throws MeshError USAGE */
function checked(invite: InviteRecord): InviteRecord {
  try {
    return parseInviteRecord(formatInviteRecord(invite))
  } catch (cause) {
    // The name and the labels come from a caller.
    if (cause instanceof Malformed) throw new MeshError('USAGE', cause.message, { cause })
    throw cause
  }
}

function memberOf(envelope: Uint8Array): Member {
  return parseStatement('member', parseEnvelope(envelope).payload) as Member
}

function putOf(id: string, invite: InviteRecord): Put {
  return { space: 'invite', key: id, value: formatInviteRecord(invite) }
}
