/** A mesh that atlas founded, and what the tests of joining ask of it. */
import assert from 'node:assert/strict'
import { MeshError, type ProblemCode } from '../../src/core/problems.ts'
import { type Answer, formatAnswer, parseAnswer } from '../../src/mesh/hello-frames.ts'
import { ana, atlas, DAY_MS, rootOf, World } from '../unit/statements.ts'
import { BEGINNING_MS } from './clock.ts'
import { type JoinNode, JoinWorld } from './join-world.ts'

export const issuedMs = BEGINNING_MS - DAY_MS
export const expiresMs = BEGINNING_MS + 365 * DAY_MS

/** A mesh whose only witness is atlas, at the time of the simulator. */
export function worldOf(mesh = 'prod') {
  return new World(rootOf({ mesh, issuedMs, expiresMs, witnesses: [atlas.identity.did] }))
}

export const inTime = { issuedMs, expiresMs }

/** atlas, a member, with ana's admitter key. */
export async function founded(world = worldOf(), sim = new JoinWorld()) {
  const member = world.member(atlas, inTime)
  const known = [world.first, member]
  const node = await sim.open('atlas', { mesh: world, known, admitter: ana })
  return { sim, world, node, known }
}

export const OPTIONS = { name: null, ttlMs: 900_000, labels: new Map<string, string>() }
export const NO_MESH = { mesh: null }

export function fails(code: ProblemCode) {
  return (error: unknown) => {
    assert.ok(error instanceof MeshError, String(error))
    assert.equal(error.code, code, error.message)
    return true
  }
}

/** What the node answers from now on. */
export function answersOf(node: JoinNode, change = (answer: Answer) => answer): Answer[] {
  const answers: Answer[] = []
  const answer = node.door.answer.bind(node.door)
  node.door.answer = async (peer, hello) => {
    const said = await answer(peer, hello)
    const changed = change(parseAnswer(said.answer))
    answers.push(changed)
    return { ...said, answer: formatAnswer(changed) }
  }
  return answers
}

export function membersOf(node: JoinNode, message: string): Set<string> {
  const found = [...node.statements.all()].flatMap(({ statement }) =>
    statement.type === 'member' && statement.message === message ? [statement.principal] : [],
  )
  return new Set(found)
}
