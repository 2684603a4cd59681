/** What /proc says of a process, and what a process cannot say of itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCgroup } from '../../src/daemon/cgroup.ts'
import { parsePidfdInfo, parseStarted, parseTracing } from '../../src/daemon/proc.ts'
import { row } from '../lab/row.ts'

const ID = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)
const POD = '01234567-89ab-cdef-0123-456789abcdef'

test('a unit and a container are what root put first below the slices', () => {
  const of: readonly (readonly [string, string | null, string | null])[] = [
    ['0::/system.slice/planner.service', 'planner.service', null],
    ['0::/system.slice/system-ci.slice/ci@3.service', 'ci@3.service', null],
    ['0::/init.scope', 'init.scope', null],
    ['0::/system.slice/_cpu.service', 'cpu.service', null],
    ['0::/user.slice/user-1000.slice/session-3.scope', 'session-3.scope', null],
    [`0::/system.slice/docker-${ID}.scope`, `docker-${ID}.scope`, ID],
    [`0::/machine.slice/libpod-${ID}.scope/container`, `libpod-${ID}.scope`, ID],
    [
      `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope`,
      `cri-containerd-${ID}.scope`,
      ID,
    ],
    [`0::/kubepods.slice/kubepods-pod1.slice/crio-${ID}.scope`, `crio-${ID}.scope`, ID],
    [`0::/docker/${ID}`, null, ID],
    [`0::/libpod_parent/libpod-${ID}`, null, ID],
    [`0::/kubepods/pod${POD}/${ID}`, null, ID],
    [`0::/kubepods/burstable/pod${POD}/${ID}`, null, ID],
    ['0::/', null, null],
    ['0::/foo', null, null],
  ]
  for (const [line, unit, container] of of)
    assert.deepEqual(parseCgroup(`${line}\n`), { unit, container }, line)
})

test('what a user may name below a group of its own is neither unit nor container', (t) => {
  const own = '/user.slice/user-1000.slice/user@1000.service'
  for (const below of [
    'app.slice/planner.service',
    `user.slice/libpod-${ID}.scope`,
    `docker/${ID}`,
    `docker-${ID}.scope`,
  ]) {
    const { unit, container } = parseCgroup(`0::${own}/${below}\n`)
    assert.deepEqual([unit, container], ['user@1000.service', null], below)
  }
  // A container's root is no root: what is inside is the outer one.
  const inside = parseCgroup(`0::/docker/${OTHER}/docker/${ID}\n`)
  assert.deepEqual(inside, { unit: null, container: OTHER })
  assert.equal(parseCgroup(`0::/libpod-conmon-${ID}.scope`).container, null)
  row(t, 90, '0 units or containers by a name that a user chose')
})

test('version 1 says it in the hierarchy of systemd, and two that disagree say nothing', () => {
  const v1 = `4:memory:/elsewhere/x\n1:name=systemd:/system.slice/a.service\n`
  assert.equal(parseCgroup(v1).unit, 'a.service')
  assert.equal(parseCgroup(`${v1}0::/\n`).unit, 'a.service')
  assert.equal(parseCgroup(`${v1}0::/system.slice/a.service\n`).unit, 'a.service')
  assert.equal(parseCgroup(`${v1}0::/system.slice/b.service\n`).unit, null)
  assert.equal(parseCgroup(`4:memory:/docker/${ID}\n`).container, null)
})

test('a group that was removed, or lies outside of what this process sees, is none', () => {
  for (const path of ['/../a.service', '/system.slice/a.service (deleted)', 'a.service'])
    assert.equal(parseCgroup(`0::${path}\n`).unit, null, path)
})

test('whatever is in a path, a container is 64 hex digits and a unit one component of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { unit, container } = parseCgroup(text)
      assert.ok(container === null || /^[0-9a-f]{64}$/.test(container))
      assert.ok(unit === null || (!unit.includes('/') && text.includes(unit)))
    }),
  )
  const part = fc.constantFrom('a.slice', 'a.service', 'docker', ID, `docker-${ID}.scope`, '..', '')
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const { unit, container } = parseCgroup(`0::/${parts.join('/')}`)
      const first = parts.find((each) => each !== 'a.slice')
      assert.ok(unit === null || unit === first)
      if (container !== null) assert.ok(first === 'docker' || first === `docker-${ID}.scope`)
    }),
  )
})

const stat = (name: string, started: string) =>
  `4242 (${name}) S 1 4242 4242 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 ${started} 1000 2 18446744073709551615 1\n`

test('when a process began is read after its name, whatever that is', () => {
  for (const name of ['node', 'a) R 1', ') S 1 1 1 1', '((', 'a b\nc', ''])
    assert.equal(parseStarted(stat(name, '98765')), 98_765, name)
  fc.assert(
    fc.property(fc.string({ maxLength: 15 }), fc.nat(), (name, ticks) => {
      assert.equal(parseStarted(stat(name, String(ticks))), ticks)
    }),
  )
  for (const text of ['', 'x', '1 (a', stat('a', '-1'), stat('a', '01'), stat('a', '1e3')])
    assert.equal(parseStarted(text), null, text)
})

test('a pidfd names a process, one that is gone, or one that cannot be seen', () => {
  const info = (pid: string) => `pos:\t0\nflags:\t02000002\nmnt_id:\t4\nPid:\t${pid}\nNSpid:\t7\n`
  for (const [text, pid] of [
    [info('4242'), 4242],
    [info('-1'), -1],
    [info('0'), 0],
    [info(''), null],
    [info('-2'), null],
    [info('007'), null],
    ['NSpid:\t7\n', null],
    ['', null],
  ] as const)
    assert.equal(parsePidfdInfo(text), pid, text)
})

test('only the capability to trace lets it see what others run', () => {
  const caps = (mask: string) => `CapPrm:\tffffffffffffffff\nCapEff:\t${mask}\n`
  assert.equal(parseTracing(caps('000001ffffffffff')), true)
  assert.equal(parseTracing(caps('0000000000080000')), true)
  assert.equal(parseTracing(caps('0000000000000000')), false)
  assert.equal(parseTracing(caps('00000000fff7ffff')), false)
  assert.equal(parseTracing(''), false)
})
