import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  actionOf,
  commandOf,
  commonCommand,
  covers,
  formatEntity,
  parseAction,
  parseCommand,
  parseEntity,
  parseResource,
} from '../../src/core/command.ts'
import { ACTION_BYTES_MAX, RESOURCE_BYTES_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { row } from '../lab/row.ts'

const segment = fc.stringMatching(/^[a-z0-9_.-]{1,6}$/)
const path = fc.array(segment, { minLength: 1, maxLength: 4 })

test('an action becomes a command by slashes', () => {
  assert.equal(commandOf('tool:read/all'), '/tool/read/all')
  assert.equal(actionOf('/tool/read'), 'tool:read')
  assert.equal(actionOf('/'), '*')
})

test('a command covers itself and what lies below it, by segment and not by prefix', () => {
  assert.ok(covers('/tool', '/tool'))
  assert.ok(covers('/tool', '/tool/read'))
  assert.ok(covers('/', '/tool'))
  assert.ok(!covers('/tool', '/toolbox/read'))
  assert.ok(!covers('/db/read', '/db/readwrite'))
  assert.ok(!covers('/tool/read', '/tool'))
  assert.ok(!covers('/tool', '/'))
})

test('covering is the prefix order on lists of segments', () => {
  fc.assert(
    fc.property(path, path, (a, b) => {
      const prefix = a.every((part, i) => part === b[i])
      assert.equal(covers(`/${a.join('/')}`, `/${b.join('/')}`), prefix)
    }),
  )
})

test('the common command covers every action, and no command below it does', () => {
  const actions = fc.array(
    path.map((parts) => parts.join(':')),
    { minLength: 1, maxLength: 4 },
  )
  fc.assert(
    fc.property(actions, segment, (all, deeper) => {
      const common = commonCommand(all)
      assert.ok(all.every((action) => covers(common, commandOf(action))))
      const below = `${common === '/' ? '' : common}/${deeper}`
      assert.ok(!all.every((action) => covers(below, commandOf(action))))
    }),
  )
  assert.equal(commonCommand(['tool:search', 'tool:read']), '/tool')
  assert.equal(commonCommand(['tool', 'tool:read']), '/tool')
  assert.equal(commonCommand(['tool:read', 'job:run']), '/')
  assert.equal(commonCommand([]), '/')
})

test('an action has no empty segment, star, space, control, quote or letter beyond ASCII', (t) => {
  const bad = ['', ':', 'a::b', 'a:', '/a', 'a*', 'a b', 'a\n', 'a"b', 'a\\b', 'å', 'a\u200bb']
  for (const text of [...bad, 'a'.repeat(ACTION_BYTES_MAX + 1)]) {
    assert.throws(() => parseAction(text), Malformed, text)
  }
  assert.equal(parseAction('mcp:read_file@2'), 'mcp:read_file@2')
  row(t, 85, '0 accepted beyond ASCII')
})

test('an action has one case: what differs by case alone is refused, not taken for another', (t) => {
  fc.assert(
    fc.property(path, fc.nat(), (segments, at) => {
      const action = segments.join(':')
      assert.equal(parseAction(action), action)
      const place = at % action.length
      const other = `${action.slice(0, place)}${action[place]?.toUpperCase()}${action.slice(place + 1)}`
      if (other !== action) assert.throws(() => parseAction(other), /lower case/, other)
    }),
  )
  row(t, 85, '0 confusable')
})

test('a command in a token is canonical', () => {
  for (const text of ['', 'tool', '/tool/', '//tool', '/Tool', '/a:b', '/a b']) {
    assert.throws(() => parseCommand(text), Malformed, text)
  }
  for (const text of ['/', '/tool', '/tool/read']) assert.equal(parseCommand(text), text)
})

test('a resource is split at the colon that ends its type', () => {
  assert.deepEqual(parseResource('exe:/bin/ls'), { type: 'exe', id: '/bin/ls' })
  assert.deepEqual(parseResource('App::Doc:a:b'), { type: 'App::Doc', id: 'a:b' })
  assert.deepEqual(parseResource('repo:acme/*'), { type: 'repo', id: 'acme/*' })
  assert.equal(formatEntity(parseResource('repo:acme/docs')), 'repo:acme/docs')
  for (const text of [
    'repo',
    ':x',
    'repo:',
    'a-b:x',
    'repo::x',
    'repo:a\\*',
    'repo:å',
    'r:a/../b',
  ]) {
    assert.throws(() => parseResource(text), Malformed, text)
  }
})

test('a requested id holds no star, and no way up', () => {
  const bad = [
    '',
    'a*',
    '..',
    'acme/../other',
    'a\u0000',
    'a\u202eb',
    'x'.repeat(RESOURCE_BYTES_MAX),
  ]
  for (const id of bad) assert.throws(() => parseEntity('repo', id, 'resource'), Malformed, id)
  assert.deepEqual(parseEntity('repo', 'main..fix', 'resource'), { type: 'repo', id: 'main..fix' })
})
