/** Links that are no chain from one issuer to one holder: too many, wide, in a circle, from a key to itself, twice the same (row 87). */
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import fc from 'fast-check'
import { close, line, link, person } from '../../scripts/vectors/tokens.ts'
import { formatArtifact, parseArtifact } from '../../src/core/artifact.ts'
import { checkNarrowing } from '../../src/core/chain.ts'
import { ARTIFACT_BYTES_MAX, LINKS_MAX } from '../../src/core/limits.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { row } from '../lab/row.ts'

const PEOPLE = 10
/** From anybody to anybody, the last one too. */
const from = (iss: number, aud: number, more = {}) =>
  link(0, { iss: person(iss).did, aud: person(aud).did, ...more }, person(iss))
const chainOf = (length: number) => Array.from({ length }, (_, i) => link(i))

/** The links as the reader puts them in order, as pairs of people; null where they are malformed. */
function readAs(tokens: readonly Uint8Array[]): readonly string[] | null {
  try {
    return parseArtifact(line(tokens)).links.map(({ iss, aud }) => `${iss} ${aud}`)
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

/** By the definition: from the one giver who got nothing, each once, by who got the last, and by nobody twice. */
function isChain(pairs: readonly (readonly [number, number])[]): boolean {
  const holders = pairs.map(([, aud]) => aud)
  const starts = pairs.filter(([iss]) => !holders.includes(iss))
  if (pairs.length > LINKS_MAX || starts.length !== 1) return false
  let [last] = starts
  let rest = pairs.filter((pair) => pair !== last)
  while (rest.length > 0) {
    const next: typeof rest = rest.filter(([iss]) => iss === last?.[1])
    if (next.length !== 1) return false
    ;[last] = next
    rest = rest.filter((pair) => pair !== last)
  }
  return new Set(pairs.map(([iss]) => iss)).size === pairs.length
}

test('what is read as a chain is one, whatever else was delegated by whom to whom', (t) => {
  const place = fc.nat(PEOPLE - 1)
  const seen = { chains: 0, others: 0 }
  const check = (pairs: readonly (readonly [number, number])[]) => {
    const read = readAs(pairs.map(([iss, aud]) => from(iss, aud)))
    assert.equal(read !== null, isChain(pairs), JSON.stringify(pairs))
    seen[read === null ? 'others' : 'chains'] += 1
  }
  fc.assert(fc.property(fc.array(fc.tuple(place, place), { maxLength: LINKS_MAX + 1 }), check), {
    numRuns: 150,
  })
  // A path through some of them in any order, with one link bent to anybody.
  const some = fc.shuffledSubarray([...Array(PEOPLE).keys()], { minLength: 2 })
  fc.assert(
    fc.property(some, fc.nat(), fc.option(place), (path, at, bent) => {
      const pairs = path.slice(1).map((aud, i) => [path[i] as number, aud] as [number, number])
      const one = pairs[at % pairs.length] as [number, number]
      if (bent !== null) one[1] = bent
      check(pairs.toReversed())
    }),
    { numRuns: 100 },
  )
  assert.ok(seen.chains > 20 && seen.others > 20, JSON.stringify(seen))
  row(t, 87, `${seen.others} shapes refused, ${seen.chains} chains read, as the definition says`)
})

test('a circle, a repeated link, a second branch and two chains are no chain, nor is a longer one', () => {
  const two = chainOf(2)
  const malformed: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ['a circle of two', [from(0, 1), from(1, 0)]],
    ['a circle of eight', Array.from({ length: 8 }, (_, i) => from(i, (i + 1) % 8))],
    ['a circle beside a chain', [...two, from(5, 6), from(6, 5)]],
    ['to oneself', [from(0, 0)]],
    ['to oneself at the beginning', [from(0, 0), ...two]],
    ['the same link twice', [...two, two[1] as Uint8Array]],
    ['the same pair twice', [...two, from(1, 2, { cmd: '/tool/read' })]],
    ['two holders of one', [...two, from(1, 5)]],
    ['two givers of one', [...two, from(5, 2)]],
    ['two chains', [...two, from(5, 6)]],
    [
      'a chain that ends in a link to oneself, and another such',
      [from(3, 3), from(9, 9), from(0, 9)],
    ],
    ['a hole', [link(0), link(2)]],
    ['one more than there may be', chainOf(LINKS_MAX + 1)],
  ]
  for (const [what, tokens] of malformed) assert.equal(readAs(tokens), null, what)
  assert.equal(readAs(chainOf(LINKS_MAX))?.length, LINKS_MAX)
})

test('a last link that leads back, to oneself or to who gave before, gives no more than was there', () => {
  for (const back of [2, 1]) {
    const [wider, same] = ['/', '/tool'].map((cmd) =>
      parseArtifact(line([...chainOf(2), from(2, back, { cmd })])),
    )
    assert.equal(checkNarrowing(same?.links ?? []), null)
    assert.equal(checkNarrowing(wider?.links ?? [])?.code, 'SCOPE_EXCEEDED')
  }
})

test('ten thousand links are refused before one is read, wide or deep', (t) => {
  const whole = chainOf(LINKS_MAX)
  const tiny = Array.from({ length: 10_000 }, () => new Uint8Array(1))
  const lines = {
    deep: line(Array.from({ length: 10_000 }, (_, i) => whole[i % LINKS_MAX])),
    'tiny tokens': line(tiny),
    'two invocations': line([...whole, close(whole), close(whole, { exp: null })]),
  }
  // The last two are within the bound on bytes: it is the count that refuses them.
  assert.ok(lines.deep.length > ARTIFACT_BYTES_MAX)
  assert.ok(lines['tiny tokens'].length < ARTIFACT_BYTES_MAX)
  const took = Object.entries(lines).map(([what, text]) => {
    assert.throws(() => parseArtifact(text), Malformed, what)
    const before = performance.now()
    for (let i = 0; i < 20; i += 1) assert.throws(() => parseArtifact(text))
    return `${what} ${Math.round(((performance.now() - before) / 20) * 1000)} µs`
  })
  row(t, 87, `0 accepted; ${took.join(', ')}`)
})

test('what is read as a chain is printed as the same links, root first', () => {
  const read = parseArtifact(line([link(2), link(0), link(1)]))
  assert.deepEqual(parseArtifact(formatArtifact(read)), read)
  assert.deepEqual(
    read.links.map(({ iss }) => iss),
    [0, 1, 2].map((i) => person(i).did),
  )
})
