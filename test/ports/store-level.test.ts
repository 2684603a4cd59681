/** What LevelDB does not promise (FACTS 4), each trap sprung on a real directory. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createStore } from '../../src/storage/create.ts'
import { LevelStore } from '../../src/storage/level.ts'
import { Reserve } from '../../src/storage/reserve.ts'
import { row } from '../lab/row.ts'
import { batchOf, onLevel, put, RESERVE, texts } from './stores.ts'
import { DAMAGED, filled, NOT_PRIVATE, NOT_READY, open, trap } from './traps.ts'

test('nothing is opened where nothing was made, and nothing is left there', async () => {
  const place = await onLevel()
  await place.remove()
  await assert.rejects(LevelStore.open(place.directory, RESERVE), NOT_READY)
  assert.ok(!existsSync(place.directory))
  mkdirSync(place.directory, { recursive: true, mode: 0o700 })
  await assert.rejects(LevelStore.open(place.directory, RESERVE), NOT_READY)
  assert.deepEqual(readdirSync(place.directory), [])
  rmSync(place.directory, { recursive: true })
})

trap('a lost CURRENT is damage, never a new database', async (place, t) => {
  await filled(place)
  rmSync(join(place.directory, 'db', 'CURRENT'))
  await assert.rejects(open(place), DAMAGED)
  assert.ok(!existsSync(join(place.directory, 'db', 'CURRENT')))
  row(t, 19, 'CURRENT deleted: refused')
})

for (const lost of ['db', 'head', 'INITIALIZED'])
  trap(`a directory that lost ${lost} is damaged, and is not made anew`, async (place, t) => {
    await filled(place)
    rmSync(join(place.directory, lost), { recursive: true })
    await assert.rejects(open(place), DAMAGED)
    const code = lost === 'INITIALIZED' ? 'LOG_DAMAGED' : 'CONFLICT'
    await assert.rejects(createStore(place.directory, RESERVE), { code })
    row(t, 19, `${lost} deleted: refused`)
  })

trap('a second opener is told that somebody else is here', async (place, t) => {
  await assert.rejects(open(place), { ...NOT_READY, message: /in use by another daemon/ })
  await place.store.persist(batchOf(place.store, ['still mine']))
  row(t, 29, 'second opener refused, the first goes on')
})

trap(
  'a failed write is followed by nothing but errors, until it is opened again',
  async (place) => {
    const { store } = place
    await store.persist(batchOf(store, ['a'], [put('k', 'v')]))
    const db = join(place.directory, 'db')
    // LevelDB opens its next log file when the old one is full: here it cannot.
    renameSync(db, `${db}-away`)
    let failure: unknown = null
    for (let i = 0; i < 40 && failure === null; i += 1)
      await store
        .persist(batchOf(store, [], [put(`big ${i}`, 'x'.repeat(1 << 20))]))
        .catch((error) => {
          failure = error
        })
    assert.notEqual(failure, null, 'the disk failed')
    renameSync(`${db}-away`, db)
    const before = store.tree.size
    await assert.rejects(async () => store.persist(batchOf(store, ['b'])), { name: 'MeshError' })
    await assert.rejects(async () => store.get('statement', 'k'), { name: 'MeshError' })
    await assert.rejects(async () => store.records(0, 1), { name: 'MeshError' })
    assert.equal(store.tree.size, before)
    await store.reopen()
    assert.equal(String(Buffer.from((await store.records(0, 1))[0] as Uint8Array)), 'a')
    await store.persist(batchOf(store, ['b']))
    assert.equal(store.tree.size, 2)
  },
)

trap('creation wipes what a power cut left of an earlier one', async (place) => {
  await place.store.close()
  rmSync(join(place.directory, 'INITIALIZED'))
  place.store = await createStore(place.directory, RESERVE)
  await place.store.persist(batchOf(place.store, ['a']))
})

trap('creation wipes a head file that was not written yet', async (place) => {
  await place.store.close()
  const file = (name: string) => join(place.directory, name)
  rmSync(file('INITIALIZED'))
  rmSync(file('head'))
  writeFileSync(file('head.new'), '')
  place.store = await createStore(place.directory, RESERVE)
  assert.equal(existsSync(file('head.new')), false)
})

trap('creation refuses a directory that holds a node', async (place) => {
  await filled(place)
  await assert.rejects(createStore(place.directory, RESERVE), { code: 'CONFLICT' })
  assert.equal((await place.again()).tree.size, 300)
})

trap('everything in the directory is private to its user', async (place) => {
  await place.again()
  for (const name of ['.', 'db', 'head', 'INITIALIZED'])
    assert.equal(lstatSync(join(place.directory, name)).mode & 0o077, 0, name)
})

trap('a directory that others may enter is refused', async (place, t) => {
  await filled(place)
  chmodSync(place.directory, 0o755)
  await assert.rejects(open(place), NOT_PRIVATE)
  chmodSync(place.directory, 0o700)
  row(t, 30, 'data directory 0755: refused')
})

trap('a head file that is a link, or that others may write, is refused', async (place, t) => {
  await filled(place)
  const head = join(place.directory, 'head')
  chmodSync(head, 0o660)
  await assert.rejects(open(place), NOT_PRIVATE)
  chmodSync(head, 0o600)
  renameSync(head, `${head}-elsewhere`)
  symlinkSync(`${head}-elsewhere`, head)
  await assert.rejects(open(place), NOT_PRIVATE)
  row(t, 30, 'head file 0660, head file a link: refused')
})

trap('a database from elsewhere does not pass for this one', async (place) => {
  await filled(place)
  const other = await onLevel()
  await other.store.persist(batchOf(other.store, texts(301)))
  await other.store.close()
  rmSync(join(place.directory, 'db'), { recursive: true })
  cpSync(join(other.directory, 'db'), join(place.directory, 'db'), { recursive: true })
  chmodSync(join(place.directory, 'db'), 0o700)
  await assert.rejects(open(place), DAMAGED)
  await other.remove()
})

trap('a handle that is closed, or did not open, leaves no file open', async (place) => {
  const count = () => readdirSync('/proc/self/fd').length
  await place.store.close()
  const before = count()
  for (let i = 0; i < 3; i += 1) await place.again()
  await place.store.close()
  rmSync(join(place.directory, 'db', 'CURRENT'))
  await assert.rejects(open(place), DAMAGED)
  await assert.rejects(async () => place.store.reopen(), DAMAGED)
  assert.equal(count(), before)
})

test('a full disk is low, gives up the reserve, and takes it back when there is room', async () => {
  const place = await onLevel()
  await place.store.close()
  let free = 1_000_000
  const options = { bytes: 10_000, marginBytes: 1_000, free: () => free }
  const reserve = join(place.directory, 'reserve')
  // A new one each time: it looks at the disk twice a second at most.
  const low = () => new Reserve(reserve, options).low()
  const prepare = () => new Reserve(reserve, options).prepare()
  assert.equal(low(), null)
  assert.equal(lstatSync(reserve).size, 10_000)
  free = 900
  assert.match(low() ?? '', /0 MiB left/)
  prepare()
  assert.ok(existsSync(reserve), 'kept while there is room for LevelDB')
  free = 400
  assert.notEqual(low(), null)
  assert.ok(existsSync(reserve), 'kept while nothing is written')
  prepare()
  assert.ok(!existsSync(reserve), 'given up')
  free = 5_000
  assert.equal(low(), 'the disk reserve is used up')
  free = 12_000
  assert.equal(low(), null)
  assert.equal(lstatSync(reserve).size, 10_000)
  rmSync(place.directory, { recursive: true })
})

test('what brings no record finds the reserve given up when the disk is full', async () => {
  const place = await onLevel()
  await place.store.close()
  let free = 1_000_000
  const options = { bytes: 10_000, marginBytes: 1_000, free: () => free }
  const store = await LevelStore.open(place.directory, options)
  assert.equal(store.low, null)
  // Since that look at the disk it became full.
  free = 0
  await store.persist(batchOf(store, [], [put('revocation', 'of a leaked key')]))
  assert.ok(!existsSync(join(place.directory, 'reserve')))
  await store.close()
  await place.remove()
})

test('the file of a closed handle is closed once', async () => {
  const place = await onLevel()
  await place.store.close()
  const fd = openSync(join(place.directory, 'other'), 'w')
  await place.store.close()
  assert.equal(writeSync(fd, 'still open'), 10)
  closeSync(fd)
  await place.remove()
})
