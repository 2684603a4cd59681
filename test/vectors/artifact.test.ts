/** The frozen vectors of the strict profile, and that scripts/vectors.ts makes exactly these. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatVectors, VECTORS } from '../../scripts/vectors.ts'
import { type Artifact, formatArtifact, parseArtifact } from '../../src/core/artifact.ts'
import { checkContinuity, checkForm, checkSignatures, checkTimes } from '../../src/core/chain.ts'
import {
  checkEnvironment,
  checkGovernance,
  checkRuntime,
  checkScope,
} from '../../src/core/demands.ts'
import { viewOf } from '../../src/core/facts.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { isReasonCode } from '../../src/core/reasons.ts'

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const file = JSON.parse(read('artifact.json'))
const { node, facts, skewMs, artifactTtlMs } = file
const vectors: readonly {
  comment: string
  expect: string
  artifact: string
  later?: number
}[] = file.vectors

/** The first reason code, in the order of the checks. */
function judge(line: string, laterS: number): string {
  let artifact: Artifact
  try {
    artifact = parseArtifact(line)
  } catch (error) {
    // Only what the parser means to throw is a result here.
    assert.ok(error instanceof Malformed, String(error))
    return 'AUTHORIZATION_MALFORMED'
  }
  const { links, invocation } = artifact
  assert.ok(invocation !== null)
  const nowMs = Date.parse(file.now) + laterS * 1000
  const view = viewOf(invocation.asked, invocation.iss, facts)
  const denial =
    checkForm(links) ??
    checkSignatures(links, invocation, (key) => file.issuers.includes(key)) ??
    checkTimes(links, invocation, nowMs, { skewMs, artifactTtlMs }) ??
    checkRuntime(links, invocation, node, view) ??
    checkEnvironment(links, view) ??
    checkContinuity(links, invocation) ??
    checkGovernance(links, view) ??
    checkScope(links, invocation.asked, view)
  return denial?.code ?? 'OK'
}

for (const { comment, expect, artifact, later } of vectors) {
  test(`${expect}: ${comment}`, () => {
    assert.equal(judge(artifact, later ?? 0), expect)
  })
}

test('the vectors cover every reason that an artifact alone can give', () => {
  const codes = new Set(vectors.map(({ expect }) => expect))
  assert.ok(vectors.length > 150, `${vectors.length} vectors`)
  assert.equal(new Set(vectors.map(({ comment }) => comment)).size, vectors.length)
  for (const code of codes) assert.ok(code === 'OK' || isReasonCode(code), code)
  assert.deepEqual([...codes].sort(), [
    'AUTHORIZATION_MALFORMED',
    'ENVIRONMENT_FAILED',
    'EXPIRED',
    'GOVERNANCE_MISMATCH',
    'ISSUER_UNTRUSTED',
    'LINEAGE_BROKEN',
    'NOT_YET_VALID',
    'OK',
    'RUNTIME_MISMATCH',
    'SCOPE_EXCEEDED',
    'SIGNATURE_INVALID',
  ])
})

test('a line that parses is printed the same, with its tokens root first', () => {
  for (const { expect, artifact, comment } of vectors) {
    if (expect !== 'OK') continue
    const printed = formatArtifact(parseArtifact(artifact))
    if (!comment.includes('order of tokens')) assert.equal(printed, artifact, comment)
    assert.deepEqual(parseArtifact(printed), parseArtifact(artifact), comment)
  }
})

test('scripts/vectors.ts makes the frozen files, byte for byte', () => {
  for (const [name, make] of VECTORS) assert.equal(formatVectors(make), read(name), name)
})
