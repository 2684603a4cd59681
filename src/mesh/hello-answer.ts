/**
 * What a hello is answered with, as much as fits into one frame: the trust root
 * for everybody, and for members what makes both ends known to each other. A root
 * that is larger than a frame comes alone; the next hello brings the rest.
 */
import { formatEnvelope } from '../core/dsse.ts'
import type { StatementId } from '../core/id.ts'
import type { Did } from '../core/keys.ts'
import { FRAME_BYTES_MAX, HELLO_MEMBERS_MAX, HELLO_ROOTS_MAX } from '../core/limits.ts'
import type { Root } from '../core/statement/root.ts'
import type { Addresses } from './addresses.ts'
import type { Answer } from './hello-frames.ts'
import type { Statements } from './statements.ts'

export interface AnswerPorts {
  readonly statements: Pick<Statements, 'governance' | 'get' | 'all'>
  readonly addresses: Pick<Addresses, 'own' | 'recordOf'>
  /** This node. */
  readonly node: Did
  readonly name: string
}

/** For the fields that are no lists, and the commas. */
const REST_BYTES = 1_024
/** What a long chain of roots leaves to members and addresses; a first root may be larger. */
const ROOTS_BYTES_MAX = FRAME_BYTES_MAX / 2

type Shown = Exclude<Answer, { readonly result: 'refused' }>

/** @param from the newest version of the root that the peer holds */
export function answerTo(
  peer: Did,
  result: Shown['result'],
  from: number,
  ports: AnswerPorts,
): Answer {
  const { governance } = ports.statements
  const newer = governance.roots.slice(from)
  const room = { left: FRAME_BYTES_MAX - REST_BYTES }
  const roots = shownRoots(newer, ports, room)
  const shown: Shown = {
    result,
    mesh: governance.mesh as StatementId,
    name: ports.name,
    roots,
    more: roots.length < newer.length || room.left <= 0,
    members: [],
    addresses: [],
  }
  // S15: who is no member gets the trust root, and nothing else.
  if (result !== 'member') return shown
  const members = fitting(membersFor(peer, newer.slice(0, roots.length), ports), room)
  return { ...shown, members, addresses: fitting(addressesFor(peer, ports), room) }
}

interface Room {
  left: number
}

function shownRoots(newer: readonly Root[], { statements }: AnswerPorts, room: Room) {
  const envelopes = newer.slice(0, HELLO_ROOTS_MAX).map(({ id }) => envelopeOf(id, statements))
  const [first, ...others] = envelopes.filter((each) => each !== null)
  if (first === undefined) return []
  // However large it is, or nobody would ever get past it.
  room.left -= first.length + 1
  const half = { left: Math.min(room.left, ROOTS_BYTES_MAX - first.length) }
  const rest = fitting(others, half)
  for (const each of rest) room.left -= each.length + 1
  return [first, ...rest]
}

/** As many of the first ones as there is room for. */
function fitting(items: Iterable<Uint8Array>, room: Room): readonly Uint8Array[] {
  const taken: Uint8Array[] = []
  for (const each of items) {
    if (each.length + 1 > room.left || taken.length === HELLO_MEMBERS_MAX) break
    room.left -= each.length + 1
    taken.push(each)
  }
  return taken
}

/** Both ends; and the witnesses that these roots add, without whom nobody can follow them (row 114). */
function* membersFor(peer: Did, roots: readonly Root[], { statements, node }: AnswerPorts) {
  const { members, roots: chain } = statements.governance
  for (const end of [node, peer]) {
    const member = members.get(end)
    const envelope = member === undefined ? null : envelopeOf(member.id, statements)
    if (envelope !== null) yield envelope
  }
  const added = new Set<Did>()
  for (const { version, witnesses } of roots) {
    const last = chain[version - 2]
    if (last === undefined) continue
    for (const each of witnesses) if (!last.witnesses.includes(each)) added.add(each)
  }
  if (added.size === 0) return
  for (const { statement, envelope, state } of statements.all())
    if (statement.type === 'member' && state === 'effective' && added.has(statement.principal))
      yield formatEnvelope(envelope)
}

/** This node's own, and of the witnesses: the others come by sync. */
function* addressesFor(peer: Did, { addresses, statements, node }: AnswerPorts) {
  yield addresses.own()
  for (const each of statements.governance.root?.witnesses ?? []) {
    const record = each === node || each === peer ? null : addresses.recordOf(each)
    if (record !== null) yield record
  }
}

function envelopeOf(id: StatementId, statements: AnswerPorts['statements']): Uint8Array | null {
  const known = statements.get(id)
  return known === null ? null : formatEnvelope(known.envelope)
}
