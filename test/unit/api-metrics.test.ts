/** What is counted: each answer once, under labels that nobody outside can add to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics, type MetricsSnapshot, metricsRoutes } from '../../src/api/metrics.ts'
import type { REASONS } from '../../src/core/reasons.ts'
import type { Decided } from '../../src/daemon/decider.ts'
import { BOB_UID, caller, world } from './deciding.ts'

const NOW: MetricsSnapshot = {
  ready: true,
  leaseRemainingMs: 42_000,
  leaseWitnesses: 2,
  statements: [{ type: 'revocation', state: 'effective', count: 13 }],
  policies: [{ bundle: 'agents', version: 7 }],
  evidence: 1,
  peers: { member: 3 },
  executions: { running: 1, stopped: 0 },
  logSize: 9,
  logPublishedSize: 8,
  logWitnessedSize: 7,
  logMirroredSize: 6,
  copies: { logs: 2, bytes: 81_920 },
  logQueue: 0,
  diskReserveBytes: 1024,
  clockOffsetMs: -3,
  version: '0.1.0',
}

async function decided(code: keyof typeof REASONS | null): Promise<Decided> {
  const of = await world()
  return {
    judgement: null,
    denial: code === null ? null : { code, detail: '' },
    record: code === 'INTERNAL' ? null : { id: `sha256:${'0'.repeat(64)}`, index: 0 },
    leaseUntilMs: null,
    hypothetical: false,
    caller: caller(of, BOB_UID),
    ...{ wallMs: 0, monotonicMs: 0, durationMs: 0.4 },
  }
}

const lines = (page: string) => page.split('\n')

test('each answer is counted once, by outcome and code', async () => {
  const metrics = new Metrics(() => NOW)
  for (const code of [null, 'REVOKED', 'REVOKED', 'INTERNAL'] as const)
    metrics.decided(await decided(code), code === 'INTERNAL' ? 'nginx' : null)
  const page = lines(await metrics.text())
  for (const line of [
    'meshd_decisions_total{outcome="allow",code="none",gateway="none"} 1',
    'meshd_decisions_total{outcome="deny",code="REVOKED",gateway="none"} 2',
    'meshd_decisions_total{outcome="deny",code="INTERNAL",gateway="nginx"} 1',
    'meshd_decision_duration_seconds_count{outcome="deny"} 3',
    'meshd_decisions_unrecorded_total 1',
  ])
    assert.ok(page.includes(line), line)
})

test('how things stand is asked for at each scrape, and what went away is gone', async () => {
  let now = NOW
  const metrics = new Metrics(() => now)
  const first = lines(await metrics.text())
  for (const line of [
    'meshd_ready 1',
    'meshd_lease_remaining_seconds 42',
    'meshd_governance_statements{type="revocation",state="effective"} 13',
    'meshd_policy_info{bundle="agents",version="7"} 1',
    'meshd_evidence_total 1',
    'meshd_clock_offset_seconds -0.003',
  ])
    assert.ok(first.includes(line), line)
  now = { ...NOW, ready: false, policies: [{ bundle: 'agents', version: 8 }], clockOffsetMs: null }
  const second = await metrics.text()
  assert.match(second, /^meshd_ready 0$/m)
  assert.match(second, /version="8"/)
  assert.doesNotMatch(second, /version="7"/)
  assert.match(second, /^meshd_clock_offset_seconds nan$/im)
})

test('the page is served to whoever may read, and to two registries at once', async () => {
  const [route] = metricsRoutes(new Metrics(() => NOW))
  new Metrics(() => NOW)
  assert.deepEqual(route?.roles, ['read', 'admin'])
})
