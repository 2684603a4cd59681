/** Looking through a long log: a query with verified reads, a proof, an opening, and the room it takes. */
import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CHECK_NAMES } from '../../src/core/checks/check.ts'
import { closeWith } from '../../src/core/closing.ts'
import { parseDelegation, signDelegation } from '../../src/core/delegation.ts'
import { objectOf } from '../../src/core/ipld.ts'
import { signerOf } from '../../src/core/keys.ts'
import { EXHIBITS_SHARING_MAX } from '../../src/core/limits.ts'
import { type Body, formatDraft } from '../../src/core/record.ts'
import { formatBundle } from '../../src/core/tile.ts'
import { systemClock } from '../../src/daemon/system.ts'
import { Log } from '../../src/mesh/log.ts'
import { LogReader } from '../../src/mesh/log-reader.ts'
import { searchRecords } from '../../src/mesh/record-search.ts'
import { createStore } from '../../src/storage/create.ts'
import { LevelStore } from '../../src/storage/level.ts'
import { openLab } from './lab.ts'
import { median, ms, percentile, type Row, type Section } from './table.ts'

/** A tenth of the million that the goals are about, or what the environment says. */
const RECORDS = Number(process.env['MESHD_BENCH_RECORDS'] ?? 100_000)
const WRITERS = 128
const LOOKS = 200
const LOOKS_AT_REST = 5
const LOOK_MS = 500
const RESERVE = { bytes: 1024 * 1024 }
const GIB = 1024 ** 3

const hex = (text: string) => createHash('sha256').update(text).digest('hex')
const did = (n: number) => signerOf(Buffer.from(hex(`agent ${n}`), 'hex')).did
const AGENTS = Array.from({ length: 20 }, (_, n) => did(n))
const DIGITS = 'abcdefghijklmnopqrstuvwxyz234567'
/** As a digest looks in base32: nothing that a table could compress. */
const cid = (text: string) =>
  `bafyrei${[...Buffer.from(hex(text) + hex(`${text}.`), 'hex')]
    .slice(0, 52)
    .map((byte) => DIGITS[byte % 32])
    .join('')}` as `bafyrei${string}`

export async function audit(): Promise<Section> {
  await using lab = openLab()
  const directory = lab.folder('log')
  await fill(directory)
  await atRest(directory)
  const bytes = sizeOf(directory) * (1_000_000 / RECORDS)
  const openedMs: number[] = []
  for (let round = 0; round < 3; round += 1) {
    const startMs = performance.now()
    const store = await LevelStore.open(directory, RESERVE)
    openedMs.push(performance.now() - startMs)
    await store.close()
  }
  const store = await LevelStore.open(directory, RESERVE)
  const reader = new LogReader({ store, log: { tree: store.tree, epoch: 1, seal: () => {} } })
  const queries = await timed((i) => newestOf(reader, AGENTS[i % AGENTS.length] as string))
  const proofs = await timed((i) => reader.inclusion((i * 7_919) % RECORDS))
  await store.close()
  const p50 = (values: readonly number[]) =>
    `p50 ${ms(median(values))}, p99 ${ms(percentile(values, 0.99))}`
  const row = (what: string, ours: string, says: string, met: boolean): Row => ({
    ...{ what, ours, floor: '', ratio: null, goal: { says, met } },
  })
  return {
    title: 'Audit',
    how: `A log of ${RECORDS} decisions of 20 agents (MESHD_BENCH_RECORDS). A query gives the 100 newest of one of them, each hashed against the tree and compared; ${LOOKS} of each. What is on disk, with ids and the search index, once nobody writes, is scaled to a million.`,
    rows: [
      row('100 newest of one principal', p50(queries), 'p50 ≤ 5 ms', median(queries) <= 5),
      row('inclusion proof', p50(proofs), 'p50 ≤ 2 ms', median(proofs) <= 2),
      row('opening the log', ms(median(openedMs)), '≤ 1 s', median(openedMs) <= 1_000),
      row(
        'on disk, a million records',
        `${(bytes / GIB).toFixed(2)} GiB`,
        '≤ 0.5 GB',
        bytes <= 5e8,
      ),
    ],
  }
}

async function newestOf(reader: LogReader, principal: string): Promise<void> {
  const filter = { terms: { principal }, sinceMs: null, untilMs: null }
  const signal = new AbortController().signal
  const { found } = await searchRecords(reader, { filter, before: null, limit: 100, signal })
  if (found.length !== 100) throw new Error(`${found.length} records were found`)
}

async function timed(run: (i: number) => Promise<unknown>): Promise<readonly number[]> {
  const took: number[] = []
  for (let i = 0; i < LOOKS; i += 1) {
    const startMs = performance.now()
    await run(i)
    took.push(performance.now() - startMs)
  }
  return took
}

async function fill(directory: string): Promise<void> {
  const store = await createStore(directory, RESERVE)
  const log = await Log.open({ store, clock: systemClock(), node: did(99) })
  log.openForAppends()
  let next = 0
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      while (next < RECORDS) {
        next += 1
        const n = next
        await log.append(formatDraft<'decision'>(decision(n)), () => [], exhibit(n))
      }
    }),
  )
  await log.close()
  await store.close()
}

