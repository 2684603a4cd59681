/**
 * Every bound of the system, with its unit in the name and its reason beside
 * it. "Chosen arbitrarily" where that is the truth.
 */

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

// ---- codecs

/** Nesting of any JSON or CBOR that comes from outside. The decoders recurse; 32 is far from any stack. */
export const NESTING_MAX = 32
/** Of arguments and claims of a request: a record holds them some levels down, and must be printed. */
export const CLAIMS_NESTING_MAX = NESTING_MAX - 8
/** Keys kept decoded and admitted; only memory of a pure answer that costs 0.6 ms. Every key of a large mesh fits. */
export const KEYS_REMEMBERED_MAX = 8_192

// ---- the log

/** Records in one log. `append` walks the bits of size with 32-bit shifts. */
export const LOG_RECORDS_MAX = 2 ** 32 - 1
/** Logs of one node, one after the other: four bytes on disk. */
export const LOG_EPOCH_MAX = 2 ** 32 - 1

/** One record: an entry bundle gives each a 16-bit length (C2SP tlog-tiles, "Log entries"). */
export const RECORD_BYTES_MAX = 65_535
/** Patterns that a record names of those whom its caller may speak for; with more of them it names none. */
export const RECORD_ASSERTS_MAX = 16
/** Records in one batch. Larger batches gain nothing and show in the slowest answers. */
export const BATCH_RECORDS_MAX = 128
/** One text in a record: a reason, a detail, an id. Longer ones are cut, and say so. */
export const RECORD_TEXT_BYTES_MAX = 1_536
/** One detail of a check in a record; twelve of them, escaped, leave room for the rest. */
export const RECORD_DETAIL_BYTES_MAX = 512
/** A value that a record holds whole, of canonical JSON; a larger one is its digest alone. */
export const RECORD_VALUE_BYTES_MAX = 4 * KIB
/** Determining policies that one record names; the policy digest covers them all. */
export const RECORD_POLICIES_MAX = 32
/** Statements that stopped a decision and were on their way to the disk; a list as long as this may have been cut. */
export const RECORD_ARRIVING_MAX = 16
/** Statements that one record names as changed by another. */
export const RECORD_IDS_MAX = 64
/** Records waiting for the disk; the next one is told OVERLOADED at once. Chosen arbitrarily. */
export const LOG_WAITERS_MAX = 4_096
/** Bytes in one batch: half of LevelDB's write buffer. One larger statement still travels alone. */
export const BATCH_BYTES_MAX = 4 * MIB
/** First wait before storage that failed is opened again; doubled each time. */
export const REOPEN_MS_MIN = 100
/** Longest wait between two attempts to open storage that failed; never given up. */
export const REOPEN_MS_MAX = 10 * SECOND
/** From a statement to its record: those of a burst share a batch, and none stands before the next statement. Chosen arbitrarily. */
export const CHRONICLE_PAUSE_MS = 50
/** Before a log that took no record of a statement is tried again. Chosen arbitrarily. */
export const CHRONICLE_RETRY_MS = SECOND
/** Between two published checkpoints. A log that changes all the time is signed once a second. */
export const PUBLISH_INTERVAL_MS = SECOND
/** Signatures on one note; C2SP asks for at least 16. */
export const NOTE_SIGNATURES_MAX = 64
/** One note: a checkpoint of 200 bytes, with the largest signatures that C2SP knows. */
export const NOTE_BYTES_MAX = 256 * KIB
/** Siblings on the way from a leaf to the top of the largest tree. */
export const PROOF_HASHES_MAX = 32
/** Statements in one receipt: the roots of a long chain, and the members whose keys it names. Chosen arbitrarily. */
export const RECEIPT_STATEMENTS_MAX = 128
/** Statements in one trust root, and its bytes: a chain of large roots. Chosen arbitrarily. */
export const TRUST_STATEMENTS_MAX = 1_024
export const TRUST_BYTES_MAX = 16 * MIB
/** Decisions that share a link which is kept with the first of them alone. As many as an entry bundle holds. */
export const EXHIBITS_SHARING_MAX = 256
/** Governances that a replay goes back to: a record may come a little before or after the statement it rests on. */
export const REPLAY_GOVERNANCES_MAX = 64
/** Decisions that a replay found otherwise, told one by one; all are counted. */
export const REPLAY_DIFFERENCES_MAX = 16
/** Files in one tar, and bytes of one of them: records of a large case, each a file. Chosen arbitrarily. */
export const TAR_FILES_MAX = 2_000_000
export const TAR_FILE_BYTES_MAX = 256 * MIB
/** The manifest of an evidence bundle: 130 bytes a file, and a file of a tar itself. */
export const MANIFEST_BYTES_MAX = 256 * MIB
/** One evidence bundle, read whole: a million records and their tiles, twice. */
export const EVIDENCE_BYTES_MAX = 2 * KIB * MIB
/** One receipt: the largest record and some statements, each in base64, and a checkpoint with all its signatures. */
export const RECEIPT_BYTES_MAX = 2 * MIB

/** Hashes of a consistency proof (C2SP tlog-witness); of a log of 2^32 records it has 33. */
export const CONSISTENCY_HASHES_MAX = 63
/** A tile of 256 hashes covers 256^(level + 1) records. */
export const TILE_LEVEL_MAX = 3

// ---- statements

/** One envelope: a policy bundle of 1,000 policies with its tests fits. */
export const STATEMENT_BYTES_MAX = 512 * KIB
/** Signatures on one envelope, and keys in one role. Chosen arbitrarily. */
export const SIGNATURES_MAX = 32
/** Pending statements kept for each signing key; one signer's flood evicts nobody else's. */
export const PENDING_PER_SIGNER_MAX = 64
/** Keys whose pending statements are kept: every role key of a large root, twice. */
export const PENDING_SIGNERS_MAX = 256
/** Pending bytes kept for each signing key: a few of the largest statements. Chosen arbitrarily. */
export const PENDING_BYTES_PER_SIGNER_MAX = 2 * MIB
/** Statements in one replicated set: 100,000 revocations and what governs them (design 8). */
export const STATEMENTS_MAX = 250_000
/** Links below one link of an issuer that those who made them took back; one more and that link counts as revoked. Half as many with each step down. */
export const ISSUER_REVOCATIONS_MAX = 1_000
/** Ids a root may list to keep when it drops a key. */
export const KEEPS_MAX = 4_096
/** Disputes between roots that an operator decided. Chosen arbitrarily; one is already a bad day. */
export const PINS_MAX = 64

