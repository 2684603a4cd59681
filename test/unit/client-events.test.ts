/** `meshd/client` reading events: whole, however they are cut, and read on after each interruption. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import fc from 'fast-check'
import { type EventOptions, Mesh, type MeshEvent } from '../../src/client/index.ts'
import { FalseDaemon } from './false-daemon.ts'

const LINE = 'GET /v1/events'
const event = (n: number) => `id: 1.${n}\nevent: decision\ndata: {"n":${n},"text":"a: b\\n\\n"}\n\n`

/** The first so many events. */
async function first(count: number, socket: string, options: EventOptions = {}) {
  const told: MeshEvent[] = []
  for await (const each of new Mesh({ socket }).events(options))
    if (told.push(each) === count) break
  return told
}

test('events are whole, wherever the stream is cut', async () => {
  const text = `retry: 1000\n\n:\nid: 1.1\n\n${event(2)}event: peer\ndata: {"did":"é\u{1f600}"}\n\n${event(3)}`
  const bytes = Buffer.from(text)
  const chunks = { at: [] as number[] }
  await using daemon = await FalseDaemon.open({
    [LINE]: async (response) => {
      let from = 0
      for (const to of [...chunks.at, bytes.length]) {
        response.write(bytes.subarray(from, to))
        from = to
        await new Promise(setImmediate)
      }
    },
  })
  const cuts = fc.array(fc.nat({ max: bytes.length - 1 }), { minLength: 1, maxLength: 8 })
  const run = fc.asyncProperty(cuts, async (at) => {
    chunks.at = at.sort((a, b) => a - b)
    const told = JSON.stringify(await first(3, daemon.socket))
    assert.deepEqual(JSON.parse(told), [
      { type: 'decision', id: '1.2', data: { n: 2, text: 'a: b\n\n' } },
      { type: 'peer', id: null, data: { did: 'é\u{1f600}' } },
      { type: 'decision', id: '1.3', data: { n: 3, text: 'a: b\n\n' } },
    ])
  })
  await fc.assert(run, { numRuns: 20 })
})

test('what is asked stands in the query, and what is known in the header', async () => {
  await using daemon = await FalseDaemon.open({
    [LINE]: (response: ServerResponse) => void response.write(event(8)),
  })
  const options = { types: ['decision', 'outcome'], filter: ['outcome:deny', 'code:REVOKED'] }
  await first(1, daemon.socket, { ...options, after: '1.7' })
  const [asked] = daemon.asked
  assert.equal(asked?.query.get('types'), 'decision,outcome')
  assert.deepEqual(asked?.query.getAll('filter'), options.filter)
  assert.equal(asked?.headers['last-event-id'], '1.7')
})

test('after an interruption it reads on after the last place that it was told of', async () => {
  let asked = 0
  await using daemon = await FalseDaemon.open({
    [LINE]: (response) => {
      asked += 1
      if (asked === 1) response.end(`${event(4)}id: 1.6\n\n${event(7).slice(0, 20)}`)
      else response.write(event(7))
    },
  })
  const told = await first(2, daemon.socket)
  assert.deepEqual(
    told.map(({ id }) => id),
    ['1.4', '1.7'],
  )
  assert.deepEqual(
    daemon.asked.map(({ headers }) => headers['last-event-id']),
    [undefined, '1.6'],
  )
})

test('what cannot begin, and what is no event, is thrown', async () => {
  await assert.rejects(first(1, '/nonexistent/meshd.sock'), { code: 'UNREACHABLE' })
  const bad = [
    (response: ServerResponse) => void response.writeHead(400).end('{"code":"USAGE"}'),
    (response: ServerResponse) => void response.end(`${event(1)}data: {"n"\n\n`),
    (response: ServerResponse) => void response.end(`${event(1)}data: [1]\n\n`),
    (response: ServerResponse) => void response.end(`${event(1)}${'x'.repeat(2 ** 20 + 1)}`),
  ]
  for (const answer of bad) {
    await using daemon = await FalseDaemon.open({ [LINE]: answer })
    await assert.rejects(first(2, daemon.socket), { code: 'INVALID_ANSWER' })
  }
})

test('the signal ends it', async () => {
  await using daemon = await FalseDaemon.open({
    [LINE]: (response: ServerResponse) => void response.write(event(1)),
  })
  const given = new AbortController()
  const told: MeshEvent[] = []
  for await (const each of new Mesh({ socket: daemon.socket }).events({ signal: given.signal })) {
    told.push(each)
    setImmediate(() => given.abort())
  }
  assert.equal(told.length, 1)
})
