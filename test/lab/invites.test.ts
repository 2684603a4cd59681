/**
 * Attacks on joining a real mesh (FAULTS 123 to 125): one invite redeemed by
 * many at once and elsewhere, one that was overheard, guessed, or is over, and
 * a node that shows a joiner roots of long ago.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { StatementId } from '../../src/core/id.ts'
import { formatInvite, inviteId, parseInvite } from '../../src/core/invite.ts'
import { signerOf } from '../../src/core/keys.ts'
import { status } from '../e2e/lab.ts'
import { Attacker } from './attacker.ts'
import { row } from './row.ts'
import { pause, Siege } from './siege.ts'

let siege: Siege
let mesh: StatementId

before(async () => {
  siege = await Siege.begin()
  mesh = siege.mesh
})

after(() => siege[Symbol.asyncDispose]())

async function members(): Promise<number> {
  const { items } = await siege.atlas.ask<{ items: readonly { state: string }[] }>('peer', 'list')
  return items.filter(({ state }) => state !== 'pending').length
}

/** Says hello there with this invite, each with keys of its own. @returns what they were told */
async function redeem(lines: readonly string[], address: string): Promise<readonly string[]> {
  const crowd = lines.map(async (invite) => {
    await using attacker = await Attacker.start()
    const connection = await attacker.dial(address).catch(() => null)
    if (connection === null) return 'no connection'
    const answer = await attacker.hello(connection, { mesh, invite }).catch(() => null)
    return String(answer?.['code'] ?? answer?.['result'] ?? 'cut')
  })
  return Promise.all(crowd)
}

const counted = (said: readonly string[]) =>
  [...Map.groupBy(said, (each) => each)].map(([each, all]) => `${all.length} ${each}`).join(', ')

test('of many who redeem one invite at once one is let in, and nobody elsewhere', async (t) => {
  const before = await members()
  const line = await siege.invite('newcomer')
  const elsewhere = await redeem([line], await siege.address(siege.borealis))
  assert.deepEqual(elsewhere, ['INVITE_UNKNOWN'])
  const said = await redeem(Array<string>(20).fill(line), await siege.address())
  const late = await redeem([line], await siege.address())
  assert.equal(said.filter((each) => each === 'member').length, 1, counted(said))
  assert.deepEqual(late, ['INVITE_USED'])
  assert.equal((await members()) - before, 1)
  row(
    t,
    123,
    `20 at once, 1 elsewhere, 1 later: ${counted([...said, ...elsewhere, ...late])}; 1 principal`,
  )
})

test('an invite that was overheard, guessed, changed, revoked or is over lets nobody in', async (t) => {
  const before = await members()
  const address = await siege.address()
  const line = await siege.invite('overheard')
  const invite = parseInvite(line)
  // What passes over the wire is the proof of another joiner: with the same bytes nobody else is proven.
  await using one = await Attacker.start()
  await using other = await Attacker.start()
  const heard = one.redemption(await siege.didOf(siege.atlas), line)
  const replay = await other.hello(await other.dial(address), { mesh, change: { invite: heard } })
  assert.equal(replay?.['code'], 'INVITE_UNKNOWN')
  const guesses = Array.from({ length: 40 }, () =>
    formatInvite({ ...invite, secret: randomBytes(32) }),
  )
  const guessed = await redeem(guesses, address)
  // The right name of it, and not the secret.
  await using named = await Attacker.start()
  const id = inviteId(signerOf(invite.secret).did)
  const forged = { id, signature: randomBytes(64).toString('base64') }
  const byName = await named.hello(await named.dial(address), { mesh, change: { invite: forged } })
  assert.equal(byName?.['code'], 'INVITE_UNKNOWN')
  const brief = (
    await siege.atlas.do('invite', 'create', '--name', 'brief', '--ttl', '1s', '-o', 'id')
  ).trim()
  await pause(1_200)
  const over = await redeem([brief], address)
  await siege.atlas.do('invite', 'revoke', id)
  const revoked = await redeem([line], address)
  assert.ok(guessed.includes('INVITE_UNKNOWN') && !guessed.includes('member'), counted(guessed))
  assert.deepEqual([over, revoked], [['INVITE_EXPIRED'], ['INVITE_REVOKED']])
  assert.equal(await members(), before)
  row(
    t,
    124,
    `overheard, 40 guesses, named without the secret, expired, revoked: ${(await members()) - before} joins`,
  )
})

test('who invites to a newer root than it can show is believed in nothing', async (t) => {
  const { lab, mallory } = siege
  const dorado = lab.host('dorado')
  dorado.start()
  await dorado.answers()
  // Atlas itself is asked, but for a version of the root that it does not have; then a mesh that is none.
  const good = parseInvite(await siege.invite('dorado'))
  const newer = await dorado.run('peer', 'join', formatInvite({ ...good, root: good.root + 5 }))
  const [address = ''] = good.addresses
  const elsewhere = address.replace(/\/p2p\/.*/, `/p2p/${mallory.node.peerId.toString()}`)
  const stolen = await dorado.run('peer', 'join', formatInvite({ ...good, addresses: [elsewhere] }))
  assert.notEqual(newer.status, 0)
  assert.notEqual(stolen.status, 0)
  const view = await status(dorado)
  assert.equal(view.ready, false)
  row(
    t,
    125,
    `an invite to a newer root than is shown, and one of another node: 0 joins; ${/\[\w+\]/.exec(newer.stderr)?.[0]}`,
  )
})
