/**
 * `GET /v1/doctor`: everything that can be checked from inside, group by group,
 * each finding with the command that mends it. It looks; it changes nothing.
 */
import type { PeerView } from '../client/peer-types.ts'
import type { DoctorView } from '../client/types.ts'
import { isBug } from '../core/assert.ts'
import { CERTIFICATE_WARNING_MS } from '../core/limits.ts'
import { selfTest } from '../core/self-test.ts'
import { type Reach, reachOf } from '../daemon/reach.ts'
import { peerNamed, peerViews } from './peers.ts'
import { json, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { statusOf } from './status.ts'
import { itemView, modeText } from './view.ts'

type Group = DoctorView['groups'][number]
type Finding = Group['findings'][number]

export function doctorRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/doctor',
      roles: READ,
      handle: (ask) => {
        const name = ask.query.get('with')
        const peers = name === null ? peerViews(services) : [peerNamed(services, name)]
        const item = { groups: groupsOf(services, peers) }
        return json(itemView('Doctor', item, services.seenFrom()))
      },
    },
  ]
}

const ok = (says: string): Finding => ({ level: 'ok', says, fix: null })
const warning = (says: string, fix: string | null = null): Finding => ({
  level: 'warning',
  says,
  fix,
})
const error = (says: string, fix: string): Finding => ({ level: 'error', says, fix })

function groupsOf(services: Services, peers: readonly PeerView[]): readonly Group[] {
  return [
    { name: 'Daemon', findings: daemon(services) },
    { name: 'Identity', findings: identity(services) },
    { name: 'Kernel facts', findings: kernelFacts(services) },
    ...collecting(services),
    { name: 'Clock', findings: clock(services) },
    { name: 'Network', findings: network(services, peers) },
    { name: 'Governance', findings: governance(services) },
    { name: 'Storage', findings: storage(services) },
    { name: 'Crypto', findings: crypto() },
  ]
}

function daemon(services: Services): readonly Finding[] {
  const { pid, version, sockets } = services
  const modes = sockets().map(({ mode }) => modeText(mode))
  return [
    ok(`running, pid ${pid}, ${version}`),
    ok(`sockets ${modes.join(', ')}`),
    ...https(services),
  ]
}

function https(services: Services): readonly Finding[] {
  const at = services.https()
  if (at === null) return []
  const says = `https ${at.listen}, its certificate good until ${new Date(at.certUntilMs).toISOString().slice(0, 10)}`
  const fix = 'another api.tcp.cert, then meshd config reload'
  const leftMs = at.certUntilMs - services.clock.wallMs()
  if (leftMs <= 0) return [error(says, fix)]
  return [leftMs < CERTIFICATE_WARNING_MS ? warning(says, fix) : ok(says)]
}

function identity({ node }: Services): readonly Finding[] {
  const member = node.statements.governance.members.get(node.self)
  if (node.statements.mesh === null)
    return [error('this node belongs to no mesh', 'meshd peer join <multiaddr|invite>')]
  if (member === undefined)
    return [error('this node is no member yet', `meshd peer approve ${node.self}, on a member`)]
  return [ok(`member until ${new Date(member.expiresMs).toISOString().slice(0, 10)}`)]
}

function kernelFacts({ kernelFacts: known }: Services): readonly Finding[] {
  if (known === 'none')
    return [warning('the kernel does not say who connects: give each caller a socket of its own')]
  if (known === 'credentials')
    return [
      ok('peer credentials'),
      warning('no executable, unit or container of callers: this needs Linux 6.5'),
    ]
  return [ok('peer credentials and processes'), ...withinReach(reachOf())]
}

function withinReach({ processes, executables }: Reach): readonly Finding[] {
  if (!processes)
    return [
      warning("other users' processes are hidden", 'ProtectProc=default in the unit of meshd'),
    ]
  if (executables) return [ok('executables, units and containers')]
  const fix = 'AmbientCapabilities=CAP_SYS_PTRACE in the unit of meshd'
  return [ok('units and containers'), warning('no exe digest of other users', fix)]
}

/** No group where there are none. */
function collecting(services: Services): readonly Group[] {
  const findings = services
    .collectors()
    .map(({ name, failure }) =>
      failure === null
        ? ok(`${name} is fresh`)
        : warning(`${name}: ${failure}`, 'what depends on it is denied; run its command by hand'),
    )
  return findings.length === 0 ? [] : [{ name: 'Collectors', findings }]
}

function clock({ node }: Services): readonly Finding[] {
  const { clockOffsetMs, clockTrusted } = node.lease.status()
  if (!clockTrusted)
    return [error(`${rounded(clockOffsetMs)} ms from the median of the witnesses`, 'set the clock')]
  if (clockOffsetMs === null) return [warning('no other witness to compare the clock with')]
  return [ok(`${rounded(clockOffsetMs)} ms from the median of the witnesses`)]
}

function rounded(ms: number | null): string {
  return ms === null ? '?' : String(Math.round(ms))
}

