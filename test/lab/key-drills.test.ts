/**
 * Key compromise drills (FAULTS 78), typed as docs/guides/key-compromise.md has
 * them: a thief uses what was stolen, operators do what the page says, and what
 * the page promises is so afterwards. Each says how long it took.
 */
import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { Host } from '../../src/cli/stage.ts'
import type { PeerView } from '../../src/client/peer-types.ts'
import type { DecisionView, StatementView } from '../../src/client/types.ts'
import { ASK, authorize, eventually, grant, join as joins, Lab, status, UID } from '../e2e/lab.ts'
import { row } from './row.ts'

const lab = new Lab()
let [atlas, borealis, cygnus] = [] as Host[] as [Host, Host, Host]
const dids = new Map<string, string>()

const by = (key: string) => ['--as', key, '--yes'] as const
const didOf = (name: string) => dids.get(name) ?? ''

async function keys(...names: readonly string[]): Promise<void> {
  for (const name of names) await atlas.do('key', 'create', name)
  const { items } = await atlas.ask<{ items: { name: string; principal: string }[] }>('key', 'list')
  for (const { name, principal } of items) dids.set(name, principal)
}

/** Drafted and signed by the first, signed by the others. */
async function rotated(words: readonly string[], ...signers: readonly string[]): Promise<void> {
  const [first = '', ...others] = signers
  const { version = 0 } = (await status(atlas)).root ?? {}
  await atlas.do('root', 'rotate', ...words, ...by(first))
  for (const other of others) {
    const { items } = await atlas.ask<{ items: readonly StatementView[] }>('sign')
    const draft = items.find(({ type, payload }) => type === 'root' && !stolen(payload['message']))
    await atlas.do('root', 'sign', draft?.id ?? '', ...by(other))
  }
  assert.equal((await status(atlas)).root?.version, version + 1)
  await atlas.do('wait', '--for', 'ready', '--timeout', '30s')
}

const THEFT = 'by a thief'
const stolen = (message: unknown) => message === THEFT

const issues = (key: string) =>
  borealis.do(
    ...['artifact', 'issue', '--to', 'deployer', ...ASK, '--ttl', '1h', '--hold', '-o', 'id'],
    ...by(key),
  )

const decides = (code: DecisionView['code'], on = borealis) =>
  eventually(
    String(code),
    () => authorize(on),
    (decision) => decision.code === code,
    20_000,
  )

/** What the operators do, timed. */
async function drill(t: TestContext, what: string, done: () => Promise<void>): Promise<void> {
  const startMs = performance.now()
  await done()
  row(t, 78, `${what}: ${((performance.now() - startMs) / 60_000).toFixed(2)} min`)
}

before(async () => {
  ;[atlas, borealis, cygnus] = (await lab.mesh(['atlas', 'borealis', 'cygnus'])) as [
    ...[Host, Host, Host],
  ]
  await keys('second', 'third', 'issuer-1', 'issuer-2', 'revoker-1')
  await borealis.do('key', 'create', 'deployer', '--for', `uid=${UID}`)
  const added = [
    ...['second', 'third'].map((name) => `root=${didOf(name)}`),
    `issuer=${didOf('issuer-1')}`,
    `revoker=${didOf('revoker-1')}`,
  ]
  await rotated(['--add-key', ...added, '--threshold', 'root=2'], 'founder', 'second')
})

after(() => lab[Symbol.asyncDispose]())

test('a stolen issuer key: nothing that it ever issued is allowed, and a new issuer takes over', async (t) => {
  await issues('issuer-1')
  await decides(null)
  await drill(t, 'issuer', async () => {
    await atlas.do('revoke', 'issuer:issuer-1', '-m', 'INC-1', '--wait=all', ...by('founder'))
    await decides('REVOKED')
    const key = didOf('issuer-1')
    await rotated(
      ['--drop-key', key, '--add-key', `issuer=${didOf('issuer-2')}`],
      'founder',
      'second',
    )
    await issues('issuer-2')
    await decides(null)
  })
  // The thief goes on, and nothing comes of it.
  assert.equal(
    (
      await borealis.run(
        'artifact',
        'issue',
        '--to',
        'deployer',
        ...ASK,
        '--hold',
        ...by('issuer-1'),
      )
    ).status,
    3,
  )
  await decides(null)
})