/** Old records go into packs while nobody writes: until nothing changes any more. */
async function atRest(directory: string): Promise<void> {
  const store = await LevelStore.open(directory, RESERVE)
  let [size, same] = [0, 0]
  while (same < LOOKS_AT_REST) {
    await new Promise((done) => setTimeout(done, LOOK_MS))
    const now = sizeOf(directory)
    same = now === size ? same + 1 : 0
    size = now
  }
  await store.close()
}

const ISSUER = signerOf(Buffer.from(hex('issuer'), 'hex'))
const HOLDERS = AGENTS.map((_, n) => signerOf(Buffer.from(hex(`agent ${n}`), 'hex')))
const LINKS = HOLDERS.map(({ did: aud }, n) =>
  parseDelegation(
    signDelegation(
      {
        ...{
          aud,
          sub: ISSUER.did,
          cmd: '/tool',
          nonce: Buffer.from(hex(`${n}`), 'hex').subarray(0, 12),
        },
        ...{ pol: [], meta: objectOf([]), expS: 2_000_000_000, nbfS: null },
      },
      ISSUER,
    ),
  ),
)

/** What is kept beside a decision: its link, which others have too, and its invocation, which is its own. */
function exhibit(n: number): Uint8Array {
  const at = (n * 7) % AGENTS.length
  const [link, holder] = [LINKS[at], HOLDERS[at]]
  if (link === undefined || holder === undefined) throw new Error('everybody holds a link')
  const invocation = closeWith(
    {
      ...{ aud: did(99), sub: ISSUER.did, prf: [link.cid], cause: null, meta: objectOf([]) },
      asked: {
        ...{ action: n % 3 === 0 ? 'tool:read' : 'tool:search', subject: null },
        resource: { type: 'repo', id: `acme/${n % 1_000}` },
        args: objectOf([['path', `/srv/${n % 200}`]]),
      },
      nonce: Buffer.from(hex(`nonce ${n}`), 'hex').subarray(0, 12),
      ...{ expS: 1_795_000_000 + n, iatS: 1_794_999_990 + n },
    },
    holder,
  )
  // The link stands with one of 256.
  const first = n % EXHIBITS_SHARING_MAX < AGENTS.length
  return formatBundle(first ? [invocation.bytes, link.bytes] : [invocation.bytes])
}

/** As an allow by a held artifact looks, with what differs from one to the next. */
function decision(n: number): Body<'decision'> {
  const principal = AGENTS[(n * 7) % AGENTS.length] as Body<'decision'>['principal'] & string
  const artifact = cid(`artifact ${n % 50}`)
  const issuer = did(1_000)
  const empty = { digest: hex('{}'), value: {} }
  const mesh = `sha256:${hex('mesh')}` as const
  return {
    type: 'decision',
    effect: 'allow',
    ...{ code: null, detail: null, hint: null, observed: null, gateway: null, supersedes: null },
    checks: CHECK_NAMES.map((name, i) => ({
      ...{ code: null, detail: DETAILS[i] ?? '', n: i + 1, name, ok: true },
    })),
    request: {
      action: n % 3 === 0 ? 'tool:read' : 'tool:search',
      args: { digest: hex(`args ${n % 200}`), value: { path: `/srv/${n % 200}` } },
      ...{ cause: null, claims: empty, digest: hex(`request ${n}`) },
      resource: { id: `acme/${n % 1_000}`, type: 'repo' },
      ...{ subject: null, traceparent: null },
    },
    artifact,
    invocation: cid(`invocation ${n}`),
    links: [artifact],
    principal,
    principals: [issuer, principal],
    policies: [{ bundle: 'agents', policy: 'agents-read-docs', version: 7 }],
    bundles: [{ bundle: 'agents', id: mesh, version: 7 }],
    policyDigest: hex('policies'),
    governance: { digest: hex('governance'), mesh, root: 3 },
    lease: {
      ...{ clockOffsetMs: 3, clockTrusted: true, held: true, need: 2, of: 3, why: null },
      remainingMs: (n * 37) % 60_000,
      stalenessMs: null,
      witnesses: [did(1_001), did(1_002)],
    },
    caller: {
      ...{ gid: 1001, identified: true, name: 'planner', pid: 20_000 + (n % 5_000), principal },
      ...{ socket: '/run/meshd/meshd.sock', uid: 1001 },
    },
    facts: { digest: hex(`facts ${n % 100}`), value: { node: { id: did(99), name: 'atlas' } } },
    unrecorded: 0,
    durationUs: (n * 13) % 1_000,
  }
}

const DETAILS = [
  'well-formed; artifact art_fml7soqh, from the wallet',
  '2 of 2 good (1 delegation, 1 invocation); alice is an issuer in root v3',
  '3 min 55 s left; nonce not seen before',
  'uid 1001 · node atlas   (from the kernel, not from the caller)',
  'no condition',
  'no cause named; alice → planner unbroken',
  'node in good standing',
  '42 s left; atlas itself and borealis signed 5c1e09aa (2 of 3); clock +3 ms from the median',
  'granted tool on repo:acme/*',
  'agents@7 "agents-read-docs" permits',
  'none of 13 revocations, 0 freezes apply',
  'this record was durable before the answer',
]

function sizeOf(directory: string): number {
  return (
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'reserve')
      .map(({ parentPath, name }) => statSync(join(parentPath, name), { throwIfNoEntry: false }))
      // A file that was compacted away meanwhile takes no room.
      .reduce((sum, stat) => sum + (stat?.size ?? 0), 0)
  )
}