function network(services: Services, peers: readonly PeerView[]): readonly Finding[] {
  const listening = services.network.addresses()
  const own = services.isolated()
    ? error('isolated: every connection is refused', 'meshd peer isolate --off')
    : listening.length === 0
      ? error('listens nowhere', 'look at mesh.listen')
      : ok(`listening on ${listening[0]?.replace(/\/p2p\/.*/, '')}`)
  return [own, ...peers.filter(({ state }) => state !== 'self').map(linkFinding)]
}

function linkFinding(peer: PeerView): Finding {
  const name = peer.name ?? peer.did
  if (peer.state === 'pending')
    return warning(`${name} waits for admission`, `meshd peer approve ${peer.did}`)
  if (peer.state === 'suspended')
    return warning(`${name} is suspended`, `meshd unfreeze node:${name}`)
  if (peer.state === 'distrusted')
    return warning(`${name} is distrusted: its log has two histories`, `meshd peer show ${name}`)
  // It is away because it is meant to be.
  if (peer.state === 'revoked') return ok(`${name} is revoked`)
  if (peer.link !== null) return ok(`${name} connected`)
  const why = peer.lastError ?? 'not connected'
  return error(`${name}: ${why}`, `start its daemon, or: meshd peer show ${name}`)
}

function governance(services: Services): readonly Finding[] {
  const { governance: held, notReady } = statusOf(services)
  const bundles = held.bundles.filter(({ conflict }) => conflict !== null)
  return [
    ok(`${held.size} ${held.size === 1 ? 'statement' : 'statements'} verified`),
    ...notReady.map((why) => error(why, fixOf(why, services))),
    ...bundles.map(({ bundle, conflict }) =>
      error(`bundle ${bundle}: ${conflict}`, `meshd policy list`),
    ),
    ...held.bundles
      .filter(({ revoked }) => revoked !== null)
      .map(({ bundle, version }) =>
        error(`${bundle}@${version} is revoked`, 'meshd policy publish, or meshd policy rollback'),
      ),
  ]
}

/** What ends it: a policy has to be made, and a boot check needs its witnesses, or an operator's word. */
function fixOf(why: string, { node, name }: Services): string {
  if (why.startsWith('POLICY_')) return 'meshd policy publish'
  const evidence = node.statements.governance.distrusted.get(node.self)
  if (evidence !== undefined)
    return `stop every other daemon with its keys; then, elsewhere: meshd root rotate --lift ${evidence.id}, and: meshd peer epoch ${name}`
  if (node.boot.why === null) return 'meshd mesh status'
  return `start the other witnesses; where they are lost: meshd peer epoch ${name} --overrule-boot-check`
}

function storage(services: Services): readonly Finding[] {
  const { node } = services
  const { log, scrub } = node
  if (log.sealed !== null) {
    const fix = log.mendable ? 'start a member that holds a copy of this log' : 'meshd audit verify'
    return [error(`the log is sealed: ${log.sealed}`, fix)]
  }
  const low = node.low === null ? ok('disk reserve intact') : error(node.low, 'free disk space')
  return [
    low,
    ok(`${log.tree.size} records, scrub ${scrub.percent} %`),
    ...copies(services),
    ...returned(services),
  ]
}

/** What had been lost, since the start. */
function returned({ node, nameOf }: Services): readonly Finding[] {
  const { restored } = node.refetch
  const { length } = node.mend.mended
  const mended =
    length === 0
      ? []
      : [warning(`${length} damaged records were put back from mirrors`, 'look at this disk')]
  if (restored === null) return mended
  const { from, to, mirror } = restored
  const says = `this disk had lost records ${from} to ${to - 1}: they came back from ${nameOf(mirror) ?? mirror}`
  return [warning(says, 'look for what set the disk back'), ...mended]
}

/** Copies of this log elsewhere, and of other logs here. */
function copies({ node }: Services): readonly Finding[] {
  const { mirroring, mirror, records, log } = node
  const { logs, bytes } = mirror.held
  const here = logs === 0 ? [] : [ok(`copies of ${logs} other logs, ${bytes} bytes`)]
  if (mirroring.wanted === 0) return here
  const holding = mirroring.holders().size
  const says = `${records.mirroredSize} of ${log.tree.size} records mirrored, by ${holding} of ${mirroring.wanted} members`
  if (holding >= mirroring.wanted) return [ok(says), ...here]
  return [warning(says, 'set audit.mirror on more members'), ...here]
}

/** It held at the start, or the daemon would not run; memory that goes bad later shows here. */
function crypto(): readonly Finding[] {
  try {
    selfTest()
    return [ok('self-test: ed25519 acceptance, sha-256, merkle')]
  } catch (deviation) {
    // The one bug that is looked for: it is the finding.
    if (!isBug(deviation)) throw deviation
    return [error(`self-test fails: ${deviation.message}`, 'stop this daemon')]
  }
}
