/** Hosts in a scratch folder of their own, and a mesh of them: founded, joined by invites, all of them witnesses. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Host } from '../../src/cli/stage.ts'
import type { DecisionView, StatusView } from '../../src/client/types.ts'

export const UID = process.getuid?.() ?? 0
export const ASK = ['--action', 'job:deploy', '--resource', 'env:staging'] as const

export class Lab implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'meshd-lab-'))
  readonly hosts: Host[] = []

  host(name: string): Host {
    const host = new Host({
      name,
      dir: join(this.dir, name),
      keyStore: join(this.dir, 'operator'),
    })
    this.hosts.push(host)
    return host
  }

  /** Founds a mesh at the first, and makes all of them its witnesses. */
  async mesh(names: readonly string[], staleness = '5s'): Promise<readonly Host[]> {
    const hosts = names.map((name) => this.host(name))
    const [first, ...others] = hosts
    if (first === undefined) return []
    await first.do('init', '--mesh', 'prod', '--staleness', staleness)
    for (const each of hosts) each.start()
    await Promise.all(hosts.map((each) => each.answers()))
    for (const each of others) {
      const invite = await first.do('invite', 'create', '--name', each.name, '-o', 'id')
      await each.do('peer', 'join', invite.trim())
    }
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
  const made = await on.run('key', 'create', name, '--for', `uid=${UID}`)
  const to = [
    '--to',
    made.status === 0 ? name : 'me',
    ...ASK,
    '--ttl',
    ttl,
    '--hold',
    '--yes',
    '-o',
    'id',
  ]
  return (await on.do('artifact', 'issue', ...to)).trim()
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
