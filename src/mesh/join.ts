/**
 * Joining: one dial, one hello, and the mesh pinned that was meant (design 7).
 *
 *     no pin, no invite, no --mesh   → unconfirmed: shown what it is, nothing is kept
 *     pinned, nobody admitted it yet → pending: the network repeats the hello
 *     an invite, or a member already → admitted
 *
 * INVARIANT: a mesh is pinned only when its version 1 has that very id, each
 * later root follows, and the newest one is neither expired nor older than the
 * invite says: a chain signed with keys long retired admits to nothing (row 125).
 *
 *     governance/root-min   3    no member is believed before the root is this new
 */
import { textOf, utf8 } from '../core/bytes.ts'
import { parseEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import { isInvite, makerOf, parseInvite } from '../core/invite.ts'
import { type Did, type Signer, signerOf } from '../core/keys.ts'
import { JOIN_HELLOS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { peerOfAddress } from '../core/peer-id.ts'
import { MeshError, type ProblemCode } from '../core/problems.ts'
import type { Root } from '../core/statement/root.ts'
import { parseStatement } from '../core/statement/statement.ts'
import type { Addresses } from './addresses.ts'
import { type Answer, parseAnswer, type Refusal } from './hello-frames.ts'
import type { Clock, Network, Put, Store } from './ports.ts'
import { verifyRoots } from './shown-roots.ts'
import type { Statements } from './statements.ts'

export interface JoiningPorts {
  readonly store: Pick<Store, 'get'>
  persist(puts: readonly Put[]): Promise<void>
  readonly network: Network
  readonly statements: Statements
  readonly addresses: Addresses
  readonly clock: Clock
  readonly self: Did
  /** Whether it is a member in good standing. */
  member(peer: Did): boolean
}

export interface JoinOptions {
  /** The mesh to pin, when there is no invite. */
  readonly mesh: StatementId | null
}

export interface Joined {
  readonly result: 'admitted' | 'pending' | 'unconfirmed'
  readonly mesh: StatementId
  readonly meshName: string
  readonly rootVersion: number
  readonly peer: Did
  readonly peerName: string | null
  readonly address: string
  readonly rttMs: number | null
  /** Of this node, as it was admitted. */
  readonly name: string | null
  readonly self: Did
}

type Shown = Exclude<Answer, { readonly result: 'refused' }>

/** What a hello came to, for whoever waits for it. */
type Outcome = Failed | Met

interface Failed {
  readonly is: 'failed'
  readonly code: ProblemCode
  readonly says: string
}

interface Met {
  readonly is: 'member' | 'pending' | 'unconfirmed'
  readonly mesh: StatementId
  /** The newest that it showed, or that was known here. */
  readonly root: Root
  readonly peerName: string | null
  /** There are newer roots. */
  readonly more: boolean
}

interface Target {
  readonly peer: Did
  readonly addresses: readonly string[]
  readonly mesh: StatementId | null
  /** The lowest acceptable version of the root. */
  readonly rootMin: number
  readonly secret: Signer | null
}

interface Intent extends Target {
  /** A hello of this join is on its way; an answer before that is of an earlier one. */
  asked: boolean
  outcome: Outcome | null
}

export interface Wanted {
  readonly mesh: StatementId | null
  /** The invite to redeem; null for none. */
  readonly secret: Signer | null
}

const ROOT_MIN = 'root-min'

export class Joining {
  readonly #ports: JoiningPorts
  readonly #intents = new Map<Did, Intent>()
  #rootMin: number

  private constructor(ports: JoiningPorts, rootMin: number) {
    this.#ports = ports
    this.#rootMin = rootMin
  }

  static async open(ports: JoiningPorts): Promise<Joining> {
    const stored = await ports.store.get('governance', ROOT_MIN)
    return new Joining(ports, stored === null ? 0 : Number(textOf(stored)))
  }

  /** Whether the root is as new as the invite said. */
  caughtUp(): boolean {
    return (this.#ports.statements.governance.root?.version ?? 0) >= this.#rootMin
  }

  /** What the hello to that peer is to say. */
  wanted(peer: Did): Wanted {
    const intent = this.#intents.get(peer)
    if (intent !== undefined) intent.asked = true
    const mesh = this.#ports.statements.mesh ?? intent?.mesh ?? null
    return { mesh, secret: intent?.secret ?? null }
  }

  /** @throws MeshError UNREACHABLE, TIMEOUT, WRONG_MESH, CONFLICT, NOT_ADMITTED, USAGE, INVALID_ANSWER */
  async join(target: string, { mesh }: JoinOptions): Promise<Joined> {
    const intent: Intent = { ...readTarget(target, mesh), asked: false, outcome: null }
    this.#check(intent)
    this.#intents.set(intent.peer, intent)
    const known = this.#ports.addresses.of(intent.peer).length > 0
    let kept = known
    try {
      const outcome = await this.#hello(intent)
      kept ||= outcome.is !== 'unconfirmed'
      if (outcome.is !== 'unconfirmed')
        await this.#ports.addresses.contact(intent.peer, intent.addresses)
      return this.#joined(intent, outcome)
    } finally {
      this.#intents.delete(intent.peer)
      // The network redials for ever; whom nobody decided to know is not to be.
      if (!kept) this.#ports.network.forget(intent.peer)
    }
  }

  /** The dialler reads the answer: true when the peer takes this node for a member. */
  async welcome(peer: Did, bytes: Uint8Array): Promise<boolean> {
    const intent = this.#intents.get(peer)
    const asked = intent?.asked === true ? intent : null
    const outcome = await this.#weigh(peer, bytes, asked)
    if (asked !== null) asked.outcome = outcome
    // Whoever joins asks on until it has seen every root; whoever has joined gets them by sync.
    return outcome.is === 'member' && !(asked !== null && outcome.more)
  }

  async #weigh(peer: Did, bytes: Uint8Array, intent: Intent | null): Promise<Outcome> {
    try {
      const answer = parseAnswer(bytes)
      if (answer.result === 'refused') return { is: 'failed', ...REFUSED[answer.code] }
      return await this.#take(peer, answer, intent)
    } catch (error) {
      // A peer's bytes come in here, and a disk that refuses them: either way it is not welcome, and whoever joins is told.
      if (error instanceof Malformed) return failed('INVALID_ANSWER', error.message)
      if (error instanceof MeshError) return failed(error.code, error.message)
      throw error
    }
  }

  async #take(peer: Did, answer: Shown, intent: Intent | null): Promise<Outcome> {
    const { statements, addresses } = this.#ports
    const mesh = statements.mesh ?? intent?.mesh ?? null
    if (mesh !== null && answer.mesh !== mesh) return { is: 'failed', ...REFUSED.WRONG_MESH }
    const { name: peerName, more } = answer
    const met = { mesh: answer.mesh, peerName, more }
    const known = statements.mesh === null ? null : statements.governance.root
    const first = known ?? this.#verified(answer)
    const stale = intent === null || known !== null || more ? null : this.#stale(first, intent)
    if (stale !== null) return stale
    if (mesh === null) return { is: 'unconfirmed', root: first, ...met }

    if (statements.mesh === null) await this.#pin(mesh, intent?.rootMin ?? 0)
    await this.#learn(peer, answer)
    for (const record of answer.addresses) addresses.offer(record)
    const root = newer(first, statements.governance.root)
    if (intent !== null && !more && root.version < intent.rootMin) return behind(root, intent)
    return { is: answer.result === 'member' ? 'member' : 'pending', root, ...met }
  }

  /** The newest root of a mesh that is not known here yet. Later ones are judged by the set of statements alone. @throws Malformed */
  #verified({ mesh, roots }: Shown): Root {
    const root = verifyRoots(mesh, [], roots).at(-1)
    if (root === undefined) throw new Malformed('the answer shows no trust root')
    return root
  }

  /** Why this is not the mesh as it is today; null when it may be. */
  #stale(root: Root, intent: Intent): Failed | null {
    if (root.version < intent.rootMin) return behind(root, intent)
    const over = this.#ports.clock.wallMs() >= root.expiresMs
    return over
      ? failed('STATEMENT_INVALID', `the newest trust root shown, v${root.version}, has expired`)
      : null
  }

  /** The bound first: after a power cut between the two the mesh is pinned by the next join. */
  async #pin(mesh: StatementId, rootMin: number): Promise<void> {
    const value = utf8(String(rootMin))
    await this.#ports.persist([{ space: 'governance', key: ROOT_MIN, value }])
    this.#rootMin = rootMin
    await this.#ports.statements.pin(mesh)
    this.#ports.network.useMesh(mesh)
  }

  /** By versions of the root, so that each finds what it needs: a root before those who are admitted under it. */
  async #learn(peer: Did, { roots, members }: Shown): Promise<void> {
    const placed = [
      ...roots.map((bytes) => ({ bytes, at: versionOf(bytes) })),
      ...members.map((bytes) => ({ bytes, at: versionOf(bytes) })),
    ].sort((a, b) => a.at - b.at)
    for (const { bytes } of placed) await this.#ports.statements.offer(bytes, peer, 'hello').done
  }

  #check({ peer, mesh }: Target): void {
    if (peer === this.#ports.self)
      throw new MeshError('USAGE', 'this is the address of this very node', {
        hint: 'give the address of another one',
      })
    const pinned = this.#ports.statements.mesh
    if (pinned !== null && mesh !== null && pinned !== mesh)
      throw new MeshError('WRONG_MESH', `this node is pinned to ${pinned}, for ever`)
    // Two that would pin must not mix what they bring.
    if (this.#intents.has(peer) || (pinned === null && this.#intents.size > 0))
      throw new MeshError('CONFLICT', 'another join is under way', { hint: 'wait for it' })
  }

  /** Hellos until the peer has nothing more to say about the root. */
  async #hello(intent: Intent): Promise<Met> {
    let version = -1
    for (let count = 0; count < JOIN_HELLOS_MAX; count++) {
      intent.outcome = null
      const greeted = await this.#ports.network.connect(intent.peer, intent.addresses)
      const outcome = intent.outcome as Outcome | null
      // Connected before this: there is no further hello.
      if (greeted && outcome === null) return this.#connected(intent)
      if (outcome?.is === 'failed')
        throw new MeshError(outcome.code, outcome.says, hintOf(outcome.code, intent))
      const reached = this.#ports.statements.governance.root?.version ?? 0
      // An answer to an earlier hello said nothing about this one.
      if (outcome === null) continue
      if (!outcome.more || outcome.is === 'unconfirmed' || reached <= version) return outcome
      version = reached
    }
    throw new MeshError('INVALID_ANSWER', 'the peer shows trust roots without an end')
  }

  #connected({ peer }: Intent): Met {
    const { mesh, root, members } = this.#ports.statements.governance
    if (mesh === null || root === null)
      throw new MeshError('INVALID_ANSWER', 'the peer is connected and showed no mesh')
    const peerName = members.get(peer)?.name ?? null
    return { is: 'member', mesh, root, peerName, more: false }
  }

  #joined({ peer, addresses }: Intent, { is, mesh, root, peerName }: Met): Joined {
    const { network, statements, self } = this.#ports
    const admitted = this.#ports.member(self) && this.caughtUp()
    if (is === 'member' && !admitted)
      throw new MeshError(
        'INVALID_ANSWER',
        'the peer admits this node and shows nothing that says so',
      )
    const { governance } = statements
    const link = network.peers().find((each) => each.peer === peer)
    return {
      result: is === 'member' ? 'admitted' : is,
      mesh,
      meshName: root.mesh,
      rootVersion: Math.max(root.version, governance.root?.version ?? 0),
      peer,
      peerName: governance.members.get(peer)?.name ?? peerName,
      address: link?.address ?? addresses[0] ?? '',
      rttMs: link?.rttMs ?? null,
      name: admitted ? (governance.members.get(self)?.name ?? null) : null,
      self,
    }
  }
}