export const WITNESSES_MAX = 16
export const BUNDLES_MAX = 64
export const POLICIES_PER_BUNDLE_MAX = 2_000
/** Tests that a bundle carries; each runs before it is signed, and again before it is accepted. */
export const POLICY_TESTS_MAX = 1_000
/** Policy sets that Cedar keeps parsed: 300 of 100 policies each took 110 MB (FACTS 5.2). */
export const SLICES_PARSED_MAX = 256
/** Schemas that Cedar keeps parsed: every bundle in force and observed, and one being checked. */
export const SCHEMAS_PARSED_MAX = 2 * BUNDLES_MAX + 1
/** Who asks for what of which: what follows from it is remembered for each bundle. */
export const ROUTES_REMEMBERED_MAX = 4_096
/** Answers of one bundle that are remembered, and the longest question that is. */
export const ANSWERS_REMEMBERED_MAX = 4_096
export const ANSWER_REMEMBERED_CHARACTERS_MAX = 2 * KIB
export const LABELS_MAX = 64
/** Names of meshes, nodes, bundles, keys, labels. */
export const NAME_BYTES_MAX = 64
/** The value of a label of a node: an image, a region, a rack. Chosen arbitrarily. */
export const LABEL_BYTES_MAX = 256
/** A reason given by a person. */
export const MESSAGE_BYTES_MAX = 512
/** Hashes of a whole proof: 33 levels of the largest log, one more where both edges climb apart, and the one it begins with. */
export const WHOLE_PROOF_HASHES_MAX = 64

/** Evidence that one root lifts: as many nodes as may be restored at once. Chosen arbitrarily. */
export const LIFTS_MAX = 64

/** Versions that contradict each other and are resolved by one statement. Chosen arbitrarily. */
export const PREVIOUS_MAX = 16
/** A root may not promise more than a day of stale allows, nor less than what a LAN needs. */
export const STALENESS_MS_MIN = SECOND
export const STALENESS_MS_MAX = DAY
export const SKEW_MS_MAX = MINUTE
/** What clocks of hosts with NTP may differ by, with room. */
export const SKEW_DEFAULT_MS = 2 * SECOND
/** A root, and a membership, of a mesh that was just founded. */
export const ROOT_TTL_DEFAULT_MS = 365 * DAY
export const MEMBERSHIP_TTL_DEFAULT_MS = 365 * DAY
/** How long an artifact may live in a mesh that was just founded. */
export const ARTIFACT_TTL_DEFAULT_MS = 30 * DAY

// ---- artifacts

export const TOKEN_BYTES_MAX = 64 * KIB
export const ARTIFACT_BYTES_MAX = 64 * KIB
/** Node's own limit for all headers of a request is 16 KiB. */
export const ARTIFACT_HEADER_BYTES_MAX = 12 * KIB
export const LINKS_MAX = 8
export const PREDICATES_MAX = 64
export const PREDICATE_NESTING_MAX = 8
/** Predicates evaluated in one check of a chain, on each element of lists too: 4 ms at most. 64 KiB of arguments under every predicate there may be would take a second. */
export const PREDICATE_STEPS_MAX = 50_000
/** UCAN recommends 12 bytes for a token's nonce. */
export const TOKEN_NONCE_BYTES_MIN = 12
export const TOKEN_NONCE_BYTES_MAX = 64
/** The end of the year 9999, s: the last time that prints in 24 characters. */
export const TIME_S_MAX = 253_402_300_799
/** Links, and invocations, kept decoded: some MiB at most. */
export const TOKENS_REMEMBERED_MAX = 1_024
/** Questions that were asked lately, as they were read. An agent asks few, again and again. Chosen arbitrarily. */
export const REQUESTS_REMEMBERED_MAX = 512
/** Rows of records that were printed lately, and the longest that are kept: most of a record's checks say what they said before. */
export const ROWS_REMEMBERED_MAX = 1_024
export const ROW_REMEMBERED_CHARACTERS_MAX = 512
/** What follows from a request, an artifact and who asks: for each of the connections that ask it. Chosen arbitrarily. */
export const DERIVED_REMEMBERED_MAX = 1_024
/** Longer ones are read each time. */
export const REQUEST_REMEMBERED_BYTES_MAX = 2 * KIB
/** A larger token is decoded each time it comes. */
export const TOKEN_REMEMBERED_BYTES_MAX = 4 * KIB
/** Tokens whose signature was found good. */
export const SIGNATURES_REMEMBERED_MAX = 8_192
export const ARTIFACT_TTL_MS_MAX = 400 * DAY
/** An invocation lives as long as a request may wait and clocks may differ, not longer. */
export const INVOCATION_TTL_MS_MAX = 5 * MINUTE
/** An invocation that the daemon signs for a caller: the deadline of a decision, and room for a slow disk. */
export const SIGNED_INVOCATION_TTL_MS = 10 * SECOND

// ---- requests

