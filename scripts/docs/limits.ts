/** The bounds of the protocol in docs/protocol.md, with the values that core/limits.ts gives them. */
import * as limits from '../../src/core/limits.ts'
import { row } from './reasons.ts'

/** What each one bounds; every other constant bounds this node alone. */
const WIRE: Partial<Record<keyof typeof limits, string>> = {
  FRAME_BYTES_MAX: 'one frame of hello and state',
  SYNC_FRAME_BYTES_MAX: 'one frame of sync, log and lineage',
  FRAME_HEADER_BYTES_MAX: 'the header of a frame',
  GOSSIP_BYTES_MAX: 'one gossip message; a larger statement travels by sync alone',
  GOSSIP_STATEMENTS_MAX: 'statements in it',
  GOSSIP_UNITS_PER_S: 'what a peer may take by gossip in a second, and at once',
  STREAM_WINDOW_BYTES_MAX: 'what a peer may send on a stream before it is read',
  ANNOUNCEMENT_BYTES_MAX: 'one announcement',
  STATEMENT_BYTES_MAX: 'one envelope',
  SIGNATURES_MAX: 'signatures on one envelope, keys in one role',
  NESTING_MAX: 'nesting of any JSON or CBOR',
  RECORD_BYTES_MAX: 'one leaf of a log',
  LOG_RECORDS_MAX: 'leaves of one log',
  CHECKPOINT_BYTES_MAX: 'one checkpoint, as it is kept and passed on',
  COSIGNED_BYTES_MAX: 'one checkpoint with the lines of its witnesses',
  ADD_CHECKPOINT_BYTES_MAX: 'one request to cosign',
  CONSISTENCY_HASHES_MAX: 'hashes of its proof',
  COSIGN_INTERVAL_MS: 'between two cosignatures of one log by one witness, at least',
  READ_RECORDS: 'records in one piece for a mirror, and in one answer',
  MIRROR_PAUSE_MS: 'between two pieces of one log',
  MIRROR_LOG_BYTES_MAX: 'what one log may take on a mirror',
  MIRROR_BYTES_MAX: 'and all of them together',
  LOG_READS_PER_S: 'questions about a log that one member may ask in a second',
  LINEAGE_ASKS_PER_SECOND_MAX: 'questions about executions that one member may ask in a second',
  DESCENDANTS_MAX: 'ids in one answer to them',
  LINEAGE_DEPTH_MAX: 'ancestors of a decision',
  LINEAGE_LINKS_MAX: 'links that they rest on, each once',
  LINEAGE_PRINCIPALS_MAX: 'principals, likewise',
  ADDRESS_RECORD_BYTES_MAX: 'one signed address record',
  ADDRESSES_PER_PEER_MAX: 'addresses in it',
  INVITE_BYTES_MAX: "an invite's line",
  INVITE_TTL_MS_MAX: 'how long an invite may be redeemed',
  HELLO_ROOTS_MAX: 'roots in one answer to a hello',
  HELLO_MEMBERS_MAX: 'members, and addresses, in one answer to a hello',
  HELD_IDS_MAX: 'ids in one state question',
  NONCE_BYTES: 'nonce of a state question',
  SYNC_IDS_MAX: 'ids or envelopes in one sync frame',
  SYNC_PREFIXES_MAX: 'subtrees asked about in one sync frame',
  SYNC_LIST_MAX: 'leaves in one listed subtree',
  SYNC_ROUNDS_MAX: 'rounds of one comparison',
  PUSH_BYTES_MAX: 'statements in one push or answer; one always fits',
  ASK_TIMEOUT_MS: 'from opening a stream to its answer',
  HELLO_TIMEOUT_MS: 'from connecting to the end of the hello',
  ASKS_PER_PEER_MAX: 'answers being made for one peer',
  ASKS_PER_PEER_PER_S: 'answers made for one peer in a second, evenly spaced',
  ASK_UNIT_BYTES: 'of a question and its answer, for which it counts once more',
  STATE_ASKS_PER_PEER_PER_S: 'answers about the state, counted for themselves',
  ASKS_UNSPACED: 'of a peer that asked less lately, answered at once',
  CONNECTION_BYTES_PER_S: 'read of one connection in a second',
  CONNECTION_BYTES_UNSPACED: 'of one that brought less lately, read at once',
  FRAME_COST_BYTES: 'what a frame of the muxer counts as, beside its own',
  STREAM_COST_BYTES: 'what a stream counts as',
  BUSY_MS: 'until one of too many is told busy',
  STATEMENTS_MAX: 'statements in one set',
  PENDING_PER_SIGNER_MAX: 'statements that wait, of one signer',
  PENDING_BYTES_PER_SIGNER_MAX: 'their bytes',
  WITNESSES_MAX: 'witnesses of a root',
  BUNDLES_MAX: 'policy bundles',
  STALENESS_MS_MIN: 'the least staleness that a root may name',
  STALENESS_MS_MAX: 'the most',
  SKEW_MS_MAX: 'the most skew',
  LINKS_MAX: 'delegations in one artifact',
  TOKEN_BYTES_MAX: 'one delegation or invocation',
  PREDICATES_MAX: 'predicates of one link',
}

const values = new Map<string, unknown>(Object.entries(limits))

function table(): string {
  const rows = Object.entries(WIRE).map(([name, says]) => {
    const value = values.get(name)
    return row(`\`${name}\``, textOf(name, Number(value)), says)
  })
  return ['| constant | value | bounds |', '|---|---|---|', ...rows].join('\n')
}

function textOf(name: string, value: number): string {
  if (/_MS(_|$)/.test(name)) return value < 60_000 ? `${value / 1000} s` : minutes(value / 60_000)
  if (!/(^|_)BYTES(_|$)/.test(name) || value < 1024 || value % 1024 !== 0)
    return value.toLocaleString('en')
  return value < 1024 ** 2 ? `${value / 1024} KiB` : `${value / 1024 ** 2} MiB`
}

function minutes(value: number): string {
  return value < 1_440 ? `${value} min` : `${value / 1_440} d`
}

/** The page with the table between its marks. */
export function withLimits(page: string): string {
  return page.replace(
    /<!-- limits -->[\s\S]*<!-- end of limits -->/,
    () => `<!-- limits -->\n${table()}\n<!-- end of limits -->`,
  )
}
