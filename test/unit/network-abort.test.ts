/** A connection whose other end can no longer be written to ends all the same: libp2p throws there, and left it open. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeAbortSafe } from '../../src/network/abort.ts'

test('an abort that could not say goodbye is said again, and reaches what is below', () => {
  const said: string[] = []
  // As libp2p's: the muxer first, and it is closed after that whatever came of it.
  let muxer = 'open'
  const connection = {
    abort({ message }: Error) {
      const was = muxer
      muxer = 'closed'
      if (was === 'open') throw new Error('cannot write to a stream that is closed')
      said.push(message)
    },
  }
  makeAbortSafe(connection)
  connection.abort(new Error('no hello in time'))
  assert.deepEqual(said, ['no hello in time'])
})

test('what goes on failing is a bug, and is told', () => {
  const connection = {
    abort() {
      throw new Error('a bug')
    },
  }
  makeAbortSafe(connection)
  assert.throws(() => (connection as { abort(error: Error): void }).abort(new Error()), /a bug/)
})