/** A request body, and so its arguments. */
export const REQUEST_BYTES_MAX = 64 * KIB
export const ACTION_BYTES_MAX = 128
export const RESOURCE_BYTES_MAX = 1_024
/** The longest DNS name, and a port. */
export const HOST_BYTES_MAX = 259
/** Parameters in the query of a request that a gateway asks about. Chosen arbitrarily. */
export const QUERY_PARAMETERS_MAX = 64
/** Items of one evaluations call. */
export const EVALUATIONS_MAX = 100
/** From the arrival of a request to its answer. */
export const DECISION_DEADLINE_MS = 2 * SECOND
/** For a record to be witnessed, where a policy demands that, of the deadline; the rest is for the record of the denial. */
export const WITNESSED_DEADLINE_MS = 1_800
/** Decisions being made at once; the next one is told OVERLOADED. */
export const DECISIONS_MAX = 1_024
/** Running executions of one node. */
export const EXECUTIONS_MAX = 4_096
/** Ended executions whose outcome can still be asked for. Chosen arbitrarily. */
export const EXECUTIONS_ENDED_MAX = 1_024
/** Between two looks at what runs: a lost lease stops it within a second (S23). */
export const EXECUTION_TICK_MS = 250
/** While nothing runs, the next look is when something does; and so often, for nothing. */
export const EXECUTIONS_REST_MS = MINUTE
/** An enforcement point that watches nothing for so long is taken for dead. */
export const EXECUTION_SILENCE_MS = 30 * SECOND
/** One long poll of an enforcement point; shorter when the lease is. */
export const EXECUTION_POLL_MS = 10 * SECOND
/** The whole of a hook: agents wait for 30 s and more, and let the call run when that is over. */
export const HOOK_MS_MAX = 15 * SECOND
/** What is shown of a process that runs: as much as a screen is wide. */
export const EXECUTION_COMMAND_BYTES_MAX = 256
/** Running executions that one node shows another at once. */
export const MESH_RUNNING_MAX = 256
/** Before a daemon that did not answer is asked again. */
export const EXECUTION_RETRY_MS = 200
/** Denials that wait for the disk at once; further ones are counted in the next durable record (S20). */
export const DENIALS_WAITING_MAX = 512
/** Records looked through, newest first, for one decision. */
export const DECISIONS_SEARCHED_MAX = 50_000
/** Read from the log at once while looking. */
export const DECISIONS_READ_MAX = 256
/** Executions above one another. An agent that calls agents is a few deep; sixteen is a loop that nobody meant. */
export const LINEAGE_DEPTH_MAX = 16
/** Links, and principals, that all ancestors of one execution rest on, each once: a record must hold them. */
export const LINEAGE_LINKS_MAX = 64
export const LINEAGE_PRINCIPALS_MAX = 96
/** How long a parent's receipt is sought: two checkpoints, each cosigned, and a round trip. The decision's own deadline begins after it. */
export const PARENT_MS_MAX = 5 * SECOND
/** Parents that are being sought at once. Chosen arbitrarily. */
export const PARENTS_SOUGHT_MAX = 256
/** Of those, one caller's. */
export const PARENTS_PER_CALLER_MAX = 32
/** Before a record that no quorum has cosigned yet is asked for again. */
export const LINEAGE_POLL_MS = 100
/** Nodes asked at once for one record. Chosen arbitrarily. */
export const LINEAGE_ASKED_MAX = 64
/** Questions of one peer about executions, in a second: ten children that start at once, polling. */
export const LINEAGE_ASKS_PER_SECOND_MAX = 100
/** Of those, the ones about descendants: each may read a thousand records. */
export const DESCENDANTS_ASKS_PER_SECOND_MAX = 4
/** Receipts of others that were fetched lately: a few KiB each. */
export const RECEIPTS_REMEMBERED_MAX = 512
/** Descendants of one execution that one node names. */
export const DESCENDANTS_MAX = 1_024
/** Executions in one view of a lineage, and sought at once for it: each asks every node in reach. */
export const HOPS_MAX = 256
export const HOPS_SOUGHT_MAX = 8
/** Denials that name one execution and are looked through for the one that replaced it. */
export const RELATED_RECORDS_MAX = 64
/** Artifacts held for one caller. */
export const WALLET_ARTIFACTS_MAX = 256
/** What has expired is held so much longer: for a while it says why nothing is allowed. */
export const WALLET_EXPIRED_KEPT_MS = DAY
/** Between two looks for what has expired. */
export const WALLET_LOOK_MS = HOUR
/** Delegation requests that wait: of one caller, and of all. They are in memory. */
export const WALLET_REQUESTS_PER_CALLER_MAX = 16
export const WALLET_REQUESTS_MAX = 256
/** A request for a delegation is forgotten after that, answered or not. */
export const WALLET_REQUEST_MS_MAX = 15 * MINUTE

// ---- network

/** One frame of hello and state streams. */
export const FRAME_BYTES_MAX = 64 * KIB
/** One frame of sync, log and lineage: at least one whole statement, or a bundle of usual records. */
export const SYNC_FRAME_BYTES_MAX = MIB
/** Of it, the header: as many address records as are kept have their hashes there. All of it is read before a word of it is. */
export const FRAME_HEADER_BYTES_MAX = 160 * KIB
/** One gossip message. Larger statements travel by sync alone. */
export const GOSSIP_BYTES_MAX = 48 * KIB
/** Statements in one gossip message: they are verified in one go, in half of TURN_MS. */
export const GOSSIP_STATEMENTS_MAX = 16
/** Between two messages of what begins here: those of a burst share one, and the first waits for nothing. */
export const GOSSIP_PAUSE_MS = 10
/** From opening a stream to its answer. */
export const ASK_TIMEOUT_MS = 3 * SECOND
/** A peer that has not passed the hello by then is cut. */
export const HELLO_TIMEOUT_MS = 3 * SECOND
/** Connections from elsewhere that have not passed the hello: less than half of what libp2p takes, whatever strangers do. */
export const DOOR_CONNECTIONS_MAX = 128
/** Answers being made for one peer at once; further ones are told busy. */
export const ASKS_PER_PEER_MAX = 16
/** Answers made for one peer in a second, evenly spaced: of 128 that are asked without an end, honest decisions waited up to three times as long (p99). */
export const ASKS_PER_PEER_PER_S = 64
/** A question counts once more for each of these that it and its answer have: 8 MiB in a second, as much as a connection brings. */
export const ASK_UNIT_BYTES = 128 * KIB
/** Of the state, which leases rest on and which is counted for itself: a lease asks four of them at most, and all who wait for statements share one at a time. */
export const STATE_ASKS_PER_PEER_PER_S = 32
/** Of a peer that asked less lately so many are answered at once: a usual comparison waits for nothing, and takes some 20 ms. */
export const ASKS_UNSPACED = 8
/** Until one is told busy, or whoever does not care would ask again at once. Chosen arbitrarily. */
export const BUSY_MS = 100
/** What one connection may bring in a second, of whatever kind: as fast as it is sent, a peer's junk made honest decisions wait 15 times as long (p99). */
export const CONNECTION_BYTES_PER_S = 8 * MIB
/** Of one that brought less lately so much is read at once: one frame of sync. */
export const CONNECTION_BYTES_UNSPACED = MIB
/** Of one that has to wait so much is made up for where the loop was late, and no more: a few timers. */
export const CONNECTION_LATE_MS_MAX = 4
/** A frame of the muxer counts as so many beside its own: 16,000 empty ones in a second. */
export const FRAME_COST_BYTES = 512
/** A stream counts as so many: 128 in a second, more than are answered. */
export const STREAM_COST_BYTES = 64 * KIB
/** One dial, with all addresses of a peer: a connection takes 16 ms, the Atlantic and a retransmission 2 s. */
export const DIAL_TIMEOUT_MS = 3 * SECOND
/** First wait before a lost peer is dialled again; doubled each time. */
export const REDIAL_MS_MIN = 250
/** A connection that lived so long starts the waits anew. */
export const STEADY_MS = 5 * SECOND
/** First wait before a busy peer is asked again; doubled each time, within the deadline. */
export const BUSY_RETRY_MS = 20
/** Between two looks at all connections: a banned peer is cut within a second, at half of that. */
export const SUPERVISION_MS = 500
/** Looks at which gossip is missing in one direction before the connection is dropped: 3 s (FACTS 3.2). */
export const GOSSIP_MISSING_LOOKS = 6
/**
 * What a peer may send on a stream before it is read: as much as crosses the Atlantic at 10 MB/s, and
 * less than what libp2p keeps of a stream that is not read (4 MiB) before it cuts it.
 */
