/** Who may listen to what: on meshd.sock a caller sees its own, as it is known at the moment; what is asked must be understood. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ARGS } from '../../scripts/vectors/tokens.ts'
import { EventHub } from '../../src/api/event-hub.ts'
import { eventRoutes } from '../../src/api/events.ts'
import type { Ask, Reply } from '../../src/api/router.ts'
import type { CallerNow } from '../../src/api/stream.ts'
import { parseArtifact } from '../../src/core/artifact.ts'
import { idOf } from '../../src/core/id.ts'
import { ownerOf } from '../../src/daemon/caller.ts'
import { Decisions } from '../../src/daemon/decisions.ts'
import { Api } from './api.ts'
import { BOB_UID, CAROL_UID, caller, granted, type World, world } from './deciding.ts'

const BODY = { action: { name: ARGS.action }, resource: ARGS.resource }

/** The route on a log in memory: all of it is there already, and nothing is told but to who asks. */
function site(of: World) {
  const records = of.log.bytes.map((bytes, index) => ({ index, id: idOf(bytes), bytes }))
  const hub = new EventHub({
    log: { tree: { size: records.length, peaks: [] }, epoch: 1, onDurable: () => {} },
    reader: {
      least: 0,
      range: async (first) => records.slice(first),
      exhibits: async () => [null],
    },
    records: { of: () => null },
  })
  const [route] = eventRoutes({
    ...{ sources: { hub, looks: () => [] }, clock: of.clock, decisions: new Decisions(of.log) },
  })
  assert.ok(route !== undefined)
  const handle = (target: string, ask: Partial<Ask> = {}): Reply => {
    const { searchParams: query } = new URL(target, 'http://meshd')
    const asked: Ask = {
      ...{ method: 'GET', path: '/v1/events', search: '', query, parameters: new Map() },
      ...{ header: () => null, headers: () => [] },
      ...{ body: new Uint8Array(), caller: caller(of, BOB_UID), role: 'decide', receivedMs: 0 },
      ...{ signal: new AbortController().signal, ...ask },
    }
    return route.handle(asked) as Reply
  }
  return { hub, handle }
}

/** All that is told of what is there, and of what happens then. */
async function told(of: World, reply: Reply, who: CallerNow, then: () => void = () => {}) {
  const gone = new AbortController()
  let text = ''
  const out = {
    ...{ full: false, signal: gone.signal, caller: who, drained: async () => {} },
    write: (more: string) => {
      text += more
    },
  }
  const done = reply.follow?.(out)
  await of.clock.settle()
  then()
  await of.clock.settle()
  gone.abort()
  await of.clock.until(done ?? Promise.resolve())
  return [...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type)
}

async function decided(): Promise<World> {
  const of = await world()
  await of.wallet.hold('bob', parseArtifact(granted(of, 'bob')))
  const api = new Api(of)
  const { body } = await api.post('/v1/executions', BODY)
  await api.post(`/v1/executions/${body.id}/outcome`, { kind: 'ok', status: 0 })
  await api.post('/v1/decisions', BODY, { uid: CAROL_UID })
  return of
}

test('a caller is told its own decisions and outcomes, and those of nobody else', async () => {
  const of = await decided()
  const { handle } = site(of)
  const listen = (uid: number) => {
    const who = caller(of, uid)
    const reply = handle('/v1/events?types=decision,outcome&after=1.0', { caller: who })
    return told(of, reply, () => who)
  }
  assert.deepEqual(await listen(BOB_UID), ['outcome'], 'record 0 is his decision, which he has')
  assert.deepEqual(await listen(CAROL_UID), ['decision'])
  assert.deepEqual(await listen(5), [])
  const all = handle('/v1/events?after=1.0', { role: 'read' })
  assert.deepEqual(await told(of, all, () => caller(of, 5)), ['outcome', 'decision'])
})

test('who a caller is is asked with each event: what was taken back is told no more', async () => {
  const of = await decided()
  const { handle, hub } = site(of)
  const [bob, carol] = [caller(of, BOB_UID), caller(of, CAROL_UID)]
  const opened = () =>
    hub.offer({ type: 'execution', data: { state: 'running' }, owner: ownerOf(bob) })
  const listen = () => handle('/v1/events', { caller: bob })
  assert.deepEqual(await told(of, listen(), () => bob, opened), ['execution'])
  assert.deepEqual(await told(of, listen(), () => carol, opened), [])
  const nobody = { ...bob, identified: false }
  assert.deepEqual(await told(of, listen(), () => nobody, opened), [])
})

test('what is not understood, not served here, or asked by nobody is refused', async () => {
  const of = await decided()
  const { handle } = site(of)
  const refused = (target: string, ask: Partial<Ask>, code: string) =>
    assert.throws(() => handle(target, ask), { code }, target)
  refused('/v1/events', { caller: caller(of, null) }, 'SOCKET_FORBIDDEN')
  for (const type of ['statement', 'peer', 'lease', 'problem', 'system'])
    refused(`/v1/events?types=decision,${type}`, {}, 'USAGE')
  for (const target of [
    ...['types=', 'types=decisions', 'types=decision,', 'filter=', 'filter=outcome:maybe'],
    ...['filter=code:REVOKED&filter=code:FROZEN', 'after=', 'after=7', 'after=1.7.1', 'after=0.1'],
  ])
    refused(`/v1/events?${target}`, { role: 'read' }, 'USAGE')
  const header = (name: string) => (name === 'last-event-id' ? '01.1' : null)
  refused('/v1/events?after=1.1', { role: 'read', header }, 'USAGE')
  handle('/v1/events?types=decision,peer&filter=outcome:deny&after=1.7', { role: 'read' })
})
