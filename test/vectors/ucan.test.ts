/** The official fixtures of UCAN 1.0, under the plain rules; and that the strict profile refuses their valid chains. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromBase64 } from '../../src/core/bytes.ts'
import { parseDelegation } from '../../src/core/delegation.ts'
import { holds } from '../../src/core/holds.ts'
import { cidOf } from '../../src/core/id.ts'
import { parseInvocation } from '../../src/core/invocation.ts'
import type { Json } from '../../src/core/json.ts'
import { parseDid } from '../../src/core/keys.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { parsePolicy } from '../../src/core/predicate.ts'
import { parseToken, verifyToken } from '../../src/core/ucan.ts'
import { verifyPlainly } from './plain.ts'

const folder = new URL('../../../shared/vectors/ucan/', import.meta.url)
const skip = existsSync(folder) ? false : 'no official vectors beside the repository'
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))

interface Bytes {
  readonly '/': { readonly bytes: string }
}
interface Case {
  readonly name: string
  readonly invocation: Bytes
  readonly proofs: readonly Bytes[]
  readonly time: number
  readonly error?: { readonly name: string }
}

// Fixtures are unpadded; our reader is strict about padding.
const bytesOf = ({ '/': { bytes } }: Bytes) => {
  return fromBase64(bytes.padEnd(Math.ceil(bytes.length / 4) * 4, '='))
}

test('official invocations give their named result under the plain rules', { skip }, () => {
  const { valid, invalid } = read('fixtures/1.0.0/invocation.json')
  const cases: readonly Case[] = [...valid, ...invalid]
  assert.equal(cases.length, 20)
  for (const { name, invocation, proofs, time, error } of cases) {
    const result = verifyPlainly(bytesOf(invocation), proofs.map(bytesOf), time)
    assert.equal(result, error?.name ?? 'ok', name)
  }
})

test('the strict profile refuses every valid official chain', { skip }, () => {
  const { valid } = read('fixtures/1.0.0/invocation.json')
  assert.equal(valid.length, 7)
  for (const { name, invocation } of valid as readonly Case[]) {
    assert.throws(() => parseInvocation(bytesOf(invocation)), Malformed, name)
  }
})

test('the official delegation has its cid and its signature', { skip }, () => {
  const { valid } = read('fixtures/1.0.0/delegation.json')
  assert.equal(valid.length, 1)
  const bytes = fromBase64(valid[0].token)
  assert.equal(cidOf(bytes), valid[0].cid)
  const token = parseToken(bytes, 'dlg')
  assert.ok(verifyToken(token, parseDid(valid[0].envelope.payload.iss)))
  assert.equal(parseDelegation(bytes).cid, valid[0].cid, 'it happens to fit the profile')
})

test('the official predicate sets hold, or not, as they say', { skip }, () => {
  let count = 0
  for (const [kind, cases] of Object.entries(read('policy-repaired.json'))) {
    for (const { args, policies } of cases as readonly { args: Json; policies: Json[] }[]) {
      for (const policy of policies) {
        const held = parsePolicy(policy, 'plain').every((p) => holds(p, args, 'plain'))
        assert.equal(held, kind === 'valid', JSON.stringify(policy))
        count++
      }
    }
  }
  assert.equal(count, 25)
})
