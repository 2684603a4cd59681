/**
 * What every Network must do. Run on libp2p over loopback and on the twin in
 * virtual time: the simulator may be believed because both pass.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { textOf, utf8 } from '../../src/core/bytes.ts'
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX, SYNC_FRAME_BYTES_MAX } from '../../src/core/limits.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import {
  admit,
  begin,
  connect,
  connected,
  type Lab,
  MESH,
  type Node,
  OTHER_MESH,
  ROOTS,
  spread,
  three,
  two,
} from './network-nodes.ts'

interface Property {
  readonly says: string
  readonly check: (lab: Lab) => Promise<void>
}

const properties: Property[] = []
const property = (says: string, check: Property['check']) => properties.push({ says, check })
const fails = (lab: Lab, promise: Promise<unknown>, code: string) =>
  assert.rejects(lab.run(promise), { name: 'MeshError', code })

/** @param concurrency real time is mostly spent waiting, so a few labs share it */
export function suite(name: string, open: () => Lab, concurrency: number): void {
  describe(name, { concurrency }, () => {
    for (const { says, check } of properties)
      test(`${name}: ${says}`, async () => {
        await using lab = open()
        await check(lab)
      })
  })
}

property('who is greeted can ask, be asked, and gossip', async (lab) => {
  const [a, b] = await two(lab)
  const answer = await lab.run(a.network.ask(b.network.self, 'state', utf8('how')))
  // A plain array of its own: a Buffer would slice differently.
  assert.deepEqual(answer, utf8('how'))
  await lab.run(b.network.ask(a.network.self, 'state', utf8('now')))
  assert.deepEqual([a.asked, b.asked], [['now'], ['how']])
  await spread(lab, a, [b], 'from a')
  await spread(lab, b, [a], 'from b')
  assert.equal(a.network.peers().length, 1)
})

property('who is not admitted gets the answer to its hello and nothing else', async (lab) => {
  const [a, b] = await two(lab)
  const joiner = await begin(lab, 3)
  joiner.porter.members.add(a.network.self)
  assert.equal(await connect(lab, joiner, a), false)
  assert.deepEqual(joiner.porter.answers, [ROOTS])
  for (let i = 0; i < 5; i++) {
    a.network.publish('statements', utf8(`secret ${i}`))
    joiner.network.publish('statements', utf8(`lie ${i}`))
    await lab.pass(20)
  }
  await fails(lab, joiner.network.ask(a.network.self, 'state', utf8('hi')), 'UNREACHABLE')
  assert.deepEqual([joiner.heard, joiner.events, joiner.network.peers()], [[], [], []])
  assert.deepEqual(
    [a, b].map(({ heard, asked }) => [heard.filter((text) => text.startsWith('lie')), asked]),
    [
      [[], []],
      [[], []],
    ],
  )
  assert.equal(a.network.peers().length, 1)
  assert.match(joiner.network.lastError(a.network.self) ?? '', /did not admit/)
})

property('who is greeted by one side alone is greeted by none', async (lab) => {
  const [a] = await two(lab)
  const stranger = await begin(lab, 3)
  a.porter.members.add(stranger.network.self)
  assert.equal(await connect(lab, stranger, a), false)
  await lab.until(() => a.network.peers().length === 1, 1_000)
  await fails(lab, a.network.ask(stranger.network.self, 'state', utf8('hi')), 'UNREACHABLE')
})

property('a joiner that waits at the door is greeted once it is a member', async (lab) => {
  const [a, joiner] = [await begin(lab, 1), await begin(lab, 2)]
  joiner.porter.members.add(a.network.self)
  assert.equal(await connect(lab, joiner, a), false)
  a.porter.members.add(joiner.network.self)
  await lab.until(() => connected(a, joiner), 4_000)
  assert.deepEqual(joiner.events, [`+${a.network.self}`])
  assert.equal(joiner.network.lastError(a.network.self), null)
})

property(
  'a dial fails as UNREACHABLE: nobody there, another identity, no identity',
  async (lab) => {
    const [a, b] = await two(lab)
    const gone = await begin(lab, 3)
    const { self } = gone.network
    const addresses = gone.network.addresses()
    await lab.run(gone.network.stop())
    await fails(lab, a.network.connect(self, addresses), 'UNREACHABLE')
    assert.ok(a.network.lastError(self))
    const bAddress = b.network.addresses()[0] as string
    const wrong = bAddress.replace(/[^/]+$/, formatPeerId(self))
    await fails(lab, a.network.connect(self, [wrong]), 'UNREACHABLE')
    const bare = bAddress.replace(/\/p2p\/.*/, '')
    for (const addresses of [[], [bare], [bAddress], ['nonsense']])
      await fails(lab, a.network.connect(self, addresses), 'UNREACHABLE')
    assert.deepEqual(a.events, [`+${b.network.self}`])
  },
)

