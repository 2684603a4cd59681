/** Honest nodes, all of them witnesses, and among their members one that attacks; what the honest sign meanwhile, and whether all of it arrives. */
import assert from 'node:assert/strict'
import type { Connection } from '@libp2p/interface'
import type { Host } from '../../src/cli/stage.ts'
import type { StatementId } from '../../src/core/id.ts'
import { type Did, parseDid } from '../../src/core/keys.ts'
import { formatSyncRequest } from '../../src/mesh/sync-frames.ts'
import { formatTopic } from '../../src/network/topics.ts'
import { eventually, Lab, status } from '../e2e/lab.ts'
import { raw, request, socketOf } from '../e2e/raw.ts'
import { Attacker } from './attacker.ts'

export const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

export class Siege implements AsyncDisposable {
  readonly lab: Lab
  readonly atlas: Host
  readonly borealis: Host
  readonly mesh: StatementId
  /** A member, let in by an invite. */
  readonly mallory: Attacker
  #frozen = 0

  private constructor(lab: Lab, [atlas, borealis]: [Host, Host], mesh: StatementId, by: Attacker) {
    this.lab = lab
    this.atlas = atlas
    this.borealis = borealis
    this.mesh = mesh
    this.mallory = by
  }

  /** @param others beside atlas and borealis, and witnesses like them */
  static async begin(...others: readonly string[]): Promise<Siege> {
    const lab = new Lab()
    const hosts = (await lab.mesh(['atlas', 'borealis', ...others])) as [Host, Host]
    const mesh = (await status(hosts[0])).mesh?.id as StatementId
    const siege = new Siege(lab, hosts, mesh, await Attacker.start())
    await siege.admit(siege.mallory, 'mallory')
    return siege
  }

  async didOf(host: Host): Promise<Did> {
    return parseDid((await status(host)).node.did)
  }

  get topic(): string {
    return formatTopic(this.mesh, 'statements')
  }

  async address(host = this.atlas): Promise<string> {
    return (await status(host)).listen[0] ?? ''
  }

  async digest(host = this.atlas): Promise<string> {
    return (await status(host)).governance.digest
  }

  async invite(name: string): Promise<string> {
    return (await this.atlas.do('invite', 'create', '--name', name, '-o', 'id')).trim()
  }

  async admit(attacker: Attacker, name: string): Promise<Connection> {
    return attacker.join(await this.invite(name))
  }

  /** A connection of who is a member already, with gossip on it: it lasts. */
  async greeted(attacker = this.mallory, host = this.atlas): Promise<Connection> {
    const connection = await attacker.dial(await this.address(host))
    const answer = await attacker.hello(connection, { mesh: this.mesh })
    assert.equal(answer?.['result'], 'member')
    await attacker.gossip(connection)
    return connection
  }

  /** Until the node says how many it holds; a connection that ends meanwhile is made anew. */
  async push(blobs: readonly Uint8Array[], by = this.mallory): Promise<void> {
    await this.asked('sync', formatSyncRequest({ ask: 'push', blobs }), by)
  }

  /** Until it is answered. */
  async asked(protocol: string, body: Uint8Array, by = this.mallory): Promise<Uint8Array> {
    const answer = await eventually(
      'it is answered',
      async () => {
        const open = by.node.getConnections().filter(({ status: now }) => now === 'open')
        const connection = open.at(-1) ?? (await this.greeted(by).catch(() => null))
        if (connection === null) return null
        const said = await by.ask(connection, protocol, body, 4_000).catch(() => null)
        if (said === null) connection.abort(new Error('again'))
        return said
      },
      (said) => said !== null,
      15_000,
    )
    return answer ?? new Uint8Array()
  }

  /** Freezes, signed at borealis one after the other until ms are over. */
  async freezeFor(ms: number): Promise<readonly string[]> {
    const names: string[] = []
    const untilMs = performance.now() + ms
    do {
      this.#frozen += 1
      const name = `frozen-${this.#frozen}`
      const how = ['--yes', '--wait=committed', '--timeout', '20s']
      await this.borealis.do('freeze', `action:${name}`, ...how)
      names.push(name)
    } while (performance.now() < untilMs)
    return names
  }

  /** How many of these freezes are not in force at atlas or borealis, once both have one governance. */
  async lost(names: readonly string[]): Promise<number> {
    const both = [this.atlas, this.borealis]
    await eventually(
      'one governance',
      async () => new Set(await Promise.all(both.map((host) => this.digest(host)))).size,
      (size) => size === 1,
      30_000,
    )
    const path = '/v1/statements?type=freeze&state=effective'
    const missing = both.map(async (host) => {
      const said = await raw(socketOf(host, 'read'), request('GET', path))
      return names.filter((name) => !said.includes(`"${name}"`)).length
    })
    return (await Promise.all(missing)).reduce((sum, count) => sum + count, 0)
  }

  /** What a daemon calls a bug of its own, or an error. */
  bugs(): readonly string[] {
    const lines = this.lab.hosts.flatMap((host) => host.log().split('\n'))
    return lines.filter((line) => /a fault|"level":"error"/.test(line))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mallory[Symbol.asyncDispose]()
    await this.lab[Symbol.asyncDispose]()
  }
}