export const STREAM_WINDOW_BYTES_MAX = MIB
/** Queued for one slow peer; more resets its gossip, which the supervisor heals. */
export const GOSSIP_QUEUE_BYTES_MAX = 8 * MIB
/**
 * What a peer may take of this node by gossip at once, and in a second, in units of some 0.1 ms: a
 * message, whatever it holds, or a part of one. In a mesh of any size a neighbour passes on up to 100
 * announcements of 2 to 4 KiB in a second, and a burst of 100 revocations beside them; a flood takes 5 % of a core.
 */
export const GOSSIP_UNITS_MAX = 512
export const GOSSIP_UNITS_PER_S = 512
/** So much of one that is longer counts as a unit. */
export const GOSSIP_UNIT_BYTES = 2 * KIB
/** Frames of one peer that are handed on in one turn: 2 ms of the loop. */
export const GOSSIP_FRAMES_AT_ONCE = 16
/** Gossip of one peer that waits here before it is read no more: some of the largest frames. */
export const GOSSIP_WAITING_BYTES_MAX = 256 * KIB
/** Peers this node keeps addresses of. */
export const PEERS_MAX = 2_048
/** Peers at the door that wait for approval. */
export const PENDING_PEERS_MAX = 64
export const ADDRESSES_PER_PEER_MAX = 8
/** One address: the longest DNS name, and a peer id. */
export const ADDRESS_BYTES_MAX = 384
/** Number of an address record, a time in ms: the end of the year 9999. */
export const ADDRESS_SEQ_MAX = (TIME_S_MAX + 1) * SECOND - 1
/** One signed address record, with its signature. */
export const ADDRESS_RECORD_BYTES_MAX = 4 * KIB
/** Envelopes of members that an answer to a hello brings: both ends, and the witnesses that roots added. */
export const HELLO_MEMBERS_MAX = 48
/** Roots in one answer to a hello; the next hello asks for those that follow. */
export const HELLO_ROOTS_MAX = 64
/** An answer to a hello. All but one fit a frame: a root that lists many statements to keep is shown alone. */
export const HELLO_ANSWER_BYTES_MAX = STATEMENT_BYTES_MAX + FRAME_BYTES_MAX
/** Between two looks at own addresses, and at revocations of nodes that end. Chosen arbitrarily. */
export const DOOR_LOOK_MS = 2 * SECOND
/** How long the connection of who was just suspended or revoked stays open, unheard, for the news of it to arrive. Chosen arbitrarily. */
export const FAREWELL_MS = 250
/** Hellos in a row of one join, each of which brought another piece of a long chain of roots. */
export const JOIN_HELLOS_MAX = 32
/** Longest wait between two dials of one peer; never given up. */
export const REDIAL_MS_MAX = 15 * SECOND
/** Between two looks for a first contact that the configuration names and that never answered. */
export const FIRST_CONTACT_RETRY_MS = 5 * SECOND
/** Between two hellos of a node that waits for approval. */
export const PENDING_HELLO_INTERVAL_MS = 2 * SECOND

// ---- sync, lease