property('frames are bounded at both ends', async (lab) => {
  const [a, b] = await two(lab)
  const sizes: Record<string, number> = {
    state: FRAME_BYTES_MAX,
    log: SYNC_FRAME_BYTES_MAX,
    sync: SYNC_FRAME_BYTES_MAX,
  }
  for (const protocol of ['state', 'log', 'sync'] as const) {
    const max = sizes[protocol] as number
    b.network.handle(protocol, async (_peer, request) => new Uint8Array(max + Number(request[0])))
    const ask = (bytes: Uint8Array) => a.network.ask(b.network.self, protocol, bytes)
    assert.equal((await lab.run(ask(new Uint8Array(max)))).length, max)
    await fails(lab, ask(new Uint8Array(max + 1)), 'TOO_LARGE')
    await fails(lab, ask(Uint8Array.of(1)), 'INVALID_ANSWER')
  }
  assert.equal(connected(a, b), true)
})

property('an answerer that gives nothing, throws or is missing fails one question', async (lab) => {
  const [a, b] = await two(lab)
  const ask = (protocol: 'log' | 'sync' | 'lineage') =>
    a.network.ask(b.network.self, protocol, utf8('x'))
  b.network.handle('log', async () => null)
  await fails(lab, ask('log'), 'INVALID_ANSWER')
  b.network.handle('sync', async () => {
    throw new Error('planted')
  })
  await fails(lab, ask('sync'), 'UNREACHABLE')
  await fails(lab, ask('lineage'), 'UNREACHABLE')
  assert.equal(textOf(await lab.run(a.network.ask(b.network.self, 'state', utf8('x')))), 'x')
})

property('a question ends at its deadline, and at its signal', async (lab) => {
  const [a, b] = await two(lab)
  b.network.handle('log', () => new Promise(() => {}))
  const ask = (signal?: AbortSignal) => a.network.ask(b.network.self, 'log', utf8('x'), signal)
  const over = new AbortController()
  const given = fails(lab, ask(over.signal), 'TIMEOUT')
  await lab.pass(50)
  over.abort()
  await given
  await fails(lab, ask(AbortSignal.abort()), 'TIMEOUT')
  await fails(lab, ask(), 'TIMEOUT')
})

property('a hundred questions at once are all answered', async (lab) => {
  const [a, b] = await two(lab)
  const many = Array.from({ length: 100 }, (_, i) =>
    a.network.ask(b.network.self, 'state', utf8(`${i}`)),
  )
  const answers = await lab.run(Promise.all(many))
  assert.deepEqual(
    answers.map(textOf),
    many.map((_, i) => `${i}`),
  )
})

property('a peer that was started again is found again, and both are told', async (lab) => {
  const [a, b] = await two(lab)
  await lab.run(b.network.stop())
  await lab.until(() => a.network.peers().length === 0, 2_000)
  await fails(lab, a.network.ask(b.network.self, 'state', utf8('x')), 'UNREACHABLE')
  // b dialled a; a learns b's address and looks for it by itself.
  a.network.remember(b.network.self, [])
  const again = await begin(lab, 2)
  admit(a, again)
  a.network.remember(again.network.self, again.network.addresses())
  await lab.until(() => connected(a, again), 5_000)
  assert.deepEqual(
    a.events,
    ['+', '-', '+'].map((sign) => `${sign}${b.network.self}`),
  )
  await spread(lab, a, [again], 'after')
  await spread(lab, again, [a], 'back')
})

property('a peer that was away is redialled without being asked to', async (lab) => {
  const a = await begin(lab, 1)
  const b = await begin(lab, 2)
  admit(a, b)
  const addresses = b.network.addresses()
  await lab.run(b.network.stop())
  a.network.remember(b.network.self, addresses)
  await lab.pass(300)
  assert.notEqual(a.network.lastError(b.network.self), null)
  const again = await begin(lab, 2)
  admit(a, again)
  await lab.until(() => connected(a, again), 5_000)
})

property('a forgotten peer is not redialled', async (lab) => {
  const [a, b] = await two(lab)
  b.network.forget(a.network.self)
  b.network.disconnect(a.network.self, 'the test says so', new Uint8Array())
  await lab.pass(1_500)
  assert.deepEqual([a.network.peers(), b.network.peers()], [[], []])
  assert.match(b.network.lastError(a.network.self) ?? '', /the test says so/)
})

property(
  'a peer that is disconnected is told one last thing, and is heard no more',
  async (lab) => {
    const [a, b] = await two(lab)
    const heard: string[] = []
    a.network.handle('sync', async (_, request) => {
      heard.push(Buffer.from(request).toString())
      return request
    })
    b.network.forget(a.network.self)
    b.network.disconnect(a.network.self, 'the test says so', Buffer.from('parting'))
    assert.deepEqual(b.network.peers(), [])
    await lab.until(() => heard.length > 0, 1_000)
    assert.deepEqual(heard, ['parting'])
    await lab.until(() => a.network.peers().length === 0, 1_500)
  },
)

