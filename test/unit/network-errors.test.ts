import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signerOf } from '../../src/core/keys.ts'
import { MeshError } from '../../src/core/problems.ts'
import { stripControls } from '../../src/core/text.ts'
import { looksBusy, meshErrorOf, reasonOf } from '../../src/network/errors.ts'

const PEER = signerOf(new Uint8Array(32).fill(1)).did
const named = (name: string, message = 'what happened') =>
  Object.assign(new Error(message), { name })

test('each error of libp2p is one of three problems', () => {
  const expected = {
    TimeoutError: 'TIMEOUT',
    AbortError: 'TIMEOUT',
    InvalidDataLengthError: 'INVALID_ANSWER',
    UnexpectedEOFError: 'INVALID_ANSWER',
    StreamResetError: 'UNREACHABLE',
    UnsupportedProtocolError: 'UNREACHABLE',
    DialDeniedError: 'UNREACHABLE',
    EncryptionFailedError: 'UNREACHABLE',
    NeverHeardOfError: 'UNREACHABLE',
  }
  for (const [name, code] of Object.entries(expected))
    assert.equal(meshErrorOf(named(name), PEER).code, code, name)
  assert.equal(meshErrorOf('a text', PEER).code, 'UNREACHABLE')
})

test('what is told is one line, without the peer’s control characters, and ours stays ours', () => {
  const { message } = meshErrorOf(named('X', `a\u001b[31m\n${'long '.repeat(100)}`), PEER)
  assert.equal(stripControls(message), message)
  assert.ok(message.length < 300)
  const own = new MeshError('TOO_LARGE', 'it is')
  assert.equal(meshErrorOf(own, PEER), own)
  const both = new AggregateError([named('EncryptionFailedError', 'it does not match expected')])
  assert.match(meshErrorOf(both, PEER).message, /another node answers/)
})

test('who closed, who speaks otherwise, and who is somebody else are told apart', () => {
  const says = (name: string, message: string) => reasonOf(named(name, message))
  const eof = 'Unexpected EOF - stream closed while reading 0/1 bytes'
  const key = 'Payload identity key 12D3KooWA does not match expected remote identity key 12D3KooWB'
  assert.equal(says('EncryptionFailedError', eof), 'closed without an answer')
  assert.equal(says('UnexpectedEOFError', eof), 'closed without an answer')
  assert.equal(says('EncryptionFailedError', key), 'another node answers at its address')
  for (const name of ['EncryptionFailedError', 'InvalidMessageError', 'UnsupportedProtocolError'])
    assert.match(says(name, 'Missing newline'), /does not speak as a node does/)
})

test('what the system says of a connection is said once, in words', () => {
  for (const [message, says] of [
    [
      'connection error 10.0.0.7:4717: connect ECONNREFUSED 10.0.0.7:4717',
      'connection refused on 10.0.0.7:4717',
    ],
    ['connect EHOSTUNREACH 10.0.0.7:4717', 'no route to 10.0.0.7:4717'],
    ['connect ENOENT /x', 'connect ENOENT /x'],
  ] as const)
    assert.equal(reasonOf(named('ConnectionFailedError', message)), says)
})

test('only what a full peer looks like is asked again', () => {
  assert.ok(looksBusy(named('StreamResetError')) && looksBusy(named('StreamStateError')))
  assert.ok(!looksBusy(named('InvalidDataLengthError')) && !looksBusy('reset'))
})
