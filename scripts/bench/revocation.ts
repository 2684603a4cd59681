/**
 * From the moment a revocation is handed to one node until every node denies
 * what it covers, told by the same probe as the floor's.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import type { RootView } from '../../src/client/types.ts'
import { textOf } from '../../src/core/bytes.ts'
import { formatEnvelope, signEnvelope } from '../../src/core/dsse.ts'
import type { Cid, StatementId } from '../../src/core/id.ts'
import { formatStatement } from '../../src/core/statement/statement.ts'
import { KeyStore } from '../../src/daemon/key-store.ts'
import { openFlood } from './flood.ts'
import { type Lab, openLab } from './lab.ts'
import { allowed, askOnce, denied, hangUp, type Question } from './probe.ts'
import { atMost, median, ms, percentile, type Row, type Section } from './table.ts'

const SINGLES = 10
const BURST = 100
const SIZES = [5, 15] as const
const TTL_MS = 3_600_000

interface Timing {
  /** For each revocation, the time until the last node denied; null when one never did. */
  readonly all: readonly (number | null)[]
}

export async function revocation(): Promise<Section> {
  const rows: Row[] = []
  for (const nodes of SIZES) {
    await using lab = openLab()
    const floor = await ofFlood(lab, nodes)
    const ours = await ofMesh(lab, nodes)
    hangUp()
    rows.push(row(`${nodes} nodes, one at a time`, ours.single, floor.single, nodes))
    rows.push(row(`${nodes} nodes, burst of ${BURST}`, ours.burst, floor.burst, nodes))
  }
  return {
    title: 'Revocation: published to enforced on every node',
    how: `Real processes on this machine, ${SINGLES} single revocations and one burst of ${BURST}; the time until the last node answers a decision with a deny. Floor: a flood of degree 8 over TCP, one Ed25519 verification and one fdatasync a node, observed by the same probe.`,
    rows,
  }
}

interface Both {
  readonly single: Timing
  readonly burst: Timing
}

async function ofFlood(lab: Lab, nodes: number): Promise<Both> {
  const flood = await openFlood(lab, nodes)
  const run = async (count: number) => {
    const { ids, startMs } = await flood.begin(count)
    return enforced(flood.sockets, ids.map(flood.question), startMs)
  }
  const single: (number | null)[] = []
  for (let i = 0; i < SINGLES; i += 1) single.push(...(await run(1)).all)
  return { single: { all: single }, burst: await run(BURST) }
}

/** Each question at each node until it is denied; all nodes at once, questions in turn. */
async function enforced(
  sockets: readonly string[],
  questions: readonly Question[],
  startMs: number,
): Promise<Timing> {
  const byNode = await Promise.all(
    sockets.map(async (socket) => {
      const times: (number | null)[] = []
      for (const question of questions) times.push(await denied(socket, question, startMs))
      return times
    }),
  )
  return {
    all: questions.map((_, i) => {
      const times = byNode.map((each) => each[i] ?? null)
      return times.includes(null) ? null : Math.max(...times.map(Number))
    }),
  }
}

async function ofMesh(lab: Lab, nodes: number): Promise<Both> {
  const keyStore = lab.folder('operator')
  const hosts = Array.from(
    { length: nodes },
    (_, i) => new Host({ name: `n${i}`, dir: lab.folder(`n${i}`), keyStore }),
  )
  try {
    const [first] = hosts
    if (first === undefined) throw new Error('a mesh has a node')
    await assemble(first, hosts)
    const artifacts = await issue(first, lab, SINGLES + BURST)
    const sockets = hosts.map((host) => join(host.socketsDir, 'meshd.sock'))
    // Warm, and a check that nothing is denied for another reason.
    for (const socket of sockets)
      for (const { question } of artifacts)
        if (!(await allowed(socket, question))) throw new Error(await askOnce(socket, question))
    const revoke = await revoker(first)
    const run = async (chosen: typeof artifacts) => {
      const envelopes = chosen.map(({ cid }) => revoke.sign(cid))
      const startMs = performance.now()
      void Promise.all(envelopes.map(revoke.submit))
      return enforced(
        sockets,
        chosen.map(({ question }) => question),
        startMs,
      )
    }
    const single: (number | null)[] = []
    for (let i = 0; i < SINGLES; i += 1) single.push(...(await run(artifacts.slice(i, i + 1))).all)
    return { single: { all: single }, burst: await run(artifacts.slice(SINGLES)) }
  } finally {
    await Promise.all(hosts.map((host) => host.stop()))
  }
}

