/** The two worlds that a Network is held against: loopback, and one process in virtual time. */
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { signerOf } from '../../src/core/keys.ts'
import type { Clock, Network, Random } from '../../src/mesh/ports.ts'
import type { Host } from '../../src/network/host.ts'
import { createHost } from '../../src/network/host.ts'
import { Libp2pNetwork } from '../../src/network/network.ts'
import { VirtualClock } from '../sim/clock.ts'
import { Hub, type Weather } from '../sim/hub.ts'
import { SimNetwork } from '../sim/network.ts'
import type { Lab } from './network-nodes.ts'

export const seedOf = (number: number) => new Uint8Array(32).fill(number)

const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  // Aborted or over, it is the same to who sleeps.
  sleep: (ms, signal) =>
    sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {}),
}
const random: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  integer: (below) => randomInt(below),
}

export class LoopbackLab implements Lab {
  readonly #networks: Libp2pNetwork[] = []
  readonly #addresses = new Map<string, string>()
  /** Bugs that the networks were told of. */
  readonly faults: unknown[] = []
  /** The libp2p node of each network, to look into. */
  readonly hosts = new Map<Network, Host>()

  network(number: number, listen?: string): Network {
    const self = signerOf(seedOf(number)).did
    const network: Libp2pNetwork = new Libp2pNetwork(
      {
        seed: seedOf(number),
        listen: [listen ?? this.#addresses.get(self) ?? '/ip4/127.0.0.1/tcp/0'],
        announce: [],
        clock,
        random,
        fault: (error) => this.faults.push(error),
      },
      async (options) => {
        const host = await createHost(options)
        this.hosts.set(network, host)
        return host
      },
    )
    this.#networks.push(network)
    return network
  }

  async until(condition: () => boolean, limitMs: number): Promise<void> {
    const endMs = performance.now() + limitMs
    while (!condition()) {
      assert.ok(performance.now() < endMs, `not within ${limitMs} ms: ${condition}`)
      await sleep(5)
    }
  }

  async pass(ms: number): Promise<void> {
    await sleep(ms)
  }

  async run<T>(promise: Promise<T>): Promise<T> {
    const value = await promise
    for (const network of this.#networks) {
      const address = network.addresses()[0]
      if (address !== undefined) this.#addresses.set(network.self, address.replace(/\/p2p\/.*/, ''))
    }
    return value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#networks.map((network) => network.stop()))
  }
}

export class SimLab implements Lab {
  readonly clock: VirtualClock
  readonly hub: Hub
  readonly #networks: SimNetwork[] = []

  constructor(seed = 1, weather: Partial<Weather> = {}) {
    this.clock = new VirtualClock(seed)
    this.hub = new Hub(this.clock, weather)
  }

  network(number: number): SimNetwork {
    const network = new SimNetwork(this.hub, signerOf(seedOf(number)).did)
    this.#networks.push(network)
    return network
  }

  async until(condition: () => boolean, limitMs: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + limitMs
    while (!condition()) {
      assert.ok(this.clock.monotonicMs() < endMs, `not within ${limitMs} ms: ${condition}`)
      await this.clock.advance(5)
    }
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms)
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.clock.until(promise)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#networks.map((network) => network.stop()))
  }
}
