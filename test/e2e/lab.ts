/** Hosts in a scratch folder of their own, and a mesh of them: founded, joined by invites, all of them witnesses. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as path } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import type { DecisionView, StatusView } from '../../src/client/types.ts'

export const UID = process.getuid?.() ?? 0
export const ASK = ['--action', 'job:deploy', '--resource', 'env:staging'] as const

async function started(host: Host): Promise<void> {
  host.start()
  await host.answers()
}

/** By an invite. */
export async function join(member: Host, newcomer: Host): Promise<void> {
  const invite = await member.do('invite', 'create', '--name', newcomer.name, '-o', 'id')
  await newcomer.do('peer', 'join', invite.trim())
}

export class Lab implements AsyncDisposable {
  readonly dir = mkdtempSync(path(tmpdir(), 'meshd-lab-'))
  readonly hosts: Host[] = []

  host(name: string): Host {
    const host = new Host({
      name,
      dir: path(this.dir, name),
      keyStore: path(this.dir, 'operator'),
    })
    this.hosts.push(host)
    return host
  }

  /** Founds a mesh at the first, and makes all of them its witnesses. */
  async mesh(
    names: readonly string[],
    staleness = '5s',
    start: (host: Host) => Promise<void> = started,
  ): Promise<readonly Host[]> {
    const hosts = names.map((name) => this.host(name))
    const [first, ...others] = hosts
    if (first === undefined) return []
    await first.do('init', '--mesh', 'prod', '--staleness', staleness)
    await Promise.all(hosts.map(start))
    for (const each of others) await join(first, each)
    await first.do('wait', '--for', `peers=${others.length}`)
    if (others.length > 0)
      await first.do('root', 'rotate', '--witnesses', names.join(','), '--yes', '--timeout', '30s')
    for (const each of hosts) await each.do('wait', '--for', 'ready', '--timeout', '30s')
    return hosts
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.hosts.map((each) => each.stop('SIGKILL')))
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Whoever runs the tests may deploy to staging, as asked on that host. Where the mesh was founded that user has a key, `me`. */
export async function grant(on: Host, ttl = '1h'): Promise<string> {
  const name = `deployer-${on.name}`
  const issue = (to: string) =>
    ['artifact', 'issue', '--to', to, ...ASK, '--ttl', ttl, '--hold', '--yes', '-o', 'id'] as const
  await on.run('key', 'create', name, '--for', `uid=${UID}`)
  const issued = await on.run(...issue(name))
  return (issued.status === 0 ? issued.stdout : await on.do(...issue('me'))).trim()
}

export async function status(of: Host): Promise<StatusView> {
  const said = await of.run('status', '--json')
  return (JSON.parse(said.stdout) as { item: StatusView }).item
}

export async function authorize(on: Host): Promise<DecisionView> {
  const said = await on.run('authorize', ...ASK, '--json')
  return (JSON.parse(said.stdout) as { item: DecisionView }).item
}

/** Tries until it is so; what it gives last is not. @throws when it is not within ms */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  so: (value: T) => boolean,
  msMax = 10_000,
): Promise<T> {
  const untilMs = performance.now() + msMax
  for (;;) {
    const value = await ask()
    if (so(value)) return value
    if (performance.now() > untilMs)
      throw new Error(`${what}: not within ${msMax} ms: ${JSON.stringify(value)}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** Waits until all hold the same governance. Gives the seconds that it took. */
export async function agreed(...hosts: readonly Host[]): Promise<number> {
  const beganMs = performance.now()
  await eventually(
    'one governance',
    () => Promise.all(hosts.map(async (host) => (await status(host)).governance.digest)),
    (all) => new Set(all).size === 1,
    60_000,
  )
  return Math.round((performance.now() - beganMs) / 100) / 10
}
