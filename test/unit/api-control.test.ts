/** The control API on a real node: what each route answers, to whom, and how much it lets anybody ask. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseInvite } from '../../src/core/invite.ts'
import { LISTINGS_MAX, SEARCHES_MAX, SPREADS_MAX } from '../../src/core/limits.ts'
import * as story from '../golden/story.ts'
import { Control } from './control.ts'
import { ben, borealis, cy, DAY_MS, keyOf } from './statements.ts'

const READERS = [
  ...['/v1/peers', '/v1/governance', '/v1/root', '/v1/statements', '/v1/records', '/v1/invites'],
  ...['/v1/log/verify', '/v1/log/checkpoint', '/v1/doctor', '/v1/drift'],
]
const ADMINISTRATORS = [
  ...['POST /v1/peers', 'DELETE /v1/peers/x', 'POST /v1/invites', 'DELETE /v1/invites/x'],
  ...['POST /v1/statements', 'POST /v1/isolation', 'POST /v1/config/reload'],
  'POST /v1/policies/check',
]

test('reading is for readers, changing for administrators, and both are not there for others', async () => {
  await using control = await Control.open()
  for (const path of READERS) {
    assert.equal((await control.ask(`GET ${path}`, null, { role: 'decide' })).status, 404, path)
    assert.equal((await control.ask(`GET ${path}`, null, { role: 'read' })).status, 200, path)
  }
  for (const line of ADMINISTRATORS)
    for (const role of ['decide', 'read'] as const)
      assert.equal((await control.ask(line, {}, { role })).status, 404, `${line} ${role}`)
  assert.deepEqual(control.bugs, [])
})

test('who may ask for decisions learns how this node stands, and nothing of others', async () => {
  await using control = await Control.open()
  const { body } = await control.ask('GET /v1/status', null, { role: 'decide' })
  assert.equal(body.item.ready, true)
  for (const key of ['peers', 'listen', 'sockets']) assert.deepEqual(body.item[key], [])
  const { body: all } = await control.ask('GET /v1/status', null, { role: 'read' })
  assert.equal(all.item.peers[0].name, 'atlas')
  assert.equal(all.item.listen.length, 1)
})

/** The keys of an answer, and of what is in it; what is null, or empty in one of them, says nothing. */
function sameShape(actual: unknown, typed: unknown, at: string): void {
  if (typeof actual !== 'object' || typeof typed !== 'object' || !actual || !typed) return
  if (Array.isArray(actual) && Array.isArray(typed)) {
    if (actual.length > 0 && typed.length > 0) sameShape(actual[0], typed[0], `${at}[]`)
    return
  }
  if (/\.(?:labels|roles)$/.test(at)) return
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(typed).sort(), at)
  for (const [key, value] of Object.entries(actual))
    sameShape(value, (typed as Record<string, unknown>)[key], `${at}.${key}`)
}

