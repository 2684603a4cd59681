/**
 * Governing with several keys, typed as operators would: below its threshold a
 * root or a policy changes nothing; what was said twice denies until one
 * version names both; a rollback goes forward; what is revoked stays revoked.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import type { DecisionView, StatementView } from '../../src/client/types.ts'
import { authorize, eventually, grant, Lab, status } from './lab.ts'
import { bodyOf, raw, request, socketOf } from './raw.ts'

const lab = new Lab()
let [atlas, borealis] = [] as Host[] as [Host, Host]
let alice = ''

before(async () => {
  ;[atlas, borealis] = (await lab.mesh(['atlas', 'borealis'])) as [Host, Host]
  await grant(borealis)
  await atlas.do('key', 'create', 'alice')
  const { items } = await atlas.ask<{ items: { name: string; principal: string }[] }>('key', 'list')
  alice = items.find(({ name }) => name === 'alice')?.principal ?? ''
})

after(() => lab[Symbol.asyncDispose]())

const founder = ['--as', 'founder', '--yes'] as const
const byAlice = ['--as', 'alice', '--yes'] as const

async function pending(on: Host, type: string): Promise<readonly StatementView[]> {
  const { items } = await on.ask<{ items: readonly StatementView[] }>('sign')
  return items.filter((item) => item.type === type)
}

/** The only one of that type that waits there. */
async function waiting(on: Host, type: string): Promise<string> {
  const [item] = await eventually(
    `a pending ${type}`,
    () => pending(on, type),
    ({ length }) => length === 1,
  )
  return item?.id ?? ''
}

const rootOf = async (on: Host) => (await status(on)).root?.version

const decides = (on: Host, code: DecisionView['code']) =>
  eventually(
    String(code),
    () => authorize(on),
    (decision) => decision.code === code,
    30_000,
  )

test('a root of which one signature of two is there changes nothing, until the second comes', async () => {
  const grown = [
    '--add-key',
    `root=${alice}`,
    `policy=${alice}`,
    '--threshold',
    'root=2',
    'policy=2',
  ]
  const first = await atlas.do('root', 'rotate', ...grown, ...founder)
  assert.match(first, /PENDING {2}1 of 1 by root v2, 1 of 2 by root v3/)
  assert.deepEqual(await Promise.all([atlas, borealis].map(rootOf)), [2, 2])
  const id = await waiting(borealis, 'root')
  const again = await atlas.run('root', 'sign', id, ...founder)
  assert.match(again.stderr, /`founder` has signed it already {2}\[ROLE_MISSING\]/)
  assert.equal(again.status, 3)
  assert.deepEqual(await Promise.all([atlas, borealis].map(rootOf)), [2, 2])
  // Its key is in the new root alone: that is who must agree to it, too.
  assert.match(await borealis.do('root', 'sign', id, ...byAlice), /EFFECTIVE/)
  await eventually(
    'everywhere',
    () => rootOf(atlas),
    (version) => version === 3,
  )
  await atlas.do('wait', '--for', 'ready')
  assert.equal((await authorize(borealis)).code, null)
})

test('a key in no role cannot sign, and is told so', async () => {
  await atlas.do('key', 'create', 'mallory')
  await atlas.do('policy', 'rollback', 'starter@1', ...founder)
  const id = await waiting(atlas, 'policy')
  const said = await atlas.run('sign', id, '--as', 'mallory', '--yes')
  assert.match(said.stderr, /`mallory` is not in role policy of root v3 {2}\[ROLE_MISSING\]/)
  assert.equal(said.status, 3)
})

test('a policy takes two approvers, and a rollback is a new version with the old content', async () => {
  const id = await waiting(borealis, 'policy')
  const inForce = async () => (await status(borealis)).governance.bundles[0]?.version
  assert.equal(await inForce(), 1)
  assert.match(await borealis.do('policy', 'sign', id, ...byAlice), /EFFECTIVE {2}2 of 2/)
  assert.equal(await inForce(), 2)
  const text = async (version: string) => {
    const { item } = await borealis.ask<{ item: StatementView }>('policy', 'show', version)
    return item.payload['policies']
  }
  assert.deepEqual(await text('starter@2'), await text('starter@1'))
  assert.equal((await authorize(borealis)).code, null)
})

async function publishes(on: Host, message: string): Promise<void> {
  await on.do('policy', 'rollback', 'starter@1', '-m', message, ...founder)
  await on.do('sign', await waiting(on, 'policy'), ...byAlice)
}

test('versions that contradict each other deny on every node, until one names both', async () => {
  await borealis.do('peer', 'isolate')
  await publishes(atlas, 'one')
  await publishes(borealis, 'two')
  await borealis.do('peer', 'isolate', '--off')
  const denied = await decides(borealis, 'POLICY_CONFLICT')
  assert.match(denied.detail ?? '', /a version 4 that names both resolves it/)
  await atlas.do('wait', '--for', 'ready')
  await eventually(
    'there too',
    () => pending(atlas, 'policy'),
    ({ length }) => length === 0,
  )
  const shown = await atlas.run('policy', 'list')
  assert.match(shown.stderr, /starter denies everything/)
  await publishes(atlas, 'both')
  await decides(borealis, null)
  const { items } = await borealis.ask<{ items: StatementView[] }>('policy', 'list')
  const newest = items.find(({ payload }) => payload['version'] === 4)
  assert.equal((newest?.payload['previous'] as readonly string[] | undefined)?.length, 2)
})

test('what is typed wrong is a usage error with status 64, and nothing is signed', async () => {
  const { digest } = (await status(atlas)).governance
  const wrong = [
    ['freeze', 'action:tool:*'],
    ['freeze', 'action:tool::read'],
    ['freeze', 'resource:env'],
    ['freeze', `action:${'x'.repeat(5000)}`],
    ['freeze', 'nonsense'],
    ['revoke', 'starter@1', '--until', '0s'],
    ['revoke', 'starter@1', '--until', 'soon'],
    ['revoke', 'dec_12345678'],
    ['revoke', 'art_bejocdkb'],
    ['root', 'rotate', '--threshold', 'root=9'],
    ['root', 'rotate', '--add-key', 'alice'],
  ]
  for (const words of wrong) {
    const said = await atlas.run(...words, ...founder)
    assert.equal(said.status, 64, `${words.join(' ').slice(0, 60)}: ${said.stderr}`)
    assert.match(said.stderr, /\[USAGE\]\nhint: /)
  }
  for (const target of ['starter@99', 'principal:nobody'])
    assert.equal((await atlas.run('revoke', target, ...founder)).status, 4, target)
  const { root } = await status(atlas)
  assert.equal((await atlas.run('revoke', root?.id ?? '', ...founder)).status, 64)
  assert.equal((await status(atlas)).governance.digest, digest)
})

test('a revocation is for ever: of an old policy version, and of an issuer', async () => {
  await atlas.do('revoke', 'starter@1', ...founder)
  assert.equal((await authorize(borealis)).code, null)
  await atlas.do('revoke', 'issuer:founder', ...founder, '--wait=all')
  assert.equal((await authorize(borealis)).code, 'REVOKED')
  const answer = await raw(
    socketOf(borealis, 'read'),
    request('GET', '/v1/statements?type=revocation'),
  )
  const { items } = JSON.parse(bodyOf(answer)) as { items: readonly StatementView[] }
  for (const { payload } of items) assert.equal(payload['until'], '9999-12-31T23:59:59.000Z')
  assert.equal(items.length, 2)
})
