/** What every store must do, held against LevelDB and against its twin in memory: the simulator may be believed because of this file. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import { idOf } from '../../src/core/id.ts'
import { INDEX_RECORDS } from '../../src/core/limits.ts'
import { append, EMPTY, leafHash, rootHash } from '../../src/core/merkle.ts'
import { proveInclusion, verifyInclusion } from '../../src/core/proof.ts'
import type { Store } from '../../src/mesh/ports.ts'
import { batchOf, type Durably, inMemory, onLevel, put, texts } from './stores.ts'

const kinds: Record<string, () => Promise<Durably>> = { level: onLevel, memory: inMemory }

const treeOf = (records: readonly string[]) =>
  records.reduce((tree, text) => append(tree, leafHash(utf8(text))), EMPTY)
const rootOf = (store: Store) => toHex(rootHash(store.tree))
const readAll = async (store: Store) =>
  (await store.records(0, store.tree.size)).map((bytes) => Buffer.from(bytes).toString())

const timeAt = (i: number) => new Date(1_795_528_800_000 + i * 1000).toISOString()
const findable = (i: number) =>
  JSON.stringify({
    code: i % 7 === 0 ? null : 'REVOKED_BY_TEST',
    request: { action: i % 3 === 0 ? 'red' : 'blue' },
    time: timeAt(i),
    ...(i % 7 === 0 ? { type: 'decision' } : { type: 'other' }),
  })

/** Page by page, as far as the store goes. */
async function search(store: Store, terms: readonly string[], before: number) {
  const found: number[] = []
  let at = before
  while (at > store.least) {
    const { indexes, reached } = await store.search(
      { terms, sinceMs: null, untilMs: null },
      at,
      100,
    )
    assert.ok(indexes.length <= 100 && reached < at, 'it goes on')
    found.push(...indexes)
    at = reached
  }
  return found
}

/** The store as it is, and then as it is after it was closed and opened. */
async function* nowAndAgain(durably: Durably): AsyncGenerator<Store> {
  yield durably.store
  yield await durably.again()
}