/** Mean time between two comparisons of digests, each with the next neighbour in turn. */
export const SYNC_INTERVAL_MS = 2 * SECOND
/** Peers compared with at once: one that hangs does not hold up the others. Chosen arbitrarily. */
export const SYNC_PULLS_MAX = 4
/** Rounds of one sync with one peer; a lying peer is dropped after that. */
export const SYNC_ROUNDS_MAX = 256
/** Ids or envelopes in one sync frame. */
export const SYNC_IDS_MAX = 1_024
/** A subtree of so few statements is listed, not divided: 2 KiB more, one round trip less. */
export const SYNC_LEAVES = 32
/** A subtree that is mostly missing is listed whole up to this many: 256 KiB. */
export const SYNC_LIST_MAX = 4_096
/** Subtrees asked about in one sync frame. */
export const SYNC_PREFIXES_MAX = 256
/** Bytes of new statements in one push; one statement always fits. */
export const PUSH_BYTES_MAX = 768 * KIB
/** Neighbours that a statement too long for gossip is pushed on to, once it is learned from a peer. */
export const PUSH_PEERS_MAX = 8
/** Neighbours that get a push beside gossip: each pushes on what it had not, so that three reach nearly all. */
export const PUSH_BESIDE_GOSSIP_PEERS = 3
/** How much later: where gossip works they have it by then, and the push costs no signature. Chosen arbitrarily. */
export const PUSH_BESIDE_GOSSIP_MS = 100
/** A peer that lied to sync is not asked again for this long. Chosen arbitrarily. */
export const SYNC_PENALTY_MS = 10 * SECOND
/** A comparison that brings nothing for so long is given up: four peers that hang would keep all others from being compared with. */
export const SYNC_STALL_MS = 15 * SECOND
/** This node's time that one peer may take for nothing in one go: a few hundred bad signatures. */
export const BURDEN_MS_MAX = 100
/** Of all further time, the part that it may take so. Chosen arbitrarily. */
export const BURDEN_SHARE = 0.02
/** Longest piece of work before everything else has its turn: a fifth of what the event loop may be late. */
export const TURN_MS = 10
/** What waits elsewhere and found no room here is not fetched again for this long. Chosen arbitrarily. */
export const SYNC_REFUSED_MS = 5 * MINUTE
/** Such statements remembered: every place of a few signers, many times. Forgetting one costs a fetch. */
export const SYNC_REFUSED_MAX = 4_096
/** One announcement, with the two checkpoints it carries; the one is cosigned. */
export const ANNOUNCEMENT_BYTES_MAX = 12 * KIB
/** Between two announcements of one node; more nodes wait longer (design 5, witnessing). */
export const ANNOUNCE_INTERVAL_MS = SECOND
/** A question is repeated this many times within staleness, so that one lost answer costs nothing. */
export const LEASE_ASKS_PER_STALENESS = 4
/** One checkpoint as others keep and pass it on: a body of 200 bytes, and the signature of its log. */
export const CHECKPOINT_BYTES_MAX = 2 * KIB
/** One checkpoint with the cosignatures of WITNESSES_MAX witnesses, 160 bytes each. */
export const COSIGNED_BYTES_MAX = 6 * KIB
/** One add-checkpoint request: a checkpoint, and a proof of CONSISTENCY_HASHES_MAX hashes. */
export const ADD_CHECKPOINT_BYTES_MAX = 6 * KIB
/** Between two cosignatures of one log by one witness; more nodes wait longer (design 5, witnessing). */
export const COSIGN_INTERVAL_MS = SECOND
/** Checkpoints of its own log for which a node collects cosignatures: a witness that is slow cosigns an older one. */
export const COSIGNING_MAX = 8
/** While every witness cosigned the newest, the next look is when there is another; and so often, for nothing. */
export const COSIGNING_REST_MS = 10 * SECOND
/** Members that hold a copy of this node's log, at most. Chosen arbitrarily. */
export const MIRRORS_MAX = 8
/** What a mirror keeps to go on with a copy: two counts, and the 31 peaks of the longest log. */
export const COPY_STATE_BYTES_MAX = 4 * KIB
/** Between two pieces of one log that a mirror takes: 5 MB/s of a log that is new to it, and a sixth of its event loop at most. */
export const MIRROR_PAUSE_MS = 200
/** While nobody wants copies, the configuration alone changes that: between two looks at it. */
export const MIRROR_REST_MS = 10 * SECOND
/** Pieces that one mirror takes at once, of different logs: decisions wait for no more than these. */
export const MIRRORING_MAX = 4
/** What one member's copies may take on this node, and those of all members together. Chosen arbitrarily. */
export const MIRROR_LOG_BYTES_MAX = GIB
export const MIRROR_BYTES_MAX = 4 * GIB
/** A member that holds no copy and will not, or does not answer, is asked again after so long; meanwhile the next one is. */
export const MIRROR_RETRY_MS = MINUTE
/** A member that holds a copy and is away is waited for so long before another one is given it. Chosen arbitrarily. */
export const MIRROR_AWAY_MS = 10 * MINUTE
/** Records of a copy that are given up in one batch. */
export const MIRROR_FORGOTTEN_AT_ONCE = 1_024
/** Two announcements long: how long after its start a node listens whether another daemon speaks with its identity, before it brings its log back. */
export const REFETCH_QUIET_MS = 3 * ANNOUNCE_INTERVAL_MS
/** Between two rounds of asking all peers for a copy of the own log. */
export const REFETCH_RETRY_MS = SECOND
/** Before each question for records: less than LOG_READS_PER_S of them in a second. */
export const REFETCH_PAUSE_MS = 10
/** Damaged records that are put back in one go; more of them are a disk to be replaced, and a log to be brought back whole. */
export const MENDED_MAX = 1_024
/** Between two attempts to put damaged records back. Chosen arbitrarily. */
export const MEND_RETRY_MS = 5 * SECOND
/** Questions about this node's log that one member may ask in a second: proofs of half a millisecond each. Chosen arbitrarily. */
export const LOG_READS_PER_S = 128
/** Checkpoints whose signature was found good: the newest of each node of the largest mesh. */
export const CHECKPOINTS_REMEMBERED_MAX = 2_048
/** Heads of one log that wait to be compared: the oldest and the newest are enough, one in between is met by its neighbours. */
export const HEADS_DOUBTED_MAX = 4
/** Nodes whose heads one question asks for: an answer of 20 KB. */
export const HEADS_ASKED_MAX = 64
/** Between two such questions of a node, each to another peer. Evidence within seconds in a small mesh. */
export const HEADS_LOOK_MS = 3 * SECOND
/** Between two proofs that a node asks of one log; in a large mesh longer. Evidence within seconds. */
export const PROOF_LOOK_MS = 2 * SECOND
/** After the first proof asked in vain, and longer after each further one. */
export const PROOF_RETRY_MS = 2 * SECOND
/** Then that head is given up: its log was retired, say. */
export const PROOF_TRIES_MAX = 10
/** Checkpoints of its own log that a node was shown and found to be right: the newest, as each peer has it. */
export const CHECKPOINTS_COMPARED_MAX = 64
/** Between two looks at the clocks, beside those of each question and decision: often enough to tell a pause. */
export const LEASE_LOOK_MS = SECOND
/** A look that comes so much too late means that the process did not run: suspended, stopped, starved. */
export const LEASE_PAUSE_MS = 3 * SECOND
/** A wall clock that moved by less, between two looks, did not step: both clocks are read in whole milliseconds, one after the other. */
export const CLOCK_STEP_MS_MIN = 50
/** Before a witness that did not answer, or not as needed, is asked again. */
export const LEASE_RETRY_MS = 500
/** A policy's shorter staleness is asked for this long after a decision last needed it. Chosen arbitrarily. */
export const LEASE_DEMAND_MS = 10 * MINUTE
/** Between two rounds of the boot check, and of a handover that waits for somebody. */
export const BOOT_RETRY_MS = 500
/** A handover for which nothing is to be done looks again when there is a new root; and so often, for nothing. */
export const HANDOVER_REST_MS = MINUTE
/** Before an operator's word replaces the answers that are missing: every known peer is dialled and asked once by then. */
export const BOOT_OVERRULE_MS = DIAL_TIMEOUT_MS + ASK_TIMEOUT_MS
/** Own digests that are remembered as passed through: a state that was ours once is held whole for ever. */
export const DIGESTS_REMEMBERED_MAX = 4_096
/** Nodes asked at once who holds a statement. Chosen arbitrarily. */
export const SPREAD_ASKS_MAX = 64
/** Between two rounds of asking who holds a statement. */
export const SPREAD_POLL_MS = 100
/** Statements whose moment of acceptance is remembered, for spread and drift. Chosen arbitrarily. */
export const ACCEPTED_REMEMBERED_MAX = 4_096
/** Statement ids that one state question may carry. */
export const HELD_IDS_MAX = 16
/** Nonce of a state question, and what names an incarnation of a node, bytes. */
export const NONCE_BYTES = 16
/** Seen nonces are kept until their invocation has expired, at most this many. */
export const NONCES_MAX = 1_000_000

