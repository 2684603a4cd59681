/**
 * What an HTTP gateway asks about: a method, a host and a target become an
 * action, a resource and arguments.
 *
 *     GET app.example /docs/a%20b?page=2   →   http:get, url:app.example/docs/a%20b, {"query":{"page":"2"}}
 *
 * The request that is decided must be the one that is carried out, and who
 * carries it out may decode, resolve and merge what stands in the path. So a
 * path is taken in one form only: the one that means the same to everybody.
 * `/%73ecret`, `/a/../b`, `//`, `%2f`, `;` and `\` are refused, rather than
 * understood in one of several ways.
 */
import { objectOf } from './ipld.ts'
import type { Json, JsonObject } from './json.ts'
import { HOST_BYTES_MAX, QUERY_PARAMETERS_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { type Request, type RequestHeaders, readRequest } from './request.ts'

export interface HttpRequest {
  readonly method: string
  readonly host: string
  /** Path and query, as they stand in the request line. */
  readonly target: string
}

/** @throws Malformed for REQUEST_MALFORMED */
export function readHttpRequest(asked: HttpRequest, headers?: RequestHeaders): Request {
  const { method, host, target } = asked
  // RFC 9110, 9.1: methods are case-sensitive, and actions are lower case.
  if (!/^[A-Z][A-Z0-9-]*$/.test(method)) throw new Malformed('a method is written in capitals')
  const at = target.indexOf('?')
  const [path, query] = at < 0 ? [target, null] : [target.slice(0, at), target.slice(at + 1)]
  const args = query === null ? [] : [['query', parseQuery(query)] as const]
  const action = objectOf([
    ['name', `http:${method.toLowerCase()}`],
    ['properties', objectOf(args)],
  ])
  const resource = objectOf([
    ['type', 'url'],
    ['id', `${parseHost(host)}${parsePath(path)}`],
  ])
  return readRequest(
    objectOf([
      ['action', action],
      ['resource', resource],
    ]),
    headers,
  )
}

/** In lower case, with its port if it has one: `app.example:8443`, `[2001:db8::1]`. @throws Malformed */
export function parseHost(text: string): string {
  // [row 85] Lower case folds more than ASCII: U+212A, the sign for kelvin, becomes a k.
  if (!/^[!-~]*$/.test(text)) throw new Malformed('the host is no name or address')
  const host = text.toLowerCase()
  const [, name = '', port = null] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d+))?$/.exec(host) ?? []
  if (name === '' || host.length > HOST_BYTES_MAX)
    throw new Malformed('the host is no name or address')
  // `app.example.` is app.example to some.
  const labels = name.startsWith('[') ? ['v6'] : name.split('.')
  if (labels.includes('')) throw new Malformed('the host has an empty label')
  if (port !== null && !isPort(port)) throw new Malformed('the port of the host is none')
  return host
}

function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535
}

/** The path, which is given back as it came. @throws Malformed when it is not in canonical form */
export function parsePath(text: string): string {
  const [before, ...segments] = text.split('/')
  if (before !== '' || segments.length === 0) throw new Malformed('the path begins with a slash')
  for (const [i, segment] of segments.entries()) {
    if (segment === '' && i < segments.length - 1)
      throw new Malformed('the path has an empty segment')
    checkSegment(segment)
  }
  return text
}

/** What hides from whoever looks at the text and not at what it decodes to, or the other way about. */
const HIDING = /[/\\;\p{Cc}\u2028\u2029]|%[0-9a-f]{2}/iu

function checkSegment(segment: string): void {
  const decoded = decode(segment, 'the path')
  if (decoded === '.' || decoded === '..') throw new Malformed('the path has a segment of dots')
  if (HIDING.test(decoded))
    throw new Malformed(
      'the path holds a slash, backslash, semicolon, control or escape in a segment',
    )
  // One text for what looks the same, and is the same file to some.
  if (decoded.normalize('NFC') !== decoded || encode(decoded) !== segment)
    throw new Malformed('the path is not in canonical form')
}

/** RFC 3986, 3.3: what a segment holds as it is, beyond what encodeURIComponent leaves alone. */
const PLAIN = /%(?:24|26|2B|2C|3A|3D|40)/g

function encode(segment: string): string {
  return encodeURIComponent(segment).replaceAll(PLAIN, decodeURIComponent)
}

/** Parameters by their names; one that comes several times is a list. @throws Malformed */
export function parseQuery(text: string): JsonObject {
  // Some take a semicolon for an ampersand.
  if (!/^[!-~]*$/.test(text) || /[#;]/.test(text))
    throw new Malformed('the query holds a semicolon, a hash or what is no printable ASCII')
  const pairs = text.split('&').filter((pair) => pair !== '')
  if (pairs.length > QUERY_PARAMETERS_MAX)
    throw new Malformed(`the query has more than ${QUERY_PARAMETERS_MAX} parameters`)
  const values = Map.groupBy(pairs.map(parsePair), ([name]) => name)
  return objectOf([...values].map(([name, all]) => [name, oneOrAll(all.map(([, value]) => value))]))
}

function parsePair(pair: string): readonly [name: string, value: string] {
  const at = pair.indexOf('=')
  const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
  const text = (part: string) => decode(part.replaceAll('+', ' '), 'the query')
  return [text(name), text(value)]
}

function oneOrAll(values: readonly string[]): Json {
  const [only] = values
  return only !== undefined && values.length === 1 ? only : values
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A bad escape, or bytes that are no UTF-8: untrusted, and refused as such.
    throw new Malformed(`${what} holds an escape that is none`)
  }
}