for (const [kind, make] of Object.entries(kinds)) {
  const on = (property: string, run: (durably: Durably) => Promise<void>) =>
    test(`${kind}: ${property}`, async () => {
      const durably = await make()
      try {
        await run(durably)
      } finally {
        await durably.remove()
      }
    })

  on('a new store has an empty log of epoch 1, and nothing beside it', async ({ store }) => {
    assert.equal(store.tree.size, 0)
    assert.equal(store.epoch, 1)
    assert.equal(store.head, null)
    assert.equal(store.low, null)
    assert.deepEqual(await store.records(0, 0), [])
    assert.equal(await store.get('statement', 'a'), null)
    assert.equal((await store.entries('statement')).size, 0)
  })

  on('what is kept beside a record stands beside it, and beside no other', async (durably) => {
    const batch = batchOf(durably.store, ['a', 'b', 'c'])
    const records = batch.records.map((leaf, i) =>
      i === 1 ? { ...leaf, exhibit: utf8('x') } : leaf,
    )
    await durably.store.persist({ ...batch, records })
    for await (const store of nowAndAgain(durably)) {
      assert.deepEqual(await store.exhibits(0, 3), [null, utf8('x'), null])
      assert.deepEqual(await store.exhibits(1, 1), [utf8('x')])
      assert.deepEqual(await store.exhibits(0, 0), [])
    }
    const exhibits = [
      { epoch: 1, index: 0, bytes: utf8('y') },
      { epoch: 1, index: 1, bytes: null },
    ]
    await durably.store.persist({ ...batchOf(durably.store, ['told']), exhibits })
    for await (const store of nowAndAgain(durably))
      assert.deepEqual(await store.exhibits(0, 4), [utf8('y'), null, null, null])
    await durably.store.persist(batchOf(durably.store, ['d', 'e'], [], 2))
    assert.deepEqual(await durably.store.exhibits(0, 2), [null, null])
  })

  on(
    'copies of other logs are there, beside everything else and in no list of it',
    async (durably) => {
      const keys = ['did/1/0000000000', 'did/1/0000000001', 'did/2/0000000000']
      const puts = keys.map((key, i) => put(key, `record ${i}`, 'copy'))
      await durably.store.persist(batchOf(durably.store, ['a'], [...puts, put('k', 'v')]))
      const asked = ['did/2/0000000000', 'did/1/0000000009', 'did/1/0000000000']
      for await (const store of nowAndAgain(durably)) {
        assert.deepEqual(await store.copies(asked), [utf8('record 2'), null, utf8('record 0')])
        assert.deepEqual(await store.copies([]), [])
        assert.deepEqual([...(await store.entries('statement')).keys()], ['k'])
        assert.deepEqual(await readAll(store), ['a'])
      }
      const gone = keys.slice(1).map((key) => put(key, null, 'copy'))
      await durably.store.persist(batchOf(durably.store, [], gone))
      for await (const store of nowAndAgain(durably))
        assert.deepEqual(await store.copies(keys), [utf8('record 0'), null, null])
    },
  )

  on('a record is put back as it was, and as nothing else', async (durably) => {
    await durably.store.persist(batchOf(durably.store, texts(300)))
    const wrong = { name: 'MeshError', code: 'LOG_DAMAGED' }
    for (const index of [7, 299]) {
      await assert.rejects(durably.store.mend(index, utf8('another')), wrong)
      await assert.rejects(durably.store.mend(index, utf8(`record ${index + 1}`)), wrong)
      await durably.store.mend(index, utf8(`record ${index}`))
    }
    for await (const store of nowAndAgain(durably))
      assert.deepEqual(await readAll(store), texts(300))
  })

  on('what was persisted is there after it was opened again', async (durably) => {
    await durably.store.persist(batchOf(durably.store, ['a', 'b'], [put('k', 'v')]))
    await durably.store.persist(batchOf(durably.store, ['c']))
    for await (const store of nowAndAgain(durably)) {
      assert.equal(rootOf(store), toHex(rootHash(treeOf(['a', 'b', 'c']))))
      assert.deepEqual(await readAll(store), ['a', 'b', 'c'])
      assert.deepEqual(await store.get('statement', 'k'), utf8('v'))
    }
  })

  on('the next index comes from the store, through full tiles', async (durably) => {
    const all = texts(600)
    for (let at = 0; at < 600; at += 100)
      await durably.store.persist(batchOf(durably.store, all.slice(at, at + 100)))
    const store = await durably.again()
    assert.equal(rootOf(store), toHex(rootHash(treeOf(all))))
    await store.persist(batchOf(store, ['one more']))
    assert.equal(store.tree.size, 601)
    assert.deepEqual(await readAll(await durably.again()), [...all, 'one more'])
  })

  on('a tile is there once it is full, and holds the leaf hashes', async ({ store }) => {
    await store.persist(batchOf(store, texts(255)))
    assert.equal(await store.tile(0, 0), null)
    await store.persist(batchOf(store, ['record 255', 'record 256']))
    const tile = await store.tile(0, 0)
    assert.equal(tile?.length, 8192)
    assert.deepEqual(tile?.slice(32 * 7, 32 * 8), leafHash(utf8('record 7')))
    assert.equal(await store.tile(0, 1), null)
    assert.equal(await store.tile(1, 0), null)
  })

  on('its nodes prove every record that is asked for', async ({ store }) => {
    const all = texts(777)
    for (let at = 0; at < 777; at += 128)
      await store.persist(batchOf(store, all.slice(at, at + 128)))
    for (const index of [0, 1, 255, 256, 511, 512, 700, 775, 776]) {
      const nodes = new Map<string, Uint8Array>()
      const asked: [number, number][] = []
      proveInclusion(index, 777, (level, at) => {
        asked.push([level, at])
        return new Uint8Array(32)
      })
      for (const [level, at] of asked) nodes.set(`${level}/${at}`, await store.node(level, at))
      const proof = proveInclusion(index, 777, (l, i) => nodes.get(`${l}/${i}`) as Uint8Array)
      const leaf = leafHash(utf8(all[index] as string))
      assert.ok(verifyInclusion(leaf, index, 777, proof, rootHash(store.tree)), `${index}`)
    }
  })

  on('of puts for one key the last one counts, and null deletes', async (durably) => {
    const { store } = durably
    await store.persist(batchOf(store, [], [put('a', '1'), put('a', '2'), put('b', '1')]))
    await store.persist(batchOf(store, [], [put('b', null), put('c', null), put('d', '')]))
    for await (const each of nowAndAgain(durably)) {
      const entries = [...(await each.entries('statement'))]
      assert.deepEqual(entries, [
        ['a', utf8('2')],
        ['d', utf8('')],
      ])
      assert.equal(await each.get('statement', 'b'), null)
    }
  })

  on('a space is read in the order of its keys, and holds no other space', async ({ store }) => {
    const keys = ['z', 'a/b', 'a', 'a0', 'é', 'Z']
    await store.persist(
      batchOf(
        store,
        [],
        [...keys.map((key) => put(key, key, 'wallet')), put('a', 'other', 'peer')],
      ),
    )
    const entries = await store.entries('wallet')
    assert.deepEqual([...entries.keys()], ['Z', 'a', 'a/b', 'a0', 'z', 'é'])
    assert.deepEqual(await store.get('peer', 'a'), utf8('other'))
  })

  on('a record is found by its id, after it was opened again too', async (durably) => {
    const all = texts(300)
    await durably.store.persist(batchOf(durably.store, all))
    for await (const store of nowAndAgain(durably)) {
      assert.equal(await store.locate(idOf(utf8('record 7'))), 7)
      assert.equal(await store.locate(idOf(utf8('record 299'))), 299)
      assert.equal(await store.locate(idOf(utf8('record 300'))), null)
    }
  })

  on('a search finds all that match and nothing else, in memory and on disk', async (durably) => {
    const size = 2 * INDEX_RECORDS + 300
    const all = Array.from({ length: size }, (_, i) => findable(i))
    for (let at = 0; at < size; at += 512)
      await durably.store.persist(batchOf(durably.store, all.slice(at, at + 512)))
    for await (const store of nowAndAgain(durably)) {
      const every = (match: (i: number) => boolean) =>
        Array.from({ length: size }, (_, i) => size - 1 - i).filter(match)
      const red = await search(store, ['action red'], size)
      assert.deepEqual(
        red,
        every((i) => i % 3 === 0),
      )
      const both = await search(store, ['code ALLOW', 'action red'], size)
      assert.deepEqual(
        both,
        every((i) => i % 21 === 0),
      )
      const below = await search(store, ['code ALLOW'], 1_500)
      assert.deepEqual(
        below,
        every((i) => i % 7 === 0 && i < 1_500),
      )
      assert.deepEqual(await search(store, ['code REVOKED'], size), [])
      assert.equal((await search(store, [], size)).length, size)
    }
  })

  on('a search by time leaves out what is of another time', async ({ store }) => {
    const size = 3 * INDEX_RECORDS
    for (let at = 0; at < size; at += 512)
      await store.persist(
        batchOf(
          store,
          Array.from({ length: 512 }, (_, i) => findable(at + i)),
        ),
      )
    const [sinceMs, untilMs] = [Date.parse(timeAt(INDEX_RECORDS)), Date.parse(timeAt(1_100))]
    const found = await store.search({ terms: [], sinceMs, untilMs }, size, size)
    const near = found.indexes.every((index) => index >= INDEX_RECORDS && index < 2 * INDEX_RECORDS)
    assert.ok(near && found.indexes.length >= 77 && found.reached === 0)
  })

  on(
    'what was pruned is read no more, and is still proven; the rest is as it was',
    async (durably) => {
      const size = 2 * INDEX_RECORDS + 10
      const all = Array.from({ length: size }, (_, i) => findable(i))
      for (let at = 0; at < size; at += 512)
        await durably.store.persist(batchOf(durably.store, all.slice(at, at + 512)))
      assert.equal(durably.store.least, 0)
      const rule = put('1', String(INDEX_RECORDS), 'pruned')
      await durably.store.persist(batchOf(durably.store, ['the last one'], [rule]))
      const gone = { name: 'MeshError', code: 'NOT_FOUND', message: /pruned/ }
      for await (const store of nowAndAgain(durably)) {
        assert.equal(store.least, INDEX_RECORDS)
        assert.equal(rootOf(store), toHex(rootHash(treeOf([...all, 'the last one']))))
        for (const read of [
          async () => store.records(INDEX_RECORDS - 1, 2),
          async () => store.records(0, 1),
          async () => store.pick([INDEX_RECORDS, 3]),
        ])
          await assert.rejects(read, gone)
        const [first] = await store.records(INDEX_RECORDS, 1)
        assert.deepEqual(first, utf8(all[INDEX_RECORDS] as string))
        assert.deepEqual((await store.tile(0, 1))?.slice(0, 32), leafHash(utf8(all[256] as string)))
        assert.equal((await store.node(0, 7)).length, 32)
        // Where it was is still known, so that it can be said what became of it.
        assert.equal(await store.locate(idOf(utf8(all[3] as string))), 3)
        const query = { terms: ['action red'], sinceMs: null, untilMs: null }
        const { indexes, reached } = await store.search(query, size, size)
        assert.equal(reached, INDEX_RECORDS)
        assert.ok(indexes.every((index) => index >= INDEX_RECORDS))
      }
      // A log that follows has lost nothing.
      await durably.store.persist(batchOf(durably.store, ['new'], [], 2))
      assert.equal(durably.store.least, 0)
    },
  )

  on('a greater epoch begins an empty log, with its first record', async (durably) => {
    await durably.store.persist(batchOf(durably.store, ['old', 'older'], [put('k', 'v')]))
    await durably.store.persist(batchOf(durably.store, ['new'], [], 3))
    for await (const store of nowAndAgain(durably)) {
      assert.equal(store.epoch, 3)
      assert.deepEqual(await readAll(store), ['new'])
      assert.deepEqual(await store.get('statement', 'k'), utf8('v'))
      assert.equal(await store.locate(idOf(utf8('old'))), null)
    }
  })

  on('the newest published checkpoint is kept', async (durably) => {
    await durably.store.persist(batchOf(durably.store, ['a']))
    const hash = Buffer.from(rootHash(durably.store.tree)).toString('base64')
    const note = utf8(`meshd/0123456789abcdef/z6Mk/1\n1\n${hash}\n\n— x AAAAAAAA\n`)
    await durably.store.keepHead(utf8('first'))
    await durably.store.keepHead(note)
    assert.deepEqual(durably.store.head, note)
    assert.deepEqual((await durably.again()).head, note)
  })

  on('a batch that does not continue the log is a bug, and changes nothing', async ({ store }) => {
    const stale = batchOf(store, ['a'])
    await store.persist(stale)
    await assert.rejects(async () => store.persist(stale))
    assert.equal(store.tree.size, 1)
  })

  on('reopening without an error changes nothing', async ({ store }) => {
    await store.persist(batchOf(store, ['a'], [put('k', 'v')]))
    await store.reopen()
    assert.deepEqual(await readAll(store), ['a'])
    assert.deepEqual(await store.get('statement', 'k'), utf8('v'))
    await store.persist(batchOf(store, ['b']))
    assert.equal(store.tree.size, 2)
  })

  on('a closed store answers nothing', async (durably) => {
    const { store } = durably
    await store.close()
    const refused = { name: 'MeshError', code: 'NOT_READY' }
    await assert.rejects(async () => store.persist(batchOf(store, ['a'])), refused)
    await assert.rejects(async () => store.get('statement', 'a'), refused)
    await assert.rejects(async () => store.records(0, 0), refused)
    await assert.rejects(async () => store.keepHead(utf8('x')), refused)
  })
}
