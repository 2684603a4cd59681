/**
 * What the time of an answer tells of a token: nothing. Two kinds of it are shown in any order, and
 * Welch's t is taken of their times: beyond 4.5 they are told apart (dudect, Reparaz et al., 2017).
 */
import assert from 'node:assert/strict'
import { createHash, randomInt } from 'node:crypto'
import { test } from 'node:test'
import { type RemoteCaller, RemoteCallers } from '../../src/daemon/remote-callers.ts'
import { BOB } from '../unit/judgements.ts'
import { row } from './row.ts'

const T_MAX = 4.5
/** A machine that is busy can tell two halves apart by chance; what leaks is seen each time. */
const TRIES = 8
const SAMPLES = 4_000
/** Calls in one sample: a clock tells no less than some tens of nanoseconds. */
const CALLS = 8
/** Above this share of all samples somebody else had the processor. */
const KEPT = 0.8

const token = (n: number) => createHash('sha256').update(`token ${n}`).digest('base64url')
const callers = Array.from({ length: 64 }, (_, n): RemoteCaller => {
  const digest = `sha256:${createHash('sha256').update(token(n)).digest('hex')}`
  return { kind: 'token', digest, principal: `caller-${n}`, asserts: [] }
})
const remotes = new RemoteCallers({
  names: { rules: [], keys: [], nameFor: () => null, principalOf: () => BOB },
  listed: () => callers,
  listen: '127.0.0.1:8443',
})
const shown = (text: string) => remotes.byToken(`Bearer ${text}`)

type Kinds = readonly [readonly string[], readonly string[]]

const FIRST = token(0)
/** As long as the right one: without a letter of it, and with all of them but the last. */
const wrong = (right: number) =>
  Array.from({ length: 64 }, (_, n) => {
    const other = token(1_000 + n)
    return FIRST.slice(0, right) + other.slice(right, -1) + (FIRST.endsWith('A') ? 'B' : 'A')
  })
const NEARLY: Kinds = [wrong(0), wrong(FIRST.length - 1)]
const WHICH: Kinds = [[FIRST], [token(callers.length - 1)]]

/** Welch's t of the times that both take. */
function apart(kinds: Kinds, ask: (text: string) => unknown): number {
  const times: [number[], number[]] = [[], []]
  for (let i = 0; i < 2 * SAMPLES; i += 1) {
    const kind = randomInt(2) as 0 | 1
    const texts = kinds[kind]
    const text = texts[randomInt(texts.length)] as string
    const began = process.hrtime.bigint()
    for (let call = 0; call < CALLS; call += 1) ask(text)
    times[kind].push(Number(process.hrtime.bigint() - began))
  }
  const most = times.flat().sort((a, b) => a - b)[Math.floor(KEPT * 2 * SAMPLES)] as number
  const [a, b] = times.map((all) => spread(all.filter((each) => each <= most)))
  assert.ok(a !== undefined && b !== undefined)
  return Math.abs(a.mean - b.mean) / Math.sqrt(a.error + b.error)
}

function spread(samples: readonly number[]): { mean: number; error: number } {
  const mean = samples.reduce((sum, each) => sum + each, 0) / samples.length
  const squares = samples.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  return { mean, error: squares / (samples.length - 1) / samples.length }
}

/** The least of some, so far as it takes to be below. */
function least(kinds: Kinds, ask: (text: string) => unknown): number {
  let t = Number.POSITIVE_INFINITY
  for (let i = 0; i < TRIES && t >= T_MAX; i += 1) t = Math.min(t, apart(kinds, ask))
  return t
}

test('the time of an answer does not tell how much of a token is right, nor whose it is', (t) => {
  assert.equal(shown(FIRST)?.name, 'caller-0')
  assert.equal(shown(token(callers.length - 1))?.name, `caller-${callers.length - 1}`)
  for (const text of NEARLY.flat()) assert.equal(shown(text), null)
  const [nearly, which] = [least(NEARLY, shown), least(WHICH, shown)]
  assert.ok(nearly < T_MAX, `how much is right: |t| = ${nearly}`)
  assert.ok(which < T_MAX, `whose it is: |t| = ${which}`)
  row(
    t,
    99,
    `|t| = ${nearly.toFixed(1)} for how much is right, ${which.toFixed(1)} for whose it is`,
  )
})

test('a comparison that ends at the first difference is told apart', () => {
  const leaks = (text: string) => [...FIRST].every((letter, at) => text[at] === letter)
  const t = least(NEARLY, leaks)
  assert.ok(t > T_MAX, `|t| = ${t}`)
})
