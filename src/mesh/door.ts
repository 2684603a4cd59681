/**
 * The door: who may talk to this node, and what is said before that (design 7, joining).
 *
 *     hello → wrong mesh: refused, told nothing
 *           → invite: redeemed here, once → member
 *           → member: greeted, with what makes both ends known to each other
 *           → anybody else: the trust root, and a place among those that wait
 *
 * INVARIANT: membership is read from governance, each time; no hello is remembered as one.
 */
import { type Envelope, formatEnvelope, parseEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import { inviteId } from '../core/invite.ts'
import type { Did, Signer } from '../core/keys.ts'
import { DOOR_LOOK_MS } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { scopeKey } from '../core/statement/freeze.ts'
import { parseStatement, type Statement } from '../core/statement/statement.ts'
import type { Addresses } from './addresses.ts'
import { type AnswerPorts, answerTo } from './hello-answer.ts'
import {
  type Claim,
  formatAnswer,
  formatHello,
  type Hello,
  parseHello,
  proveClaim,
  proveInvite,
  type Redemption,
  type Refusal,
  verifyClaim,
} from './hello-frames.ts'
import type { Invites } from './invites.ts'
import { type Joined, Joining, type JoinOptions } from './join.ts'
import { type PendingPeer, PendingPeers } from './pending-peers.ts'
import type { Clock, Greeter, Network, Put, Store } from './ports.ts'
import { inGoodStanding } from './standing.ts'
import type { Learned, Statements } from './statements.ts'
import { formatSyncRequest } from './sync-frames.ts'

export interface DoorPorts {
  readonly store: Pick<Store, 'get'>
  persist(puts: readonly Put[]): Promise<void>
  readonly network: Network
  readonly statements: Statements
  readonly addresses: Addresses
  readonly invites: Invites
  readonly clock: Clock
  /** What this node calls itself. */
  readonly name: string
  readonly keys: { readonly node: Signer; readonly log: Signer; readonly witness: Signer }
}

export class Door implements Greeter {
  readonly #ports: DoorPorts
  readonly #waiting = new PendingPeers()
  readonly #joining: Joining
  /** Members whose connections were closed, until they are in good standing again. */
  readonly #barred = new Set<Did>()

  private constructor(ports: DoorPorts, joining: Joining) {
    this.#ports = ports
    this.#joining = joining
    ports.statements.onChange((learned) => this.#changed(learned))
  }

  static async open(ports: DoorPorts): Promise<Door> {
    const joining = await Joining.open({
      ...ports,
      self: ports.keys.node.did,
      member: (peer) => inGoodStanding(ports.statements.governance, peer, ports.clock.wallMs()),
    })
    const { mesh } = ports.statements
    if (mesh !== null) ports.network.useMesh(mesh)
    return new Door(ports, joining)
  }

  /** Looks again at what time alone changes: own addresses, and revocations that end. Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { addresses, clock } = this.#ports
    while (!signal.aborted) {
      addresses.own()
      for (const peer of [...this.#barred]) {
        if (this.banned(peer)) continue
        this.#barred.delete(peer)
        addresses.wake(peer)
      }
      await clock.sleep(DOOR_LOOK_MS, signal)
    }
  }

  /** Those that wait for an admitter, the one that asked last at the end. */
  pending(): readonly PendingPeer[] {
    return this.#waiting.all()
  }

  /** Dials a node, says hello, and pins its mesh if that is wanted. */
  join(target: string, options: JoinOptions): Promise<Joined> {
    return this.#joining.join(target, options)
  }

  member(peer: Did): boolean {
    const { statements, clock } = this.#ports
    // Until the root is as new as the invite said, nobody's membership is believed (row 125).
    if (!this.#joining.caughtUp()) return false
    return inGoodStanding(statements.governance, peer, clock.wallMs())
  }

  /** Revoked, suspended, or distrusted. Who has merely expired may ask, like anybody. */
  banned(peer: Did): boolean {
    const { revocations, freezes, distrusted } = this.#ports.statements.governance
    if (distrusted.has(peer)) return true
    if (freezes.get(scopeKey({ kind: 'node', did: peer }))?.frozen === true) return true
    const revoked = revocations.did('node', peer) ?? revocations.did('principal', peer)
    return revoked !== null && this.#ports.clock.wallMs() < revoked.untilMs
  }

  hello(peer: Did): Promise<Uint8Array> {
    const { statements, addresses, keys, name } = this.#ports
    const { governance } = statements
    const { mesh, secret } = this.#joining.wanted(peer)
    const claim: Claim = { name, log: keys.log.did, witness: keys.witness.did, mesh }
    const own = governance.members.get(keys.node.did)
    const known = own === undefined ? null : statements.get(own.id)
    const hello: Hello = {
      ...claim,
      root: governance.root?.version ?? 0,
      proofs: proveClaim(claim, peer, [keys.node, keys.log, keys.witness]),
      member: known === null ? null : formatEnvelope(known.envelope),
      address: mesh === null ? null : addresses.own(),
      redemption: secret === null || mesh === null ? null : this.#redemption(peer, mesh, secret),
    }
    return Promise.resolve(formatHello(hello))
  }

  async answer(peer: Did, bytes: Uint8Array): Promise<{ answer: Uint8Array; greeted: boolean }> {
    const hello = this.#read(peer, bytes)
    const { mesh, governance } = this.#ports.statements
    if (mesh === null || governance.root === null) return refused('NOT_READY')
    if (hello.mesh !== null && hello.mesh !== mesh) return refused('WRONG_MESH')
    if (hello.mesh === null) return this.#shown(peer, hello, 'shown')
    await this.#learn(peer, hello)
    const refusal = await this.#redeem(peer, hello)
    if (refusal !== null) return refused(refusal)
    if (!this.member(peer) || this.banned(peer)) {
      this.#wait(peer, hello)
      return this.#shown(peer, hello, 'pending')
    }
    this.#waiting.delete(peer)
    if (hello.address !== null) this.#ports.addresses.offer(hello.address)
    return this.#shown(peer, hello, 'member')
  }

  welcome(peer: Did, answer: Uint8Array): Promise<boolean> {
    return this.#joining.welcome(peer, answer).then((said) => said && this.member(peer))
  }

  #redemption(redeemer: Did, mesh: StatementId, secret: Signer): Redemption {
    const { node, log, witness } = this.#ports.keys
    const invite = inviteId(secret.did)
    const who = { joiner: node.did, log: log.did, witness: witness.did }
    return { invite, signature: proveInvite({ invite, mesh, ...who, redeemer }, secret) }
  }

  /** @throws MeshError INVALID_ANSWER, which ends the connection */
  #read(peer: Did, bytes: Uint8Array): Hello {
    try {
      const hello = parseHello(bytes)
      if (verifyClaim(hello, peer, this.#ports.keys.node.did)) return hello
      throw new Malformed('the keys in it do not sign it')
    } catch (cause) {
      // A stranger's bytes come in here: it is cut, and no more.
      if (!(cause instanceof Malformed)) throw cause
      throw new MeshError('INVALID_ANSWER', `a hello is not understood: ${cause.message}`, {
        cause,
      })
    }
  }

  /** A member that was admitted elsewhere, a moment ago, brings the statement that says so. */
  async #learn(peer: Did, { member }: Hello): Promise<void> {
    const newest = this.#ports.statements.governance.root?.version ?? 0
    if (member === null || this.member(peer) || !admits(member, peer, newest)) return
    await this.#ports.statements.offer(member, peer, 'hello').done
  }

  async #redeem(peer: Did, hello: Hello): Promise<Refusal | null> {
    const { redemption, mesh, name, log, witness } = hello
    if (redemption === null || mesh === null || this.member(peer) || this.banned(peer)) return null
    try {
      const who = { principal: peer, name, log, witness, redemption }
      return await this.#ports.invites.redeem(mesh, who)
    } catch (error) {
      // The admitter key has left its role since: nothing was bound, and nobody is admitted.
      if (error instanceof MeshError && error.code === 'ROLE_MISSING') return 'NOT_READY'
      throw error
    }
  }

  #wait(peer: Did, { name, log, witness }: Hello): void {
    this.#waiting.put({ peer, name, log, witness, seenMs: this.#ports.clock.wallMs() })
  }

  #shown(peer: Did, { root }: Hello, result: 'member' | 'pending' | 'shown') {
    const { statements, addresses, keys, name } = this.#ports
    const ports: AnswerPorts = { statements, addresses, node: keys.node.did, name }
    const answer = formatAnswer(answerTo(peer, result, root, ports))
    return { answer, greeted: result === 'member' }
  }

  /** Who is revoked or suspended is cut in the turn in which governance says so. */
  #changed({ statement, envelope }: Learned): void {
    if (statement.type === 'member') this.#waiting.delete(statement.principal)
    for (const peer of this.#touched(statement)) {
      if (peer === this.#ports.keys.node.did) continue
      const banned = this.banned(peer)
      if (banned) this.#bar(peer, envelope)
      else if (this.#barred.delete(peer)) this.#ports.addresses.wake(peer)
    }
  }

  /** It is told why, last: who never hears of it goes on by itself until its lease ends. */
  #bar(peer: Did, envelope: Envelope): void {
    const { network, addresses } = this.#ports
    const parting = formatSyncRequest({ ask: 'push', blobs: [formatEnvelope(envelope)] })
    this.#barred.add(peer)
    this.#waiting.delete(peer)
    addresses.rest(peer)
    network.disconnect(peer, 'suspended, revoked or distrusted', parting)
  }

  /** Whose standing the statement may have changed. */
  #touched(statement: Statement): Iterable<Did> {
    if (statement.type === 'revocation') {
      const { target } = statement
      return target.kind === 'node' || target.kind === 'principal' ? [target.did] : []
    }
    if (statement.type === 'freeze')
      return statement.scope.kind === 'node' ? [statement.scope.did] : []
    if (statement.type === 'evidence' || statement.type === 'epoch') return [statement.node]
    // A new root may have taken any statement's force, or given it back.
    if (statement.type === 'root') return [...this.#ports.statements.governance.members.keys()]
    return []
  }
}

function refused(code: Refusal): { answer: Uint8Array; greeted: boolean } {
  return { answer: formatAnswer({ result: 'refused', code }), greeted: false }
}

/**
 * Whether it says that it admits this very peer, under a root that is known here: what cannot be
 * judged yet is kept for members, and a stranger's would take their room. Its signatures are looked at later.
 */
function admits(envelope: Uint8Array, peer: Did, newest: number): boolean {
  try {
    const { type, payload } = parseEnvelope(envelope)
    const statement = type === 'member' ? parseStatement(type, payload) : null
    if (statement?.type !== 'member') return false
    return statement.principal === peer && statement.root <= newest
  } catch (error) {
    // A stranger's bytes: it is taken for one that brought none.
    if (error instanceof Malformed) return false
    throw error
  }
}