test('views have the members that their types name, and no others', async () => {
  await using control = await Control.open()
  const views = {
    '/v1/status': ['Status', story.STATUS],
    '/v1/root': ['Root', story.ROOT],
    '/v1/governance': ['Governance', story.GOVERNANCE],
    '/v1/peers/atlas': ['Peer', story.PEERS[0]],
    '/v1/doctor': ['Doctor', story.DOCTOR],
  } as const
  for (const [path, [kind, typed]] of Object.entries(views)) {
    const { body } = await control.ask(`GET ${path}`)
    assert.deepEqual([body.apiVersion, body.kind, body.seenFrom], ['meshd/v1', kind, 'atlas'])
    assert.match(body.generatedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    sameShape(body.item, typed, kind)
  }
})

test('a statement is posted once and again, listed by type and state, and read by its full id', async () => {
  await using control = await Control.open()
  const { world } = control
  const policy = world.policy({ bundle: 'ci' }, [ben])
  const text = new TextDecoder().decode(policy.bytes)
  const first = await control.ask('POST /v1/statements', text)
  assert.equal(first.status, 200)
  assert.equal(first.body.item.state, 'effective')
  assert.deepEqual((await control.ask('POST /v1/statements', text)).body.item, first.body.item)

  const ids = async (query: string) =>
    (await control.ask(`GET /v1/statements${query}`)).body.items.map(({ id }: { id: string }) => id)
  assert.ok((await ids('?type=policy')).includes(policy.id))
  assert.deepEqual(await ids('?type=revocation'), [])
  assert.deepEqual(await ids('?state=pending'), [])
  assert.equal((await ids('')).length, 4)
  assert.equal((await control.ask(`GET /v1/statements/${policy.id}`)).body.item.id, policy.id)
  for (const query of ['?type=polcy', '?state=done'])
    assert.equal((await control.ask(`GET /v1/statements${query}`)).body.code, 'USAGE')
  for (const id of ['x', policy.id.slice(0, 20), `sha256:${'0'.repeat(64)}`])
    assert.equal((await control.ask(`GET /v1/statements/${id}`)).body.code, 'NOT_FOUND')
})

test('what is no statement, is signed by nobody in role, or is of another mesh is refused and leaves nothing', async () => {
  await using control = await Control.open()
  const { world } = control
  const before = control.node.statements.governance.digest
  const bytes = (made: { bytes: Uint8Array }) => new TextDecoder().decode(made.bytes)
  for (const text of [
    '',
    '{}',
    'null',
    '[',
    bytes(world.policy({ bundle: 'x' }, [keyOf('mallory')])),
    bytes(world.policy({ bundle: 'x' })).replace('"payload":"', '"payload":"AA'),
    `${bytes(world.policy({ bundle: 'x' }))} `,
  ]) {
    const { status, body } = await control.ask('POST /v1/statements', text)
    assert.ok(status >= 400 && status < 500, `${status} ${text.slice(0, 40)}`)
    assert.ok(typeof body.code === 'string' && body.code !== 'BUG', body.code)
  }
  assert.equal(control.node.statements.governance.digest, before)
  assert.deepEqual(control.bugs, [])
})

test('a spread says who applied it, and from when nobody allows it; it invents no time of acceptance', async () => {
  await using control = await Control.open()
  const revocation = control.world.revocation({ untilMs: control.clock.wallMs() + DAY_MS }, [cy])
  await control.ask('POST /v1/statements', new TextDecoder().decode(revocation.bytes))
  const { body } = await control.ask(`GET /v1/spread?id=${revocation.id}&wait=committed&ms=1000`)
  assert.deepEqual(
    body.nodes.map(({ name, applied }: { name: string; applied: boolean }) => [name, applied]),
    [['atlas', true]],
  )
  const bound = Date.parse(body.boundAt) - Date.parse(body.committedAt)
  assert.equal(bound, body.stalenessMs + 2 * body.skewMs)
  assert.equal(typeof body.acceptedAt, 'string')
  const [{ id }] = (await control.ask('GET /v1/statements?type=root')).body.items
  assert.ok(id)
  for (const query of ['', '?id=x', `?id=${revocation.id}&wait=ever`, `?id=${revocation.id}&ms=-1`])
    assert.ok((await control.ask(`GET /v1/spread${query}`)).status >= 400, query)
})

test('records are filtered, newest first, and a filter that is none is refused', async () => {
  await using control = await Control.open()
  const ask = (query: string) => control.ask(`GET /v1/records${query}`)
  const indexes = async (query: string) =>
    (await ask(query)).body.items.map(({ index }: { index: number }) => index)
  assert.deepEqual(await indexes(''), [3, 2, 1, 0])
  assert.deepEqual(await indexes('?limit=2'), [3, 2])
  assert.deepEqual(await indexes('?limit=0'), [])
  assert.deepEqual(await indexes('?type=statement&limit=1'), [3])
  assert.deepEqual(await indexes('?type=decision'), [])
  assert.deepEqual(await indexes('?since=2030-01-01T00:00:00Z'), [])
  assert.deepEqual(await indexes('?until=2020-01-01T00:00:00.000Z'), [])
  assert.deepEqual(await indexes('?code=REVOKED'), [])
  for (const query of [
    ...['?type=decisions', '?code=REVOKD', '?principal=planner', '?limit=1001', '?limit=-1'],
    ...['?since=1', '?since=yesterday', '?until=2026-11-24'],
  ])
    assert.equal((await ask(query)).body.code, 'USAGE', query)
  const { body } = await control.ask('GET /v1/records?limit=1')
  const [{ id }] = body.items
  assert.equal((await control.ask(`GET /v1/records/${id}`)).body.item.index, 3)
  assert.equal((await control.ask('GET /v1/records/sha256:1')).body.code, 'NOT_FOUND')
})

test('a tail waits for the next record, answers empty when there is none, and ends with its reader', async () => {
  await using control = await Control.open()
  const { clock, world } = control
  const next = control.ask('GET /v1/records/tail?after=4&ms=20000')
  await control.ask(
    'POST /v1/statements',
    new TextDecoder().decode(world.policy({ bundle: 'ci' }, [ben]).bytes),
  )
  assert.deepEqual(
    (await next).body.items.map(({ index }: { index: number }) => index),
    [4],
  )
  const beganMs = clock.monotonicMs()
  assert.deepEqual((await control.ask('GET /v1/records/tail?after=5&ms=700')).body.items, [])
  assert.ok(clock.monotonicMs() - beganMs >= 700)
  const gone = new AbortController()
  gone.abort()
  const cut = await control.ask('GET /v1/records/tail?after=5', null, { signal: gone.signal })
  assert.deepEqual(cut.body.items, [])
  assert.equal((await control.ask('GET /v1/records/tail?ms=20001')).body.code, 'USAGE')
})

test('costly looks have so many places and no more, and a place is free again', async () => {
  await using control = await Control.open()
  const { id } = control.world.first
  const many = async (line: string, places: number) => {
    const answers = await Promise.all(Array.from({ length: places + 3 }, () => control.ask(line)))
    const refused = answers.filter(({ body }) => body.code === 'TOO_MANY')
    assert.equal((await control.ask(line)).status, 200, line)
    return refused.length
  }
  assert.equal(await many('GET /v1/records?limit=1', SEARCHES_MAX), 3)
  assert.equal(await many('GET /v1/statements', LISTINGS_MAX), 3)
  // A member that is away: whoever waits for it takes a place.
  const expiresMs = control.clock.wallMs() + DAY_MS
  const away = control.world.member(borealis, { expiresMs })
  await control.ask('POST /v1/statements', new TextDecoder().decode(away.bytes))
  assert.equal(await many(`GET /v1/spread?id=${id}&wait=all&ms=500`, SPREADS_MAX), 3)
  const verified = await Promise.all([1, 2, 3].map(() => control.ask('GET /v1/log/verify')))
  for (const { body } of verified) assert.deepEqual(body.item.problems, [])
})

test('a log that verifies is none to rely on where others hold another: a rollback is a problem of it', async () => {
  await using control = await Control.open()
  const shown = {
    kind: 'rollback',
    epoch: 1,
    size: 1_204,
    checkpoint: 'as they showed it',
  } as const
  await control.clock.until(control.node.boot.remember(shown))
  const { body } = await control.ask('GET /v1/log/verify')
  assert.equal(body.item.verified, body.item.size)
  assert.match(body.item.problems.join(), /rollback: others hold .* size 1204 \(epoch 1\)/)
})

test('an invite is shown whole once, to whoever made it, and can be taken back', async () => {
  await using control = await Control.open()
  const body = { name: 'borealis', ttlMs: 60_000, labels: { env: 'prod' } }
  const made = await control.ask('POST /v1/invites', body)
  assert.equal(made.status, 201)
  assert.match(made.body.line, /^meshd-invite:1:/)
  const list = async () => (await control.ask('GET /v1/invites', null, { role: 'read' })).body.items
  assert.deepEqual(await list(), [{ ...made.body, line: null }])
  for (const bad of [
    { ...body, ttlMs: 0 },
    { ...body, ttlMs: 1.5 },
    { ...body, ttlMs: Number.MAX_SAFE_INTEGER },
    { ...body, name: '../x' },
    { ...body, more: 1 },
    { name: null },
    [],
    'null',
  ]) {
    const { status, body: said } = await control.ask('POST /v1/invites', bad)
    assert.ok(status >= 400 && said.code !== 'BUG', JSON.stringify([bad, said]))
  }
  const { secret } = parseInvite(made.body.line)
  for (const text of [
    'x',
    made.body.line,
    made.body.line.slice(13),
    Buffer.from(secret).toString('hex'),
  ]) {
    const { status, body: said } = await control.ask(
      `DELETE /v1/invites/${encodeURIComponent(text)}`,
    )
    assert.equal(status, 404)
    assert.ok(text === 'x' || !JSON.stringify(said).includes(text), 'a secret is not repeated')
  }
  assert.equal((await control.ask(`DELETE /v1/invites/${made.body.id}`)).status, 200)
  assert.deepEqual(
    (await list()).map(({ state }: { state: string }) => state),
    ['revoked'],
  )
  assert.deepEqual(control.bugs, [])
})

test('a node does not forget itself, nor whom it does not know; a name is one node’s', async () => {
  await using control = await Control.open()
  assert.equal((await control.ask('DELETE /v1/peers/atlas')).body.code, 'USAGE')
  assert.equal((await control.ask('DELETE /v1/peers/nobody')).body.code, 'NOT_FOUND')
  const expiresMs = control.clock.wallMs() + DAY_MS
  const twin = control.world.member({ ...borealis, name: 'atlas' }, { expiresMs })
  await control.ask('POST /v1/statements', new TextDecoder().decode(twin.bytes))
  assert.equal((await control.ask('GET /v1/peers/atlas')).body.code, 'AMBIGUOUS')
  const did = borealis.identity.did
  assert.equal((await control.ask(`GET /v1/peers/${did}`)).body.item.state, 'member')
  assert.equal((await control.ask(`DELETE /v1/peers/${did}`)).body.did, did)
  for (const target of ['', 'x', '/ip4/10.0.0.1/tcp/1', 'meshd-invite:1:!!', 'meshd-invite:2:e30'])
    assert.equal((await control.ask('POST /v1/peers', { target, mesh: null })).body.code, 'USAGE')
  assert.deepEqual(control.bugs, [])
})

test('a doctor names who is missing, and does not call for those that are meant to be away', async () => {
  await using control = await Control.open()
  const { world, clock } = control
  const post = (made: { bytes: Uint8Array }) =>
    control.ask('POST /v1/statements', new TextDecoder().decode(made.bytes))
  await post(world.member(borealis, { expiresMs: clock.wallMs() + DAY_MS }))
  const network = async () => {
    const { groups } = (await control.ask('GET /v1/doctor')).body.item
    return groups.find(({ name }: { name: string }) => name === 'Network').findings.at(-1)
  }
  assert.equal((await network()).level, 'error')
  const { did } = borealis.identity
  await post(world.freeze({ scope: { kind: 'node', did } }))
  assert.deepEqual(await network(), {
    level: 'warning',
    says: 'borealis is suspended',
    fix: 'meshd unfreeze node:borealis',
  })
  await post(world.revocation({ target: { kind: 'node', did }, untilMs: clock.wallMs() + DAY_MS }))
  assert.deepEqual(await network(), { level: 'ok', says: 'borealis is revoked', fix: null })
  assert.equal((await control.ask('GET /v1/doctor?with=dorado')).body.code, 'NOT_FOUND')
})

test('isolation is said in words that are a flag, and a reload says what it did', async () => {
  await using control = await Control.open()
  for (const bad of [{}, { isolated: 1 }, { isolated: true, x: 1 }, 'true'])
    assert.equal((await control.ask('POST /v1/isolation', bad)).body.code, 'USAGE')
  assert.deepEqual(control.isolations, [])
  assert.deepEqual((await control.ask('POST /v1/isolation', { isolated: true })).body, {
    isolated: true,
  })
  assert.equal((await control.ask('GET /v1/status')).body.item.isolated, true)
  assert.deepEqual((await control.ask('POST /v1/config/reload', {})).body, {
    applied: ['log.level'],
    restart: [],
    rejected: null,
  })
})

test('a bundle is looked at with its place, whoever it is from', async () => {
  await using control = await Control.open()
  const { policies, schema } = control.world.policy().statement
  const bundle = {
    ...{ bundle: 'ci', version: 1, mode: 'enforce', schema, entities: [], tests: [] },
    policies: Object.fromEntries(policies),
  }
  const check = (body: unknown) => control.ask('POST /v1/policies/check', body)
  assert.deepEqual((await check(bundle)).body, { policies: 1, tests: 0, problems: [] })
  const { body } = await check({ ...bundle, policies: { 'a.cedar': 'permit (' } })
  assert.equal(body.problems[0].kind, 'syntax')
  assert.match(body.problems[0].where, /a\.cedar/)
  for (const bad of [{}, { ...bundle, version: 0 }, { ...bundle, mode: 'off' }, 'x'])
    assert.equal((await check(bad)).body.code, 'USAGE')
})

test('a node that fails closed is alive and not ready, and says why to whoever asks', async () => {
  await using control = await Control.open()
  assert.deepEqual((await control.ask('GET /readyz', null, { role: 'decide' })).body, {
    ready: true,
  })
  control.node.log.seal('as the test asked')
  const { status, body } = await control.ask('GET /readyz?verbose', null, { role: 'decide' })
  assert.equal(status, 503)
  assert.deepEqual(
    body.reasons.map(({ code }: { code: string }) => code),
    ['AUDIT_UNAVAILABLE'],
  )
  assert.equal((await control.ask('GET /livez', null, { role: 'read' })).status, 200)
  assert.equal((await control.ask('GET /v1/status')).body.item.ready, false)
  const { groups } = (await control.ask('GET /v1/doctor')).body.item
  const storage = groups.find(({ name }: { name: string }) => name === 'Storage').findings
  assert.equal(storage[0].level, 'error')
})

test('a certificate that ends is told of two weeks before', async () => {
  await using control = await Control.open()
  const levels = async (leftMs: number) => {
    control.https = { listen: '0.0.0.0:8443', certUntilMs: control.clock.wallMs() + leftMs }
    const { groups } = (await control.ask('GET /v1/doctor')).body.item
    const { findings } = groups.find(({ name }: { name: string }) => name === 'Daemon')
    return findings.map(({ level }: { level: string }) => level)
  }
  assert.deepEqual(await levels(15 * DAY_MS), ['ok', 'ok', 'ok'])
  assert.deepEqual(await levels(13 * DAY_MS), ['ok', 'ok', 'warning'])
  assert.deepEqual(await levels(-1), ['ok', 'ok', 'error'])
})

test('a node that waits for its boot check is told what ends it', async () => {
  await using control = await Control.open([borealis])
  const { body } = await control.ask('GET /v1/doctor')
  const governance = body.item.groups.find(({ name }: { name: string }) => name === 'Governance')
  const fixes = governance.findings.map(({ fix }: { fix: string | null }) => fix).join('\n')
  assert.match(fixes, /where they are lost: meshd peer epoch atlas --overrule-boot-check/)
  assert.equal((await control.ask('GET /readyz')).status, 503)
})
