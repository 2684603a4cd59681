/** Names on the wire, as the page of the protocol has them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../src/core/bytes.ts'
import { idOf, sha256Hex } from '../../src/core/id.ts'
import {
  formatProtocol,
  formatTopic,
  messageId,
  PROTOCOLS,
  TOPICS,
} from '../../src/network/topics.ts'

test('two meshes have no topic in common, and each protocol its own name', () => {
  const [one, other] = [idOf(utf8('one')), idOf(utf8('other'))]
  const topics = [one, other].flatMap((mesh) => TOPICS.map((topic) => formatTopic(mesh, topic)))
  assert.equal(new Set(topics).size, 4)
  assert.equal(formatTopic(one, 'state'), `/meshd/${one}/state/1`)
  const names = ['hello' as const, ...PROTOCOLS].map(formatProtocol)
  assert.deepEqual(
    names,
    ['hello', 'state', 'sync', 'log', 'lineage'].map((name) => `/meshd/${name}/1`),
  )
})

test('a message is called by the hash of its topic, a zero and its bytes', () => {
  const id = Buffer.from(messageId('/t', utf8('data'))).toString('hex')
  assert.equal(id, sha256Hex(utf8('/t\0data')))
})