const REFUSED: Readonly<Record<Refusal, Omit<Failed, 'is'>>> = {
  WRONG_MESH: { code: 'WRONG_MESH', says: 'the peer belongs to another mesh' },
  NOT_READY: { code: 'NOT_READY', says: 'the peer belongs to no mesh, or can admit nobody now' },
  INVITE_UNKNOWN: { code: 'NOT_FOUND', says: 'the peer did not make this invite' },
  INVITE_EXPIRED: { code: 'NOT_ADMITTED', says: 'the invite has expired' },
  INVITE_USED: { code: 'CONFLICT', says: 'the invite was redeemed by another node' },
  INVITE_REVOKED: { code: 'NOT_ADMITTED', says: 'the invite was revoked' },
}

/** Where an invite failed another one helps. */
function hintOf(code: ProblemCode, { secret }: Target): { readonly hint?: string } {
  const other = secret !== null && code !== 'WRONG_MESH' && code !== 'NOT_READY'
  return other ? { hint: 'on a member: meshd invite create' } : {}
}

function newer(one: Root, other: Root | null): Root {
  return other !== null && other.version > one.version ? other : one
}

function behind(root: Root, { rootMin }: Target): Failed {
  const says = `the peer shows root v${root.version}, and the invite names v${rootMin}`
  return failed('CONFLICT', says)
}

