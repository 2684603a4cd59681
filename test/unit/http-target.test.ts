/** From a request line to what is asked: one form of a path, and no second way to read it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseHost, parsePath, parseQuery, readHttpRequest } from '../../src/core/http-target.ts'
import { QUERY_PARAMETERS_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'

/** As it prints: the objects themselves have no prototype. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown

function accepted(path: string): boolean {
  try {
    return parsePath(path) === path
  } catch (error) {
    assert.ok(error instanceof Malformed)
    return false
  }
}

test('method, host, path and query become an action, a resource and arguments', () => {
  const target = '/docs/a%20b/?page=2&tag=x&tag=y+z&flag'
  const { action, resource, args } = readHttpRequest({ method: 'GET', host: 'App.Example', target })
  assert.equal(action, 'http:get')
  assert.deepEqual(resource, { type: 'url', id: 'app.example/docs/a%20b/' })
  assert.deepEqual(plain(args), { query: { page: '2', tag: ['x', 'y z'], flag: '' } })
  const bare = readHttpRequest({ method: 'M-SEARCH', host: '[::1]:8080', target: '/' })
  assert.deepEqual([bare.action, bare.resource.id], ['http:m-search', '[::1]:8080/'])
  assert.deepEqual(plain(bare.args), {})
})

const REFUSED = [
  ...[
    '',
    'a',
    '*',
    'http://app.example/a',
    '//a',
    '/a//b',
    '/a//',
    '/.',
    '/..',
    '/a/../b',
    '/a/./b',
  ],
  ...['/%2e%2e/a', '/%2E/a', '/a/.%2e/b', '/a/..;/b', '/a;x=1/b', '/a%3Bx', '/a%2fb', '/a%2Fb'],
  ...['/a\\b', '/a%5cb', '/a%5Cb', '/%73ecret.html', '/%7Euser', '/a%2Db', '/a%00b', '/a%0d%0Ab'],
  ...['/a%7f', '/a%C2%85b', '/a%', '/a%2', '/a%zz', '/a%c3%a9', '/a%C3', '/a%C0%AF', '/a%ED%A0%80'],
  ...['/a b', '/a\tb', '/a"b', '/a<b', '/a|b', '/a[b', '/a#b', '/é', '/a%21', '/a%2B', '/a%40'],
  ...['/a%252e%252e/b', '/a%252Fb', '/e%CC%81'],
]
const ACCEPTED = [
  ...['/', '/a', '/a/', '/a/b.html', '/.well-known/x', '/..a', '/a..', '/...', '/a%20b', '/%C3%A9'],
  ...["/!$&'()+,=:@~_-", '/a%25', '/a%25zz', '/a%22b', '/%F0%9F%98%80'],
]

test('a path in canonical form is taken, and any other spelling of it is not', () => {
  for (const path of ACCEPTED) assert.ok(accepted(path), path)
  for (const path of REFUSED) assert.ok(!accepted(path), path)
})

const pieces = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '/',
        '.',
        '..',
        '%2e',
        '%2E',
        '%2f',
        '%5C',
        ';',
        '\\',
        '%25',
        '%',
        '%73',
      ),
      fc.constantFrom('a', 'secret', '~', '+', '%20', '%C3%A9', 'e%CC%81', '%00', '%41', ':', '@'),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 10 },
  )
  .map((parts) => `/${parts.join('')}`)

test('no two paths that are taken decode to the same, and a URL changes none of them', () => {
  const texts = new Map<string, string>()
  let taken = 0
  fc.assert(
    fc.property(pieces, (path) => {
      if (!accepted(path)) return
      taken += 1
      const decoded = decodeURIComponent(path)
      assert.equal(texts.get(decoded) ?? path, path)
      texts.set(decoded, path)
      assert.equal(new URL(path, 'http://h').pathname, path)
      assert.ok(!decoded.split('/').some((part) => part === '.' || part === '..'))
      assert.equal(decoded.split('/').length, path.split('/').length)
    }),
    { numRuns: 3_000 },
  )
  assert.ok(taken > 50, `${taken} taken`)
})

test('a host is a name or an address, in lower case and with its port; all else is none', () => {
  for (const [text, host] of [
    ['APP.example', 'app.example'],
    ['app.example:8443', 'app.example:8443'],
    ['10.0.0.1', '10.0.0.1'],
    ['[2001:DB8::1]:80', '[2001:db8::1]:80'],
    ['a_b-c', 'a_b-c'],
  ] as const)
    assert.equal(parseHost(text), host)
  for (const text of [
    ...['', 'app.example.', '.app', 'a..b', 'user@app.example', 'app.example/x', 'a b', 'a,b'],
    ...['app.example:', 'app.example:0', 'app.example:65536', 'app.example:080', 'a:1:2', '[::1'],
    ...['é.example', 'a%2e', 'a?b', 'a#b', 'a\\b', 'a'.repeat(300), 'app\n'],
  ])
    assert.throws(() => parseHost(text), Malformed, text)
})

test('a query is read as everybody reads it, or refused', () => {
  assert.deepEqual(plain(parseQuery('')), {})
  assert.deepEqual(plain(parseQuery('a=1&&b&=x&c=%26%3D')), { a: '1', b: '', '': 'x', c: '&=' })
  assert.deepEqual(plain(parseQuery('a=1&%61=2')), { a: ['1', '2'] })
  assert.equal(JSON.stringify(parseQuery('__proto__=1')), '{"__proto__":"1"}')
  for (const text of ['a=1;b=2', 'a#b', 'a=%', 'a=%zz', 'a=%C3', 'a b', 'é'])
    assert.throws(() => parseQuery(text), Malformed, text)
  const many = (count: number) => Array.from({ length: count }, (_, i) => `p${i}=1`).join('&')
  assert.equal(Object.keys(parseQuery(many(QUERY_PARAMETERS_MAX))).length, QUERY_PARAMETERS_MAX)
  assert.throws(() => parseQuery(many(QUERY_PARAMETERS_MAX + 1)), Malformed)
})

test('what cannot be asked is malformed: a method that is none, a star, what Cedar would misread', () => {
  const ask = { method: 'GET', host: 'h', target: '/' }
  for (const over of [
    { method: 'get' },
    { method: '' },
    { method: 'GET /x' },
    { target: '/a*' },
    { target: `/${'a'.repeat(2000)}` },
    { target: '/?__entity=1' },
  ])
    assert.throws(() => readHttpRequest({ ...ask, ...over }), Malformed, JSON.stringify(over))
})
