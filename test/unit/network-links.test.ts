import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Did, signerOf } from '../../src/core/keys.ts'
import { DOOR_CONNECTIONS_MAX, HELLO_TIMEOUT_MS } from '../../src/core/limits.ts'
import { Links, type Wire } from '../../src/network/links.ts'
import { Porter } from '../ports/network-nodes.ts'
import { VirtualClock } from '../sim/clock.ts'

const didOf = (number: number) => signerOf(new Uint8Array(32).fill(number)).did
/** The higher dials in vain: the lower one's connection is kept. */
const [LOW, HIGH] = [didOf(1), didOf(2)].toSorted() as [Did, Did]

/** The links of one node, what they told, and wires that only say how they ended. */
function world(self: Did, peer: Did) {
  const clock = new VirtualClock()
  const porter = new Porter()
  porter.members.add(peer)
  const told: string[] = []
  let gossiping: boolean | null = true
  const links: Links<Wire> = new Links({
    self,
    clock,
    greeter: porter,
    elected: () => {},
    retired: () => {},
    greeted: () => told.push('+'),
    lost: (_peer, why) => told.push(`- ${why}`),
    gossips: () => gossiping,
  })
  const open = (direction: 'inbound' | 'outbound') => {
    const wire = {
      direction,
      status: 'open',
      ended: '',
      close: () => {
        wire.ended ||= 'closed'
        return Promise.resolve()
      },
      abort: ({ message }: Error) => {
        wire.ended ||= message
        wire.status = 'aborted'
        links.closed(wire)
      },
    }
    return { wire, link: links.opened(wire, peer) }
  }
  const gossip = (flows: boolean | null) => {
    gossiping = flows
  }
  return { clock, porter, told, links, open, gossip }
}

const yes = (boot = 'one') => ({ boot, greeted: true })

test('a connection that has not said hello carries nothing, and is cut in time', async () => {
  const { clock, links, open, told } = world(LOW, HIGH)
  const { wire, link } = open('inbound')
  assert.deepEqual([links.to(HIGH), links.all(), links.member(wire)], [null, [], null])
  await clock.advance(HELLO_TIMEOUT_MS)
  links.look()
  assert.equal(wire.ended, '')
  await clock.advance(1)
  links.look()
  assert.equal(wire.ended, 'no hello in time')
  await assert.rejects(link.outcome.promise, { code: 'TIMEOUT' })
  assert.deepEqual(told, [])
})

test('of too many that wait at the door the oldest is cut; who was greeted, or dialled, stays', () => {
  const { links, open } = world(LOW, HIGH)
  const [member, dialled] = [open('inbound'), open('outbound')]
  links.decided(member.link, yes())
  const strangers = Array.from({ length: DOOR_CONNECTIONS_MAX + 5 }, () => open('inbound'))
  assert.deepEqual([member.wire.ended, dialled.wire.ended], ['', ''])
  const ended = strangers.map(({ wire }) => wire.ended)
  assert.deepEqual(new Set(ended.slice(0, 5)), new Set(['too many wait at the door']))
  assert.deepEqual(new Set(ended.slice(5)), new Set(['']))
})

test('of two connections of one process the dialler of the kept one closes the other', () => {
  for (const self of [LOW, HIGH]) {
    const { links, open, told } = world(self, self === LOW ? HIGH : LOW)
    const [out, into] = [open('outbound'), open('inbound')]
    links.decided(into.link, yes())
    links.decided(out.link, yes())
    const kept = self === LOW ? out : into
    assert.equal(links.all()[0]?.connection, kept.wire)
    assert.deepEqual([out.wire.ended, into.wire.ended], ['', self === LOW ? 'closed' : ''])
    assert.deepEqual(told, ['+'])
  }
})

test('a newer process supersedes a half-open connection, and both changes are told', () => {
  const { links, open, told } = world(LOW, HIGH)
  const old = open('outbound')
  links.decided(old.link, yes('one'))
  const young = open('inbound')
  links.decided(young.link, yes('two'))
  assert.equal(old.wire.ended, 'its process was started again')
  assert.equal(links.to(HIGH)?.connection, young.wire)
  assert.deepEqual(told, ['+', '- it was started again', '+'])
})

test('gossip missing for three seconds drops a connection, and a gap does not', () => {
  const { links, open, gossip, told } = world(LOW, HIGH)
  const { wire, link } = open('outbound')
  links.decided(link, yes())
  for (const flows of [false, false, false, false, false, true, null, false, false]) {
    gossip(flows)
    links.look()
  }
  assert.equal(wire.ended, '')
  for (let i = 0; i < 4; i++) links.look()
  assert.equal(wire.ended, 'its gossip was lost')
  assert.deepEqual(told, ['+', '- its gossip was lost'])
})

test('a banned peer, and one that is no member, is nobody at once and cut at the next look', () => {
  for (const change of ['ban', 'remove']) {
    const { links, open, porter, told } = world(LOW, HIGH)
    const { wire, link } = open('outbound')
    links.decided(link, yes())
    if (change === 'ban') porter.outlaws.add(HIGH)
    else porter.members.delete(HIGH)
    assert.deepEqual([links.to(HIGH), links.all(), links.member(wire)], [null, [], null])
    links.look()
    assert.notEqual(wire.ended, '')
    assert.equal(told.length, 2)
  }
})

test('when the kept connection ends, a greeted one that is still open takes over', () => {
  const { links, open, told } = world(HIGH, LOW)
  const [into, out] = [open('inbound'), open('outbound')]
  links.decided(out.link, yes())
  links.decided(into.link, yes())
  links.closed(into.wire)
  assert.equal(links.to(LOW)?.connection, out.wire)
  links.closed(out.wire)
  assert.deepEqual(told, ['+', '- the connection ended'])
})

test('who was not let in is told so, and what ended cannot be greeted', async () => {
  const { links, open, told } = world(LOW, HIGH)
  const refused = open('outbound')
  links.decided(refused.link, { boot: 'one', greeted: false })
  assert.equal(await refused.link.outcome.promise, false)
  const ended = open('outbound')
  links.closed(ended.wire)
  links.decided(ended.link, yes())
  await assert.rejects(ended.link.outcome.promise, { code: 'UNREACHABLE' })
  assert.deepEqual([links.all(), told], [[], []])
})
