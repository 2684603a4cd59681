/**
 * `meshd demo`: three real daemons on this machine, and the whole argument in
 * ten seconds: allow, revoke, deny, cut off, prove. Every step is a command
 * that a person could type; nothing here is staged but the order.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DecisionView, SpreadView } from '../client/types.ts'
import { shortId } from '../core/id.ts'
import { MeshError } from '../core/problems.ts'
import { packageRoot } from './package.ts'
import { Host } from './stage.ts'
import { caughtWithoutOne, proveDecisions } from './story-proof.ts'
import { duration } from './text.ts'

const POLICY = join(packageRoot(), 'config/demo-policy')
const STALENESS = '2s'
const NAMES = ['atlas', 'borealis', 'cygnus'] as const
const ASK = ['--action', 'tool:search', '--resource', 'repo:acme/web'] as const
const STALE_MS_MAX = 8_000

export interface StoryOptions {
  /** Leave the three running, and their files. */
  readonly keep: boolean
  readonly say: (line: string) => void
  readonly monotonicMs: () => number
  readonly signal: AbortSignal
}

type Hosts = readonly [atlas: Host, borealis: Host, cygnus: Host]

/** Tells the story once. @throws MeshError at the first step that does not happen */
export async function tell(options: StoryOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'meshd-demo-'))
  chmodSync(dir, 0o700)
  const keyStore = join(dir, 'operator')
  const [atlas, borealis, cygnus] = NAMES.map(
    (name) => new Host({ name, dir: join(dir, name), keyStore }),
  ) as [Host, Host, Host]
  const hosts: Hosts = [atlas, borealis, cygnus]
  const began = options.monotonicMs()
  const teller = new Teller(() => options.monotonicMs() - began, options.say)
  options.say(`meshd demo · three daemons on this machine · lease staleness 2 s · files in ${dir}`)
  let told = false
  try {
    await meet(hosts, teller)
    await decide(hosts, teller, dir)
    await cutOff(hosts, teller, dir, options.monotonicMs)
    await prove(hosts, teller, dir)
    told = true
  } finally {
    if (told && options.keep) leave(hosts, options.say)
    else await clear(hosts, dir, told)
  }
}

/** One line a step: when it was, what happened, and what it says. */
class Teller {
  readonly #elapsedMs: () => number
  readonly #say: (line: string) => void

  constructor(elapsedMs: () => number, say: (line: string) => void) {
    this.#elapsedMs = elapsedMs
    this.#say = say
  }

  step(what: string, who: string, says = ''): void {
    const at = `${(this.#elapsedMs() / 1000).toFixed(1)} s`
    this.#say(`${at.padStart(7)}  ${what.padEnd(10)} ${who.padEnd(36)} ${says}`.trimEnd())
  }
}

async function meet([atlas, ...others]: Hosts, teller: Teller): Promise<void> {
  for (const host of others) host.start()
  await atlas.do('init', '--mesh', 'demo', '--staleness', STALENESS)
  atlas.start()
  await Promise.all([atlas, ...others].map((host) => host.answers()))
  teller.step('started', NAMES.join(', '))
  await Promise.all(
    others.map(async (host) => {
      const line = await atlas.do('invite', 'create', '--name', host.name, '-o', 'id')
      await host.do('peer', 'join', line.trim())
    }),
  )
  await atlas.do('wait', '--for', 'peers=2')
  await atlas.do('root', 'rotate', '--witnesses', NAMES.join(','), '--yes')
  await Promise.all([atlas, ...others].map((host) => host.do('wait', '--for', 'ready')))
  teller.step('meshed', '3 of 3 ready', 'lease 2 of 3 witnesses, commit 2 of 3')
}

async function decide([atlas, , cygnus]: Hosts, teller: Teller, dir: string): Promise<void> {
  await atlas.do('policy', 'publish', POLICY, '-m', 'what agents may do', '--yes', '--wait=all')
  teller.step('policy', 'demo@1 effective on 3 of 3')
  await cygnus.do('key', 'create', 'planner', '--for', `uid=${process.getuid?.() ?? 0}`)
  const cid = await issue(cygnus, join(dir, 'first.ucan'))
  teller.step('artifact', shortId('art', cid), 'planner may tool:search on repo:acme/*')
  const allowed = await authorize(cygnus)
  expect(allowed, true, null)
  teller.step('ALLOW', 'planner tool:search on cygnus', decisionText(allowed))
  const spread = await revoke(atlas, cid)
  teller.step('revoked', `${shortId('art', cid)} at atlas`, spreadText(spread))
  const denied = await authorize(cygnus)
  expect(denied, false, 'REVOKED')
  teller.step('DENY', 'planner tool:search on cygnus', decisionText(denied))
}