async function assemble(first: Host, hosts: readonly Host[]): Promise<void> {
  await first.do('init', '--mesh', 'bench')
  for (const host of hosts) {
    host.start()
    await host.answers(30_000)
    if (host === first) continue
    const line = await first.do('invite', 'create', '--name', host.name, '-o', 'id')
    await host.do('peer', 'join', line.trim(), '--timeout', '30s')
  }
  const witnesses = hosts.slice(0, 3).map(({ name }) => name)
  await first.do('wait', '--for', `peers=${hosts.length - 1}`, '--timeout', '60s')
  await first.do('root', 'rotate', '--witnesses', witnesses.join(','), '--yes')
  for (const host of hosts) {
    await host.do('wait', '--for', 'ready', '--timeout', '60s')
    await host.do('key', 'create', 'caller', '--for', `uid=${process.getuid?.() ?? 0}`)
  }
}

interface Issued {
  readonly cid: Cid
  readonly question: Question
}

/** Artifacts for the same key on every node: each node's caller has its own key, so each brings its own invocation. */
async function issue(first: Host, lab: Lab, count: number): Promise<readonly Issued[]> {
  const issued: Issued[] = []
  await first.do('key', 'create', 'agent')
  for (let i = 0; i < count; i += 1) {
    const file = join(lab.dir, `${i}.ucan`)
    const resource = `repo:acme/${i}`
    const out = await first.do(
      ...['artifact', 'issue', '--to', 'agent', '--action', 'tool:search', '--resource', resource],
      ...['--ttl', '1h', '-f', file, '-o', 'id'],
    )
    const body = JSON.stringify({
      subject: { type: 'principal', id: 'agent' },
      action: { name: 'tool:search' },
      resource: { type: 'repo', id: `acme/${i}` },
    })
    const artifact = readFileSync(file, 'utf8').trim()
    const question = {
      path: '/access/v1/evaluation',
      body,
      headers: { 'meshd-artifact': artifact },
    }
    issued.push({ cid: out.trim(), question })
  }
  return issued
}

async function revoker(first: Host) {
  const { item: root } = await first.ask<{ item: RootView }>('root', 'show')
  const store = new KeyStore(first.env)
  const key = store.list().find(({ own, did }) => own && root.roles['revoker']?.keys.includes(did))
  if (key === undefined) throw new Error('nobody may revoke')
  const signer = store.signer(key.name, null)
  const common = { mesh: root.mesh as StatementId, root: root.version, message: null }
  return {
    sign: (cid: Cid): string => {
      const issuedMs = Date.now()
      const payload = formatStatement({
        type: 'revocation',
        ...common,
        issuedMs,
        target: { kind: 'link', cid },
        untilMs: issuedMs + TTL_MS,
        chain: [],
      })
      return textOf(formatEnvelope(signEnvelope('revocation', payload, [signer])))
    },
    submit: (body: string) =>
      askOnce(join(first.socketsDir, 'admin.sock'), { path: '/v1/statements', body }),
  }
}

function row(what: string, ours: Timing, floor: Timing, nodes: number): Row {
  const times = ours.all.filter((each) => each !== null)
  const floors = floor.all.filter((each) => each !== null)
  const ratio = median(times) / median(floors)
  const share = Math.round((times.length / ours.all.length) * 100)
  const text = (all: readonly number[]) =>
    `p50 ${ms(median(all))}, p99 ${ms(percentile(all, 0.99))}`
  const goal = atMost(2, ratio)
  return {
    what,
    ours: `${text(times)}, ${share} % of ${ours.all.length} enforced on ${nodes}`,
    floor: text(floors),
    ratio,
    goal: goal === null ? null : { says: '≤ 2, 100 %', met: goal.met && share === 100 },
  }
}
