import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { candidates } from '../../src/cli/candidates.ts'
import { TABLE } from '../../src/cli/main.ts'
import { Desk } from '../golden/screen.ts'
import { listOf, NOW, PEERS } from '../golden/story.ts'
import { POLICIES } from '../golden/story-log.ts'

const desk = new Desk(NOW)
before(() => desk.open())
after(() => desk.close())

const query = async (shell: string, line: string, answers = {}) =>
  (await desk.type(['completion', 'query', shell, line], answers)).split('\n').slice(0, -2)

test('every command can be reached word by word', async () => {
  const commands = await TABLE.all()
  for (const { name } of commands) {
    const words = name.split(' ')
    for (const [i, word] of words.entries()) {
      const { fixed } = candidates(commands, [...words.slice(0, i), ''], [])
      assert.ok(fixed.includes(word), `${name}: ${word}`)
    }
  }
})

test('every flag of every command is offered', async () => {
  const commands = await TABLE.all()
  // After `help` come topics.
  for (const { name, options = [] } of commands.filter((each) => each.name !== 'help')) {
    const { fixed } = candidates(commands, [...name.split(' '), '-'], [])
    for (const { flags } of options)
      assert.ok(
        fixed.some((flag) => flags.includes(flag)),
        `${name}: ${flags}`,
      )
    assert.ok(fixed.includes('--output'), name)
  }
})

test('names come from the daemon, with what stands before them', async () => {
  const answers = {
    'GET /v1/peers': listOf('PeerList', PEERS),
    'GET /v1/statements': listOf('StatementList', POLICIES),
  }
  assert.deepEqual(await query('zsh', 'meshd peer show b', answers), ['borealis'])
  assert.deepEqual(await query('zsh', 'meshd revoke node:a', answers), ['node:atlas'])
  assert.deepEqual(await query('bash', 'meshd revoke node:a', answers), ['atlas'])
  assert.deepEqual(await query('fish', 'meshd policy rollback ag', answers), [
    'agents@7',
    'agents@6',
  ])
})

test('a daemon that fails offers nothing, and says nothing', async () => {
  assert.equal(
    await desk.type(['completion', 'query', 'zsh', 'meshd peer show b'], {}),
    '-- exit 0 --\n',
  )
})

test('a name that a shell could run is not offered', async () => {
  const evil = ['$(reboot)', 'b`x`', 'b c', "b'", 'b;c', 'b*', 'b\nc'].map((name) => ({
    ...PEERS[1],
    name,
  }))
  const answers = { 'GET /v1/peers': listOf('PeerList', evil) }
  assert.deepEqual(await query('bash', 'meshd peer show ', answers), [])
})

test('what follows -- is the child’s', async () => {
  assert.deepEqual(await query('bash', 'meshd exec -- ls --'), [])
})

test('each script is read by its shell, where there is one', async (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = (await desk.type(['completion', shell], {})).replace(/-- exit 0 --\n$/, '')
    const { error, status, stderr } = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' })
    if (error === undefined) assert.equal(status, 0, `${shell}: ${stderr}`)
    else t.diagnostic(`skipped: no ${shell} here`)
  }
})
