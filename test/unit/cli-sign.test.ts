/** One more signature is given where it can do good: never to a second statement of a version that is in force. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { StatementState, StatementView } from '../../src/client/types.ts'
import { Desk } from '../golden/screen.ts'
import { NOW, view } from '../golden/story.ts'
import { POLICIES } from '../golden/story-log.ts'

const desk = new Desk(NOW)
before(() => desk.open())
after(() => desk.close())

const [template] = POLICIES
const statement = (state: StatementState, digit: string, over: Partial<StatementView>) => ({
  ...(template as StatementView),
  ...{ id: `sha256:${digit.repeat(64)}`, state, ...over },
})

/** What `meshd sign` says of the one that waits, where the other one is in force. */
async function signs(waiting: StatementView, other: StatementView): Promise<string> {
  const list = (items: readonly StatementView[]) => ({
    ...{ apiVersion: 'meshd/v1', kind: 'StatementList', generatedAt: '', seenFrom: '', items },
  })
  // The same path twice: what waits, then what is in force.
  const lists = [list([waiting]), list([other])]
  return desk.type(['sign', waiting.id], {
    'GET /v1/statements': () => lists.shift(),
    [`GET /v1/statements/${encodeURIComponent(waiting.id)}`]: view('Statement', waiting),
  })
}

test('a second root or policy of a version that is in force is not signed', async () => {
  const policy = { payload: { bundle: 'ci', version: 2, mode: 'enforce' } }
  const root = { type: 'root', payload: { version: 3 } } as const
  for (const [over, says] of [
    [policy, /another ci@2 is in force: two of one version would stop the bundle {2}\[CONFLICT\]/],
    [root, /another root v3 is in force: two of one version would stop the mesh {2}\[CONFLICT\]/],
  ] as const) {
    const said = await signs(statement('pending', 'a', over), statement('effective', 'b', over))
    assert.match(said, says)
    assert.match(said, /exit 3 --/)
  }
})

test('one of a version that follows, or of another bundle, may be signed', async () => {
  const ci = (version: number, bundle = 'ci') => ({ payload: { bundle, version, mode: 'enforce' } })
  for (const other of [ci(1), ci(2, 'agents')]) {
    const said = await signs(statement('pending', 'a', ci(2)), statement('effective', 'b', other))
    assert.doesNotMatch(said, /CONFLICT/)
  }
})