// ---- invites

export const INVITE_TTL_MS_MAX = 7 * DAY
export const INVITES_MAX = 256
/** An invite's line: all its addresses, and base64. */
export const INVITE_BYTES_MAX = 4 * KIB
/** How long who redeems an invite is a member; as `peer approve` has it. */
export const INVITED_MEMBER_MS = 365 * DAY

// ---- storage

/** Kept free for revocations: larger than LevelDB's write buffer and the log it recovers (FACTS 4). */
export const DISK_RESERVE_BYTES = 64 * MIB
/** Re-hashed by the scrub in one step, with a pause after each. */
export const SCRUB_RECORDS = 512
/** After each step: a scrub takes a few percent of one core, and a million records four minutes. */
export const SCRUB_PAUSE_MS = 100
/** From the end of one scrub to the next. Chosen arbitrarily. */
export const SCRUB_INTERVAL_MS = DAY
/** LevelDB's write buffer, twice its default: its switch shows in the slowest answers (FACTS 4). */
export const WRITE_BUFFER_BYTES = 8 * MIB
/** One compressed block of a table: at LevelDB's 4 KiB a record shares nothing with the next, and takes twice the room. */
export const BLOCK_BYTES = 32 * KIB
/** A disk with less room than this is low: LevelDB recovers its log and compacts in it. */
export const DISK_MARGIN_BYTES = 2 * WRITE_BUFFER_BYTES
/** Between two looks at the room on the disk. */
export const DISK_LOOK_MS = 500
/** The head file says so soon after the last batch that it was acknowledged; under load the next batch says it. */
export const HEAD_CONFIRM_MS = 20
/** Records in one pack on disk: 256 would take a tenth less room, and one of them twice the time to read. */
export const PACK_RECORDS = 128
/** Of a pack before it is compressed: its records cannot have more, and what is kept beside them stays outside beyond it. */
export const PACK_BYTES_MAX = 16 * MIB
/** The newest records are asked for most, and are in no pack. */
export const PACK_NEWEST = 2 * 1_024
/** After the last batch: who decides often is not waited for by what only saves room. */
export const PACK_IDLE_MS = 50
/** Records that may wait for a quiet moment: about 50 MB; beyond, a pack follows a batch. */
export const PACK_BACKLOG_MAX = 16 * 1_024
/** Between two packs of a quiet node: whoever comes is answered in between. */
export const PACK_PAUSE_MS = 5
/** Each so many packs, the files give back the room of the 8,192 records that went into them. */
export const PACKS_COMPACTED = 64
/** Packs that one reader unpacks side by side: half a megabyte each. */
export const PACKS_AT_ONCE = 4
/** A chunk of the index: its records are searched in memory until it is whole, and read again at the next start. */
export const INDEX_RECORDS = 1_024
/** Chunks that a start indexes before it goes on: what a power cut may have taken of the index. More are made in the background. */
export const INDEX_CHUNKS_AT_START_MAX = 4
/** Before each READ_RECORDS of an index that is made in the background: a million records in a minute. */
export const INDEX_PAUSE_MS = 10
/** Chunks that one search looks at, a million records' worth; then it says how far it came. */
export const INDEX_CHUNKS_SEARCHED_MAX = 1_024
/** Entries of the index read at once. */
export const INDEX_ENTRIES_READ = 32
/** Tiles kept once they are verified: 8 KiB each, and 256 hashes to verify one again. */
export const TILES_REMEMBERED_MAX = 256
/** Records read at once while a whole log is read. */
export const READ_RECORDS = 256
/** Where a line of YAML may begin: each step down takes a column, so this bounds what indentation nests. Chosen arbitrarily. */
export const YAML_COLUMN_MAX = 128
/** The configuration file. Chosen arbitrarily. */
export const CONFIG_BYTES_MAX = 256 * KIB
/** A key file: a PEM of an Ed25519 key, sealed or not, is a quarter of this. */
export const KEY_FILE_BYTES_MAX = 4 * KIB
/** A measured file is hashed whole; larger ones are no fact. */
export const MEASURED_BYTES_MAX = 256 * MIB
/** Between two looks at the times of measured files. */
export const MEASURE_INTERVAL_MS = 2 * SECOND
/** An in-toto statement that the configuration names: provenance of a large build is a tenth of it. */
export const ATTESTATION_BYTES_MAX = 4 * MIB
export const ATTESTATIONS_MAX = 32
/** Keys trusted for one, and signatures that it bears: each is tried with each. */
export const ATTESTATION_KEYS_MAX = 8
export const ATTESTATION_SIGNATURES_MAX = 16
export const ATTESTATION_SUBJECTS_MAX = 4_096
export const ATTESTATION_TYPE_CHARACTERS_MAX = 256
/** `sha256:`, 64 hex digits, and the end of a line. */
export const IMAGE_DIGEST_BYTES_MAX = 72
/** Commands that measure something, and what each may say. Of facts beyond RECORD_VALUE_BYTES_MAX a record has the digest alone. */
export const COLLECTORS_MAX = 16
export const COLLECTOR_OUTPUTS_MAX = 16
export const COLLECTOR_ARGUMENTS_MAX = 64
export const COLLECTED_TEXT_BYTES_MAX = 128
/** What one run prints. */
export const COLLECTED_BYTES_MAX = 16 * KIB
/** More often than this a command costs more than it tells. */
export const COLLECTOR_EVERY_MS_MIN = SECOND
/** One run of it, where the configuration says nothing. Chosen arbitrarily. */
export const COLLECTOR_TIMEOUT_MS = 2 * SECOND
/** A caller's executable is hashed whole; what a larger one is, is no fact. Browsers and runtimes are a third of it. */
export const CALLER_EXE_BYTES_MAX = 512 * MIB
/** Of it, hashed at a stretch: a millisecond in which nothing else is done. */
export const CALLER_EXE_CHUNK_BYTES = 512 * KIB
/** Digests kept, 200 bytes each: a host runs a few dozen programs that ask. */
export const CALLER_EXES_REMEMBERED_MAX = 256
/** Hashed at once, and waiting for that; of further ones it is no fact. */
export const CALLER_EXES_HASHED_MAX = 2
export const CALLER_EXES_WAITING_MAX = 32
/** How long a decision waits for it, once for each file. Its own deadline begins after it. */
export const CALLER_EXE_MS_MAX = 5 * SECOND
/** A file changed so lately could change again with the same time: two seconds are the coarsest clock of a file system, FAT's. */
export const CALLER_EXE_SETTLED_MS = 2 * SECOND