property('a banned peer is cut within a second and stays out, whoever dials', async (lab) => {
  const [a, b, c] = await three(lab)
  a.porter.outlaws.add(b.network.self)
  assert.deepEqual(
    a.network.peers().map(({ peer }) => peer),
    [c.network.self],
  )
  await lab.until(() => !b.network.peers().some(({ peer }) => peer === a.network.self), 1_000)
  await fails(lab, connect(lab, b, a), 'UNREACHABLE')
  await fails(lab, connect(lab, a, b), 'UNREACHABLE')
  assert.equal(connected(a, c) && connected(b, c), true)
})

property('who is no member any more is asked nothing and told nothing at once', async (lab) => {
  const [a, b] = await two(lab)
  await spread(lab, a, [b], 'before')
  a.porter.members.delete(b.network.self)
  const seen = a.heard.length
  b.network.publish('statements', utf8('late'))
  await fails(lab, a.network.ask(b.network.self, 'state', utf8('x')), 'UNREACHABLE')
  await assert.rejects(lab.run(b.network.ask(a.network.self, 'state', utf8('x'))))
  await lab.until(() => b.network.peers().length === 0, 1_000)
  a.network.publish('statements', utf8('secret'))
  await lab.pass(200)
  assert.deepEqual([a.heard.length, a.asked, b.heard.includes('secret')], [seen, [], false])
})

property('an isolated node talks to nobody until it is not', async (lab) => {
  const [a, b, c] = await three(lab)
  b.network.isolate(true)
  assert.deepEqual(b.network.peers(), [])
  await lab.until(() => a.network.peers().length === 1 && c.network.peers().length === 1, 2_000)
  a.network.publish('statements', utf8('unheard'))
  await fails(lab, connect(lab, b, a), 'UNREACHABLE')
  await fails(lab, connect(lab, a, b), 'UNREACHABLE')
  await lab.pass(500)
  assert.deepEqual([b.heard, connected(a, c)], [[], true])
  b.network.isolate(false)
  await lab.until(() => connected(a, b) && connected(b, c), 5_000)
  await spread(lab, a, [b, c], 'healed')
})

property('what a validator accepts goes on, and nothing else does', async (lab) => {
  const nodes = [await begin(lab, 1), await begin(lab, 2), await begin(lab, 3)]
  const [a, b, c] = nodes as [Node, Node, Node]
  admit(a, b, c)
  await connect(lab, a, b)
  await connect(lab, c, b)
  await spread(lab, a, [b, c], 'yes')
  for (const text of ['hm', 'no']) {
    await spread(lab, a, [b], text)
    await lab.pass(100)
    assert.deepEqual(
      c.heard.filter((each) => each.startsWith(text)),
      [],
      text,
    )
  }
  a.network.publish('statements', new Uint8Array(GOSSIP_BYTES_MAX + 1).fill(0x61))
  await lab.pass(100)
  assert.equal(
    b.heard.some((text) => text.startsWith('aaa')),
    false,
  )
})

property(
  'two that dial each other at once keep one connection, with gossip both ways',
  async (lab) => {
    for (const [x, y] of [
      [1, 2],
      [4, 3],
    ] as const) {
      const [a, b] = [await begin(lab, x), await begin(lab, y)]
      admit(a, b)
      const dials = [
        a.network.connect(b.network.self, b.network.addresses()),
        b.network.connect(a.network.self, a.network.addresses()),
      ]
      assert.deepEqual(await lab.run(Promise.all(dials)), [true, true])
      await lab.pass(300)
      assert.deepEqual([a.network.peers().length, b.network.peers().length], [1, 1])
      assert.deepEqual(
        a.network.peers()[0]?.direction,
        a.network.self < b.network.self ? 'out' : 'in',
      )
      await spread(lab, a, [b], 'there')
      await spread(lab, b, [a], 'and back')
      assert.deepEqual([a.events.length, b.events.length], [1, 1])
    }
  },
)

property('gossip opens when the mesh becomes known, and only within it', async (lab) => {
  const [a, b] = [await begin(lab, 1, false), await begin(lab, 2, false)]
  admit(a, b)
  await connect(lab, a, b)
  a.network.publish('statements', utf8('early'))
  a.network.useMesh(MESH)
  b.network.useMesh(MESH)
  await spread(lab, a, [b], 'known', 6_000)
  await spread(lab, b, [a], 'too', 6_000)
  b.network.useMesh(OTHER_MESH)
  const seen = b.heard.length
  for (let i = 0; i < 5; i++) {
    await lab.pass(50)
    if (i > 0) a.network.publish('statements', utf8(`elsewhere ${i}`))
  }
  assert.equal(b.heard.length, seen)
  assert.equal(b.heard.includes('early'), false)
})
