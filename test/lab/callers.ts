/** Programs that ask a daemon without a pause, and remember what they were told: the journal that its log is held against. */
import assert from 'node:assert/strict'
import http from 'node:http'
import { join } from 'node:path'
import type { Host } from '../../src/cli/stage.ts'
import type { DecisionView } from '../../src/client/types.ts'
import { idOf, type RecordId } from '../../src/core/id.ts'
import { LevelStore } from '../../src/storage/level.ts'
import { socketOf } from '../e2e/raw.ts'

export const BODY = '{"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}'

/** null: no answer, which may or may not have been decided. */
export function decide(host: Host, agent: http.Agent): Promise<DecisionView | null> {
  return new Promise((done) => {
    const call = http.request(
      {
        ...{ agent, socketPath: socketOf(host, 'meshd'), method: 'POST', path: '/v1/executions' },
        headers: { 'content-type': 'application/json', 'content-length': BODY.length },
      },
      (response) => {
        let text = ''
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('error', () => done(null))
        response.on('close', () => {
          done(response.complete ? (JSON.parse(text) as DecisionView) : null)
        })
      },
    )
    call.on('error', () => done(null))
    call.end(BODY)
  })
}

export interface Journal {
  /** The records of what was allowed. */
  readonly allowed: string[]
  /** Of what was not, by its code. */
  readonly denied: Map<string, number>
  /** Calls without an answer. */
  unanswered: number
}

/** Asks on so many connections while the other thing is done, and a moment longer. */
export async function callsDuring(
  host: Host,
  callers: number,
  run: () => Promise<unknown>,
): Promise<Journal> {
  const journal: Journal = { allowed: [], denied: new Map(), unanswered: 0 }
  const agent = new http.Agent({ keepAlive: true, maxSockets: callers })
  let over = false
  const caller = async () => {
    while (!over) {
      const decision = await decide(host, agent)
      if (decision === null) {
        journal.unanswered += 1
        // Where nobody listens the loop would be busy.
        await new Promise((done) => setTimeout(done, 5))
      } else if (!decision.decision) {
        const code = decision.code ?? ''
        journal.denied.set(code, (journal.denied.get(code) ?? 0) + 1)
      } else if (decision.id !== null) journal.allowed.push(decision.id)
    }
  }
  const calling = Array.from({ length: callers }, caller)
  try {
    await run()
  } finally {
    over = true
    await Promise.all(calling)
    agent.destroy()
  }
  return journal
}

const READ_AT_ONCE = 500

/** The ids of all records in the log of a daemon that is down. */
export async function logged(host: Host): Promise<ReadonlySet<RecordId>> {
  const store = await LevelStore.open(join(host.dir, 'data'), { bytes: 1 << 20, marginBytes: 0 })
  try {
    const ids = new Set<RecordId>()
    for (let first = 0; first < store.tree.size; first += READ_AT_ONCE) {
      const count = Math.min(READ_AT_ONCE, store.tree.size - first)
      for (const bytes of await store.records(first, count)) ids.add(idOf(bytes))
    }
    assert.equal(ids.size, store.tree.size)
    return ids
  } finally {
    await store.close()
  }
}

/** What was allowed, and has no record. */
export function lostOf(allowed: readonly string[], ids: ReadonlySet<string>): string[] {
  return allowed.filter((id) => !ids.has(id))
}