// ---- local API

/** Between two looks for used invocations that have expired, after one that found none, and how many are looked at each time. */
export const NONCES_EXPIRE_MS = SECOND
export const NONCES_REST_MS = 10 * SECOND
export const NONCES_EXPIRED_MAX = 4_096
/** Between two looks for an `epoch` statement that concerns this node; a new one is looked at at once. */
export const EPOCH_LOOK_MS = MINUTE
/** One wait for a statement to spread. */
export const SPREAD_WAIT_MS_MAX = 10 * MINUTE
/** Records in one answer, read at once, and looked through for one filter. */
export const RECORDS_LISTED_MAX = 1_000
export const RECORDS_READ_MAX = 256
export const RECORDS_SEARCHED_MAX = 200_000
/** Groups of one count of records; the rest is one number. Chosen arbitrarily. */
export const RECORD_GROUPS_LISTED_MAX = 1_000
/** Groups that are told apart at all while counting: memory. */
export const RECORD_GROUPS_MAX = 100_000
/** Records that one node is asked for in a look at the whole mesh, and nodes that are asked at once. */
export const MESH_SEARCH_RECORDS_MAX = 256
export const MESH_SEARCH_NODES_AT_ONCE = 32
/** Candidates of an AuthZEN search that one answer judges, at a signature each: some 200 ms; the rest by its token. */
export const SEARCH_CANDIDATES_MAX = 256
/** Then an answer ends where it is, whatever its candidates wait for. As long as a decision may take. */
export const SEARCH_MS_MAX = 2 * SECOND
/** Looks of other nodes at this log, at once, and of one node in a second. Chosen arbitrarily. */
export const MESH_SEARCHES_MAX = 2
export const MESH_SEARCHES_PER_PEER_S = 4
/** Records and proofs in one such answer: most of a frame of sync, and room for header and notes. */
export const SEARCH_ANSWER_BYTES_MAX = 768 * KIB
/** One long poll for new records. */
export const TAIL_MS_MAX = 20 * SECOND
/** One wait for a record to be witnessed. */
export const RECEIPT_WAIT_MS_MAX = 20 * SECOND
/** Receipts being waited for at once: most of the time of each is a sleep. Chosen arbitrarily. */
export const RECEIPTS_MAX = 64
/** Of each costly kind of look at the log and at the mesh, so many at once. Chosen arbitrarily. */
export const SEARCHES_MAX = 4
export const SPREADS_MAX = 32
export const LINEAGES_MAX = 8
/** One look at a lineage: it waits for witnesses, and for nodes that do not answer. */
export const LINEAGE_VIEW_MS_MAX = 8 * SECOND
export const LISTINGS_MAX = 2
/** An answer of the control API, as the command line reads it. */
export const ANSWER_BYTES_MAX = 64 * MIB
/** A mesh as a file: no more than the command line reads of one answer. */
export const MESH_FILE_BYTES_MAX = 64 * MIB
/** Heads in such a file: a few epochs of each node of the largest mesh. */
export const MESH_FILE_HEADS_MAX = 8_192
/** Of such a file, what is handed over in one call: with one statement more it fits a body. */
export const IMPORT_BYTES_MAX = 256 * KIB
/** And so many pieces of it. Chosen arbitrarily. */
export const IMPORT_ITEMS_MAX = 1_024
/** Envelopes in one list of statements: each is in the answer twice, once as it was signed. */
export const LISTED_BYTES_MAX = 24 * MIB
/** A body of the control API: one statement in its envelope. Decisions are held to REQUEST_BYTES_MAX by their parser. */
export const SUBMIT_BYTES_MAX = MIB
export const HTTP_CONNECTIONS_MAX = 256
/** Callers on other hosts: each request compares its proof with all of them, in 0.1 ms. */
export const REMOTE_CALLERS_MAX = 256
/** Handshakes of TLS in a second, at 0.8 ms each: a fifth of the event loop, at most. Of one address half; who asks more often keeps its connection. */
export const TLS_HANDSHAKES_PER_S = 256
/** Before a certificate ends, doctor warns: time enough to get another one. Chosen arbitrarily. */
export const CERTIFICATE_WARNING_MS = 14 * DAY
/** A certificate with those above it, its key, or the digests of REMOTE_CALLERS_MAX tokens. */
export const TLS_FILE_BYTES_MAX = 64 * KIB
/** Of those, one user's: who opens all it may still leaves half to the others. */
export const HTTP_CONNECTIONS_PER_USER_MAX = 128
/** Scrapers of a loopback port. */
export const SCRAPE_CONNECTIONS_MAX = 8
export const HTTP_HEADERS_TIMEOUT_MS = 5 * SECOND
export const HTTP_REQUEST_TIMEOUT_MS = 10 * SECOND
/** For whoever still sends to read why no more is taken. */
export const HTTP_LINGER_MS = 250
/** Streams of events, in all and of one caller: each holds a connection and one buffer. Chosen arbitrarily. */
export const EVENT_STREAMS_MAX = 64
export const EVENT_STREAMS_PER_CALLER_MAX = 16
/** The newest records, printed once for all who listen; and what waits for one listener beside records. Chosen arbitrarily. */
export const EVENTS_KEPT_MAX = 256
export const EVENTS_WAITING_MAX = 256
/** A comment keeps the line alive; a lease and a checkpoint are looked at so often. */
export const EVENT_COMMENT_MS = 15 * SECOND
export const EVENT_LOOK_MS = SECOND
/** Who takes nothing for so long is sent away, to come back and read on. */
export const EVENT_STALL_MS = 30 * SECOND
/** Events that were there at once are written in pieces of so much. Chosen arbitrarily. */
export const EVENT_PIECE_CHARS = 16 * KIB
/** One event of a record, with room to spare; and before a stream that was cut is asked for again. */
export const EVENT_BYTES_MAX = MIB
export const EVENT_RETRY_MS = SECOND
/** For the last words of a stream to be taken. */
export const STREAM_LINGER_MS = SECOND
/** SIGTERM to exit. */
export const SHUTDOWN_MS_MAX = 5 * SECOND
/** For the node's loops to end, of that; then the disk is closed under what did not. */
export const STOP_LOOPS_MS_MAX = 1_500
/** For a daemon to record how a child ended; its status waits for that, and a daemon that hangs would hold it. */
export const OUTCOME_MS_MAX = 2 * SECOND
/** Between two looks at whether a delegation was granted. */
export const WALLET_REQUEST_LOOK_MS = 250
/** Between two looks at whether an execution has ended, here and at another node (MESH_SEARCHES_PER_PEER_S). */
export const KILL_LOOK_HERE_MS = 50
export const KILL_LOOK_MESH_MS = 500
/** Looks for an execution while some node does not answer: two seconds, in which nobody is asked too often any more. */
export const KILL_LOOKS_MAX = 5
/** SIGTERM to SIGKILL for a child whose authorization ended. */
export const CHILD_GRACE_MS = 5 * SECOND
/** Between two looks at whether anybody of it is left. */
export const FAMILY_LOOK_MS = 20
/** Arguments of a command that a request names one by one, as JSON; of longer ones it has the digest. */
export const EXEC_ARGV_BYTES_MAX = 16 * KIB
/** A script that is to be run: it is copied whole. Chosen arbitrarily. */
export const EXEC_SCRIPT_BYTES_MAX = 16 * MIB
/** The first line of a script, as far as the kernel reads it (execve(2)). */
export const SHEBANG_BYTES_MAX = 256
/** Symbolic links under one name, as the kernel follows them (path_resolution(7)). */
export const SYMLINKS_MAX = 40
/** Two changes of a file that are further apart have different times: more than a tick of any kernel's clock. */
export const EXECUTABLE_SETTLED_MS = 20
/** A unix socket path (sockaddr_un). */
export const SOCKET_PATH_BYTES_MAX = 107