/** A second artifact that nobody revokes: what stops it is the silence alone. */
async function cutOff(
  [, , cygnus]: Hosts,
  teller: Teller,
  dir: string,
  monotonicMs: () => number,
): Promise<void> {
  await issue(cygnus, join(dir, 'second.ucan'))
  expect(await authorize(cygnus), true, null)
  await cygnus.do('peer', 'isolate')
  teller.step('cut off', 'cygnus, with a second artifact', 'every connection refused')
  const untilMs = monotonicMs() + STALE_MS_MAX
  for (;;) {
    const decision = await authorize(cygnus)
    if (!decision.decision) {
      expect(decision, false, 'GOVERNANCE_STALE')
      teller.step(
        'DENY',
        'planner tool:search on cygnus',
        `${decision.code}: alone, it stopped by itself`,
      )
      return
    }
    if (monotonicMs() > untilMs) throw new MeshError('BUG', 'the isolated node still allows')
    await new Promise((done) => setTimeout(done, 250))
  }
}

/** Connected again, so that the witnesses can cosign what it did alone. */
async function prove([, , cygnus]: Hosts, teller: Teller, dir: string): Promise<void> {
  await cygnus.do('peer', 'isolate', '--off')
  const proof = await proveDecisions(cygnus, dir)
  teller.step('PROVEN', 'cygnus, offline, against root.json', proof.says)
  const caught = await caughtWithoutOne(cygnus, proof)
  teller.step('CAUGHT', 'one record removed from a copy', caught)
}

async function issue(host: Host, file: string): Promise<string> {
  const grant = ['--to', 'planner', '--action', 'tool:search', '--resource', 'repo:acme/*']
  const out = await host.do(
    'artifact',
    'issue',
    ...grant,
    '--ttl',
    '10m',
    '-f',
    file,
    '--hold',
    '-o',
    'id',
  )
  return out.trim()
}

async function authorize(host: Host): Promise<DecisionView> {
  const said = await host.run('authorize', ...ASK, '--json')
  if (said.status !== 0 && said.status !== 2)
    throw new MeshError('INVALID_ANSWER', `${host.name}: ${said.stderr.trim()}`)
  return (JSON.parse(said.stdout) as { item: DecisionView }).item
}

async function revoke(host: Host, cid: string): Promise<SpreadView> {
  const out = await host.do(
    'revoke',
    cid,
    '-m',
    'planner compromised',
    '--yes',
    '--wait=all',
    '-o',
    'jsonl',
  )
  const last = out.trim().split('\n').at(-1) ?? ''
  return JSON.parse(last) as SpreadView
}

function expect(decision: DecisionView, allow: boolean, code: string | null): void {
  if (decision.decision === allow && decision.code === code) return
  const got = decision.decision ? 'ALLOW' : `${decision.code}: ${decision.detail}`
  throw new MeshError('BUG', `the demo expected ${code ?? 'ALLOW'} and got ${got}`)
}

function decisionText(decision: DecisionView): string {
  const id = decision.id === null ? 'not recorded' : shortId('dec', decision.id)
  const what = decision.decision
    ? `${decision.durationMs.toFixed(1)} ms`
    : `${decision.code}  ${decision.detail}`
  return `${id}   ${what}`
}

function spreadText({ nodes, committedMs }: SpreadView): string {
  const applied = nodes.filter(({ applied: done }) => done)
  const slowest = Math.max(0, ...applied.map(({ appliedMs }) => appliedMs ?? 0))
  return `applied on ${applied.length} of ${nodes.length} in ${duration(slowest)}, committed in ${duration(committedMs ?? 0)}; no node allows it later than 2 s + 2 x skew`
}

function leave(hosts: Hosts, say: (line: string) => void): void {
  say('the three go on running; their configurations:')
  for (const host of hosts) {
    say(`  ${host.name.padEnd(9)} pid ${host.pid}   MESHD_CONFIG=${host.env['MESHD_CONFIG']}`)
    host.release()
  }
}

async function clear(hosts: Hosts, dir: string, told: boolean): Promise<void> {
  await Promise.all(hosts.map((host) => host.stop()))
  // After a failure the files stay: they say what went wrong.
  if (told) rmSync(dir, { recursive: true, force: true })
}
