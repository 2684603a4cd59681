/** Nodes to hold a Network against: a lab that starts them, a porter who lets in whom it is told to, and what each was told. */
import assert from 'node:assert/strict'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import type { Did } from '../../src/core/keys.ts'
import type { Verdict } from '../../src/core/verdict.ts'
import type { Greeter, Network } from '../../src/mesh/ports.ts'

export interface Lab extends AsyncDisposable {
  /** The node of this number; each call is another start of it, at the same address. */
  network(number: number): Network
  /** Lets time pass until it is so; fails after limitMs. */
  until(condition: () => boolean, limitMs: number): Promise<void>
  /** Lets time pass, for what must not happen meanwhile. */
  pass(ms: number): Promise<void>
  /** Lets time pass until the promise has settled, and gives what it gave. */
  run<T>(promise: Promise<T>): Promise<T>
}

export const MESH = `sha256:${'7'.repeat(64)}` as const
export const OTHER_MESH = `sha256:${'8'.repeat(64)}` as const
export const WELCOME = 'welcome'
export const ROOTS = 'the root chain, which anybody may have'

/** Lets in whom it is told to. */
export class Porter implements Greeter {
  readonly members = new Set<Did>()
  readonly outlaws = new Set<Did>()
  /** What it was told as a dialler. */
  readonly answers: string[] = []

  hello(): Promise<Uint8Array> {
    return Promise.resolve(utf8('hello'))
  }

  answer(peer: Did, hello: Uint8Array) {
    assert.equal(textOf(hello), 'hello')
    const greeted = this.members.has(peer)
    return Promise.resolve({ answer: utf8(greeted ? WELCOME : ROOTS), greeted })
  }

  welcome(_peer: Did, answer: Uint8Array): Promise<boolean> {
    this.answers.push(textOf(answer))
    return Promise.resolve(textOf(answer) === WELCOME)
  }

  banned(peer: Did): boolean {
    return this.outlaws.has(peer)
  }

  member(peer: Did): boolean {
    return this.members.has(peer) && !this.outlaws.has(peer)
  }
}

/** A node, its porter, and what it was told. */
export interface Node {
  readonly network: Network
  readonly porter: Porter
  readonly events: string[]
  /** Gossip on the topic of statements, by its text. */
  readonly heard: string[]
  readonly asked: string[]
}

/** Listens, gossips and answers; knows nobody yet. What begins with `no` is rejected, with `hm` ignored. */
export async function begin(lab: Lab, number: number, mesh = true): Promise<Node> {
  const network = lab.network(number)
  const node: Node = { network, porter: new Porter(), events: [], heard: [], asked: [] }
  network.onPeer((peer, greeted) => {
    node.events.push(`${greeted ? '+' : '-'}${peer}`)
  })
  network.subscribe('statements', (_from, message): Verdict => {
    const text = textOf(message)
    node.heard.push(text)
    if (text.startsWith('no')) return { verdict: 'reject', why: 'malformed' }
    return text.startsWith('hm') ? { verdict: 'ignore', why: 'unknown' } : { verdict: 'accept' }
  })
  network.handle('state', async (_peer, request) => {
    node.asked.push(textOf(request).slice(0, 20))
    return request
  })
  if (mesh) network.useMesh(MESH)
  await lab.run(network.start(node.porter))
  return node
}

export function admit(...nodes: readonly Node[]): void {
  for (const { porter } of nodes) for (const { network } of nodes) porter.members.add(network.self)
}

export const connected = (a: Node, b: Node) =>
  a.network.peers().some(({ peer }) => peer === b.network.self) &&
  b.network.peers().some(({ peer }) => peer === a.network.self)

export async function connect(lab: Lab, from: Node, to: Node): Promise<boolean> {
  return lab.run(from.network.connect(to.network.self, to.network.addresses()))
}

/** All of them, each of which knows and is connected with all before it. */
export async function full(lab: Lab, size: number): Promise<Node[]> {
  const nodes: Node[] = []
  for (let number = 1; number <= size; number++) nodes.push(await begin(lab, number))
  admit(...nodes)
  for (const [i, from] of nodes.entries())
    for (const to of nodes.slice(0, i)) {
      assert.equal(await connect(lab, from, to), true)
      await lab.until(() => connected(from, to), 1_000)
    }
  return nodes
}

export const two = (lab: Lab) => full(lab, 2) as Promise<[Node, Node]>
export const three = (lab: Lab) => full(lab, 3) as Promise<[Node, Node, Node]>

/** Publishes until everybody has it: gossip opens a moment after the greeting, and never replays. */
export async function spread(
  lab: Lab,
  from: Node,
  to: readonly Node[],
  name: string,
  limitMs = 3_000,
) {
  let tries = 0
  for (let left = limitMs; left > 0; left -= 100) {
    from.network.publish('statements', utf8(`${name} ${tries++}`))
    await lab.pass(100)
    if (to.every((node) => node.heard.some((text) => text.startsWith(name)))) return
  }
  assert.fail(`${name} was not heard by all`)
}