// ---- enforcement points

/** One message of an MCP client or server: a file that a tool read, a picture, in base64. Arguments are held to REQUEST_BYTES_MAX by whoever decides. Chosen arbitrarily. */
export const MCP_MESSAGE_BYTES_MAX = 16 * MIB
/** Pieces of one line that are kept apart: a stream of single bytes would take far more than they are. */
export const MCP_PIECES_MAX = 256
/** Nesting of such a message: a schema of a tool takes two levels for each of its own. */
export const MCP_NESTING_MAX = 128
/** An id of a request, or a token of one, as text; SDKs count from 0. */
export const MCP_ID_BYTES_MAX = 256
/** Requests of one client that have no answer yet, with calls that were cut and never got one; ids are remembered. Chosen arbitrarily. */
export const MCP_REQUESTS_MAX = 16_384
/** Calls of one client that are decided or run: each holds a connection to the daemon, whose user has HTTP_CONNECTIONS_PER_USER_MAX. */
export const MCP_CALLS_MAX = 32
/** Tools of one list that are asked about at once. */
export const MCP_TOOLS_ASKED_AT_ONCE = 8
/** For all questions of one list of tools; what was not answered by then is not shown. */
export const MCP_TOOLS_MS_MAX = 5 * SECOND
/** For a server to be told over HTTP that a call was cut, which has ended here already. Chosen arbitrarily. */
export const MCP_CANCEL_MS_MAX = 5 * SECOND
/** Tools of one server that are remembered, and the file of them. Chosen arbitrarily. */
export const MCP_TOOLS_MAX = 4_096
export const MCP_TOOLS_BYTES_MAX = 8 * MIB
/** Tools of which one call tells that they changed: a record each. */
export const TOOLS_CHANGED_MAX = 64
/** Connections to the daemon that an enforcement point keeps for its next questions. */
export const CONNECTIONS_KEPT_MAX = 8
/** A call that is answered by then was never watched, which takes a connection and is most calls: a stop is noticed so much later. */
export const MCP_WATCH_AFTER_MS = 50
