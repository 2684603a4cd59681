/** Bounds that pages say in their own words are those of the code. Tables of bounds are made from it (docs.test.ts). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as limits from '../../src/core/limits.ts'

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']
const word = (n: number) => (n === 15 ? 'fifteen' : (WORDS[n] ?? assert.fail(`${n} in words`)))
const count = (n: number) => n.toLocaleString('en-US')
const seconds = (ms: number) => `${ms / 1_000}`
const inWords = (ms: number) => `${word(ms / 1_000)} seconds`
const minutes = (ms: number) => `${word(ms / 60_000)} minutes`
const kib = (bytes: number) => `${bytes / 1_024} KiB`
const mib = (bytes: number) => `${bytes / 1_024 ** 2} MiB`
const l = limits

const SAID: Readonly<Record<string, readonly string[]>> = {
  'docs/api.md': [
    `${mib(l.SUBMIT_BYTES_MAX)} for a body, ${kib(l.REQUEST_BYTES_MAX)} for one that is to be decided`,
    `${seconds(l.HTTP_HEADERS_TIMEOUT_MS)} s for headers and ${seconds(l.HTTP_REQUEST_TIMEOUT_MS)} s for a request`,
    `${l.HTTP_CONNECTIONS_MAX} connections to each socket, ${count(l.DECISIONS_MAX)} decisions at once`,
    `${seconds(l.DECISION_DEADLINE_MS)} s for each (\`DEADLINE\`)`,
    `an artifact (${kib(l.ARTIFACT_HEADER_BYTES_MAX)} at most)`,
    `for up to ${inWords(l.PARENT_MS_MAX)}`,
    `after \`ms\`, at most ${inWords(l.EXECUTION_POLL_MS)}`,
    `nobody watches for ${seconds(l.EXECUTION_SILENCE_MS)} seconds`,
    `Every ${seconds(l.EVENT_COMMENT_MS)} seconds there is a comment`,
    `${l.EVENTS_WAITING_MAX} events that are no records`,
    `takes nothing for ${seconds(l.EVENT_STALL_MS)} seconds`,
    `${l.EVENT_STREAMS_MAX} streams at most, ${l.EVENT_STREAMS_PER_CALLER_MAX} of one caller`,
    `at most ${l.EVALUATIONS_MAX} items`,
    `more than ${l.CLAIMS_NESTING_MAX} levels`,
    `judges ${l.SEARCH_CANDIDATES_MAX} candidates, in ${inWords(l.SEARCH_MS_MAX)} at most`,
    `${word(l.SEARCHES_MAX)[0]?.toUpperCase()}${word(l.SEARCHES_MAX).slice(1)} searches run at once`,
  ],
  'docs/design.md': [
    `the last ${word(l.COSIGNING_MAX)} checkpoints of a log`,
    `every ${l.MIRROR_PAUSE_MS} ms, ${word(l.MIRRORING_MAX)} logs at once`,
    `waited for ${minutes(l.MIRROR_AWAY_MS)}`,
    `listens for ${inWords(2 * l.REFETCH_QUIET_MS)}`,
    `the newest ${count(l.PACK_NEWEST)} they lie in packs of ${l.PACK_RECORDS}`,
    `a chunk of ${count(l.INDEX_RECORDS)} records`,
    `missing for ${inWords(l.GOSSIP_MISSING_LOOKS * l.SUPERVISION_MS)}`,
    `${l.PENDING_PEERS_MAX} of them may wait`,
    `ends ${l.FAREWELL_MS} ms later`,
    `in the last ${inWords(l.CALLER_EXE_SETTLED_MS)}`,
    `larger than ${mib(l.MEASURED_BYTES_MAX)}`,
    `of more than ${kib(l.RECORD_VALUE_BYTES_MAX)} their digest alone`,
    `confirms it ${l.HEAD_CONFIRM_MS} ms after the last`,
  ],
  'docs/protocol.md': [
    `one to ${l.GOSSIP_STATEMENTS_MAX} envelopes`,
    `with one to ${l.SIGNATURES_MAX} signatures`,
    `to ${word(l.PUSH_BESIDE_GOSSIP_PEERS)} neighbours on \`/meshd/sync/1\`, ${l.PUSH_BESIDE_GOSSIP_MS} ms later`,
    `from there to ${word(l.PUSH_PEERS_MAX)} each`,
    `for every ${kib(l.GOSSIP_UNIT_BYTES)}`,
    `repeats the hello every ${inWords(l.PENDING_HELLO_INTERVAL_MS)}`,
    `not asked for\n${inWords(l.SYNC_PENALTY_MS)}`,
    `about every ${inWords(l.SYNC_INTERVAL_MS)} with the next\nneighbour in turn`,
    `at most ${l.READ_RECORDS} of ${kib(l.PUSH_BYTES_MAX)}`,
    `sorted, ${l.RECORD_ARRIVING_MAX} at most`,
  ],
  'docs/guides/agent-hooks.md': [
    `gives up after ${seconds(l.HOOK_MS_MAX)} s by itself`,
    `too large (${kib(l.REQUEST_BYTES_MAX)})`,
  ],
  'docs/guides/authzen.md': [
    `One address gets ${l.TLS_HANDSHAKES_PER_S / 2} handshakes in a second`,
  ],
  'docs/guides/guarding-a-command.md': [
    `or ${inWords(l.CHILD_GRACE_MS)} later`,
    `more than ${kib(l.EXEC_ARGV_BYTES_MAX)}`,
    `within ${seconds(l.WITNESSED_DEADLINE_MS)} s is denied`,
    `A request waits ${minutes(l.WALLET_REQUEST_MS_MAX)}`,
  ],
  'docs/guides/kubernetes.md': [`an object of more than ${kib(l.REQUEST_BYTES_MAX)}`],
  'docs/guides/lineage.md': [
    `waits up to ${inWords(l.PARENT_MS_MAX)}`,
    `more than ${l.LINEAGE_DEPTH_MAX} executions deep`,
  ],
  'docs/guides/mcp.md': [
    `messages of more than ${mib(l.MCP_MESSAGE_BYTES_MAX)}; arguments of more than ${kib(l.REQUEST_BYTES_MAX)}`,
    `the server has ${inWords(l.CHILD_GRACE_MS)}`,
  ],
  'docs/guides/operating.md': [
    `(${mib(l.DISK_RESERVE_BYTES)}) is kept as a file`,
    `skew (${seconds(l.SKEW_DEFAULT_MS)} s)`,
    `in whole chunks of ${count(l.INDEX_RECORDS)}`,
    `SIGTERM ends within ${inWords(l.SHUTDOWN_MS_MAX)}`,
  ],
}

test('a bound that a page says in words is that of the code', () => {
  for (const [page, phrases] of Object.entries(SAID)) {
    const text = readFileSync(page, 'utf8')
    for (const phrase of phrases)
      assert.ok(text.includes(phrase), `${page} does not say: ${phrase}`)
  }
})