function failed(code: ProblemCode, says: string): Failed {
  return { is: 'failed', code, says }
}

/** The version of the root that it is, or is signed under. @throws Malformed */
function versionOf(bytes: Uint8Array): number {
  const { type, payload } = parseEnvelope(bytes)
  const statement = parseStatement(type, payload)
  if (statement.type !== 'root' && statement.type !== 'member')
    throw new Malformed('the answer brings a statement that is no root and no member')
  return statement.type === 'root' ? statement.version : statement.root
}

/** @throws MeshError USAGE */
function readTarget(target: string, mesh: StatementId | null): Target {
  try {
    if (!isInvite(target)) {
      const peer = peerOfAddress(target)
      return { peer, addresses: [target], mesh, rootMin: 0, secret: null }
    }
    const { addresses, mesh: invited, root, secret } = parseInvite(target)
    if (mesh !== null && mesh !== invited)
      throw new MeshError('WRONG_MESH', `the invite is to ${invited}, and --mesh says ${mesh}`)
    const peer = makerOf(addresses)
    return { peer, addresses, mesh: invited, rootMin: root, secret: signerOf(secret) }
  } catch (cause) {
    // A person typed it, or pasted it.
    if (cause instanceof Malformed) throw new MeshError('USAGE', cause.message, { cause })
    throw cause
  }
}
