/**
 * Unicode in whatever names something (row 85): a name that looks like another
 * one, has an invisible or a turning character in it, or is the same only once
 * it is composed, is no name here.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAction, parseCommand, parseEntity, parseResource } from '../../src/core/command.ts'
import { parseHost, parsePath, parseQuery } from '../../src/core/http-target.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { cid, did, hash, id, name, type Reader } from '../../src/core/shape.ts'
import { row } from '../lab/row.ts'

const reading = (reader: Reader<unknown>) => (text: string) => reader(text, 'a name')
const NAMES: Readonly<
  Record<string, { readonly parse: (text: string) => unknown; readonly good: string }>
> = {
  action: { parse: parseAction, good: 'tool:read' },
  command: { parse: parseCommand, good: '/tool/read' },
  resource: { parse: parseResource, good: 'repo:acme/docs' },
  'type of a resource': { parse: (text) => parseEntity(text, 'acme', 'resource'), good: 'repo' },
  'id of a resource': { parse: (text) => parseEntity('repo', text, 'resource'), good: 'acme/docs' },
  'label of a node, key or bundle': { parse: reading(name), good: 'atlas-1.a' },
  host: { parse: parseHost, good: 'app.example:8080' },
  path: { parse: parsePath, good: '/docs/a%20b' },
  query: { parse: parseQuery, good: 'ref=main' },
  did: { parse: reading(did), good: 'did:key:z6MkmFR2FawwGaF8o3T4yANWFrjgkyYcsaridxTziXYB1yWA' },
  id: { parse: reading(id), good: `sha256:${'0a'.repeat(32)}` },
  hash: { parse: reading(hash), good: '0a'.repeat(32) },
  cid: { parse: reading(cid), good: 'bafyreiaeohk2nqzmikz4sqbv3nisld4wbflgqgfzjhsebk3itu757jzg2u' },
}

const ASCII_MAX = 0x7f
/** Of all of Unicode: invisible, turning, composing or blank characters, and whatever becomes ASCII once it is folded or composed. */
const ODD = Array.from({ length: 0x110000 }, (_, point) => point)
  .filter((point) => point < 0xd800 || point > 0xdfff)
  .map((point) => String.fromCodePoint(point))
  .filter((char) => char.charCodeAt(0) > ASCII_MAX && isOdd(char))

function isOdd(char: string): boolean {
  if (/[\p{Cc}\p{Cf}\p{M}\p{Z}]/u.test(char)) return true
  const folded = [char.normalize('NFKC'), char.normalize('NFKD'), char.toLowerCase()]
  return [...folded, char.toUpperCase()].some((text) => /[!-~]/.test(text))
}

/** What is accepted of these, as the sweep names it. */
function acceptedOf(parse: (text: string) => unknown, texts: Iterable<string>): string[] {
  return [...texts].filter((text) => {
    try {
      parse(text)
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      // What a refusal says goes to a terminal.
      assert.match(error.message, /^[ -~…]+$/)
      return false
    }
    return true
  })
}

function* withEach(chars: readonly string[], good: string): Iterable<string> {
  const middle = good.length >> 1
  for (const char of chars) {
    yield `${good.slice(0, middle)}${char}${good.slice(middle)}`
    yield `${good.slice(0, middle)}${char}${good.slice(middle + 1)}`
  }
}

for (const [what, { parse, good }] of Object.entries(NAMES)) {
  test(`no character that is invisible, turns the text or looks like ASCII gets into the ${what}`, (t) => {
    parse(good)
    const accepted = acceptedOf(parse, withEach(ODD, good))
    assert.deepEqual(accepted, [])
    row(t, 85, `${what}: 0 accepted of ${2 * ODD.length}`)
  })

  test(`no control character, NUL among them, gets into the ${what}, at its ends either`, () => {
    const controls = [...Array(0x20).keys(), ASCII_MAX].map((code) => String.fromCharCode(code))
    const texts = controls.flatMap((char) => [`${char}${good}`, `${good}${char}`])
    assert.deepEqual(acceptedOf(parse, [...texts, ...withEach(controls, good)]), [])
  })
}

test('the two spellings of a name that Unicode composes are two names, and neither is one', () => {
  for (const text of ['tool:cafe\u0301', 'tool:caf\u00e9', 'tool:ﬁle', 'tool:\u212aey'])
    assert.deepEqual(acceptedOf(parseAction, [text, text.normalize('NFC')]), [])
  assert.equal(ODD.includes('\u202e') && ODD.includes('\u200b') && ODD.includes('\u2066'), true)
})
