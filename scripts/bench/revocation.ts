/**
 * From the moment a revocation is handed to one node until every node denies
 * what it covers, told by the same probe as the floor's.
 */
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
import { callerOf, headerOf, type LocalCaller, linkOf } from './links.ts'
import { ALLOW, askOnce, denied, hangUp, type Probe } from './probe.ts'
import { atMost, median, ms, percentile, type Row, type Section } from './table.ts'

const SINGLES = 10
const BURST = 100
const SIZES = [5, 15] as const
const TTL_MS = 3_600_000
const DENY = '"decision":false'

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
    how: `Real processes on this machine, ${SINGLES} single revocations and one burst of ${BURST}; the time until the last node answers a decision with a deny, for this reason; each node is asked again 2 ms after its answer. Floor: a flood of degree 8 over TCP, one Ed25519 verification and one fdatasync a node, observed by the same probe.`,
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
    const victims = ids.map((id) =>
      flood.sockets.map((socket) => ({ socket, question: flood.question(id), deny: DENY })),
    )
    return enforced(nodes, victims, startMs)
  }
  const single: (number | null)[] = []
  for (let i = 0; i < SINGLES; i += 1) single.push(...(await run(1)).all)
  return { single: { all: single }, burst: await run(BURST) }
}

/** Each question at each node until it is denied; all nodes at once, questions in turn. */
async function enforced(
  nodes: number,
  victims: readonly (readonly Probe[])[],
  startMs: number,
): Promise<Timing> {
  const byNode = await Promise.all(
    Array.from({ length: nodes }, async (_, node) => {
      const times: (number | null)[] = []
      for (const probes of victims) {
        const probe = probes[node]
        times.push(probe === undefined ? null : await denied(probe, startMs))
      }
      return times
    }),
  )
  return {
    all: victims.map((_, i) => {
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
    const victims = await issue(first, hosts, SINGLES + BURST)
    await checkAllowed(victims)
    const revoke = await revoker(first)
    const run = async (chosen: readonly Victim[]) => {
      const bodies = chosen.map(({ cid }) => revoke.sign(cid))
      const startMs = performance.now()
      const taken = Promise.all(bodies.map(revoke.submit))
      const timing = await enforced(
        nodes,
        chosen.map(({ probes }) => probes),
        startMs,
      )
      await taken
      return timing
    }
    const single: (number | null)[] = []
    for (let i = 0; i < SINGLES; i += 1) single.push(...(await run(victims.slice(i, i + 1))).all)
    return { single: { all: single }, burst: await run(victims.slice(SINGLES)) }
  } finally {
    await Promise.all(hosts.map((host) => host.stop()))
  }
}

/** Warm, and a check that nothing is denied for another reason. */
async function checkAllowed(victims: readonly Victim[]): Promise<void> {
  for (const { probes } of victims)
    await Promise.all(
      probes.map(async ({ socket, question }) => {
        const said = await askOnce(socket, question)
        if (!said.includes(ALLOW)) throw new Error(said)
      }),
    )
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
  for (const host of hosts) await host.do('wait', '--for', 'ready', '--timeout', '60s')
}

/** What is revoked, and the question that it answers at each node. */
interface Victim {
  readonly cid: Cid
  readonly probes: readonly Probe[]
}

/** One first link for each revocation, and below it a link for the caller of each node. */
async function issue(
  first: Host,
  hosts: readonly Host[],
  count: number,
): Promise<readonly Victim[]> {
  const keys = new KeyStore(first.env)
  const agent = keys.create('agent', null).did
  const [issuer, middle] = [keys.signer('founder', null), keys.signer('agent', null)]
  const callers: LocalCaller[] = []
  for (const host of hosts) callers.push(await callerOf(host))
  const sockets = hosts.map((host) => join(host.socketsDir, 'meshd.sock'))
  return Array.from({ length: count }, (_, i) => {
    const id = `acme/${i}`
    const link = linkOf({ above: [], to: agent, resource: `repo:${id}`, signer: issuer })
    const probes = callers.map(({ name, principal }, node): Probe => {
      const plan = { above: [link], to: principal, resource: `repo:${id}`, signer: middle }
      const body = JSON.stringify({
        subject: { type: 'principal', id: name },
        action: { name: 'tool:search' },
        resource: { type: 'repo', id },
      })
      const headers = headerOf([link, linkOf(plan)])
      const question = { path: '/access/v1/evaluation', body, headers }
      return { socket: sockets[node] ?? '', question, deny: '"REVOKED"' }
    })
    return { cid: link.cid, probes }
  })
}

async function revoker(first: Host) {
  const { item: root } = await first.ask<{ item: RootView }>('root', 'show')
  const store = new KeyStore(first.env)
  const signer = store.signer('founder', null)
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
    submit: async (body: string) => {
      const path = '/v1/statements'
      const said = await askOnce(join(first.socketsDir, 'admin.sock'), { path, body })
      if (!said.includes('"effective"')) throw new Error(said)
    },
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