test('a stolen revoker key: a root drops it and disowns what the thief signed', async (t) => {
  const deployer = (
    await borealis.ask<{ items: { name: string; principal: string }[] }>('key', 'list')
  ).items.find(({ name }) => name === 'deployer')?.principal
  const said = await cygnus.do(
    'revoke',
    `principal:${deployer}`,
    '-m',
    THEFT,
    '-o',
    'id',
    ...by('revoker-1'),
  )
  // Of two artifacts that end in the same second either may be the one that the denial tells of.
  const denied = ({ decision }: DecisionView) => !decision
  await eventually('denied', () => authorize(borealis), denied, 20_000)
  await drill(t, 'revoker', async () => {
    const words = ['--drop-key', didOf('revoker-1'), '--disown', said.trim(), '-m', 'INC-2']
    await rotated(words, 'founder', 'third')
    await decides(null)
  })
  const late = await cygnus.run('freeze', 'mesh', '-m', THEFT, ...by('revoker-1'))
  assert.match(late.stderr, /\[ROLE_MISSING\]/)
  await decides(null)
})

test('one stolen root key of two: it makes no root, and is replaced', async (t) => {
  const before = (await status(atlas)).root?.id
  const theft = ['--add-key', `issuer=${didOf('issuer-1')}`, '-m', THEFT]
  assert.match(await cygnus.do('root', 'rotate', ...theft, ...by('third')), /PENDING/)
  assert.equal((await status(atlas)).root?.id, before)
  await drill(t, '1 of k root', async () => {
    await keys('fourth')
    const words = [
      '--drop-key',
      didOf('third'),
      '--add-key',
      `root=${didOf('fourth')}`,
      '-m',
      'INC-3',
    ]
    await rotated(words, 'founder', 'second')
  })
  const { items } = await cygnus.ask<{ items: readonly StatementView[] }>('sign')
  const draft = items.find(({ payload }) => stolen(payload['message']))
  const again = await cygnus.run('root', 'sign', draft?.id ?? 'none', ...by('second'))
  assert.match(again.stderr, /another root v6 is in force: .* \[CONFLICT\]/)
  await decides(null)
})

test('a stolen node key: the node is cut off everywhere, and its host comes back with new keys', async (t) => {
  const old = (await status(cygnus)).node.did
  await drill(t, 'node', async () => {
    await atlas.do('revoke', 'node:cygnus', '-m', 'INC-4', '--wait', ...by('founder'))
    await eventually(
      'cut off',
      () => authorize(cygnus),
      ({ decision }) => decision === false,
    )
    await rotated(['--witnesses', 'atlas,borealis', '-m', 'INC-4'], 'founder', 'second')
    await cygnus.stop()
    for (const part of ['data', 'keys'])
      cpSync(join(cygnus.dir, part), join(cygnus.dir, `stolen-${part}`), { recursive: true })
    for (const part of ['data', 'keys']) rmSync(join(cygnus.dir, part), { recursive: true })
    cygnus.start()
    await cygnus.answers()
    await joins(atlas, cygnus)
    await cygnus.do('wait', '--for', 'ready', '--timeout', '30s')
    await decides(null)
  })
  const fresh = (await status(cygnus)).node.did
  const { items } = await atlas.ask<{ items: PeerView[] }>('peer', 'list')
  assert.equal(items.find(({ did }) => did === old)?.state, 'revoked')
  assert.equal(items.find(({ did }) => did === fresh)?.state, 'member')
})

/** A host of the mesh that follows, with keys of its own operators. */
function anew(name: string): Host {
  const host = new Host({
    name,
    dir: join(lab.dir, `new-${name}`),
    keyStore: join(lab.dir, 'new-operator'),
  })
  lab.hosts.push(host)
  return host
}

test('stolen root keys, the threshold: every daemon is stopped, a new mesh is founded, and the old evidence still verifies', async (t) => {
  const trust = join(lab.dir, 'kept-root.json')
  await atlas.do('root', 'show', '-f', trust)
  // The thief is whoever holds these two: the mesh cannot tell.
  await rotated(['--drop-key', didOf('fourth'), '-m', 'INC-5'], 'founder', 'second')
  await drill(t, 'k root', async () => {
    const evidence = join(lab.dir, 'borealis.evidence')
    await borealis.do('wait', '--for', 'witnessed=last', '--timeout', '30s')
    await borealis.do('audit', 'export', '-f', evidence)
    await Promise.all([atlas, borealis, cygnus].map((each) => each.stop()))
    assert.equal((await borealis.run('authorize', ...ASK)).status, 5, 'no daemon, no allow')
    const hosts = ['atlas', 'borealis'].map(anew) as [Host, Host]
    await hosts[0].do('init', '--mesh', 'prod', '--staleness', '5s')
    for (const each of hosts) each.start()
    for (const each of hosts) await each.answers()
    await joins(hosts[0], hosts[1])
    await grant(hosts[0])
    await decides(null, hosts[0])
    const said = await hosts[1].do('verify', evidence, '--trust', trust)
    assert.match(said, /root v\d/)
  })
})
