/** Hooks that ask by HTTP: an answer that the agent understands, and a denial in every other case. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Api } from './api.ts'
import { policyOf } from './bundles.ts'
import { governed, granted, type World, world } from './deciding.ts'

const CLAUDE = '/v1/gateway/claude-code'
const GENERIC = '/v1/gateway/generic'
/** As Claude Code sends it. */
const EVENT = {
  session_id: 'abc123',
  transcript_path: '/home/bob/.claude/projects/x/abc123.jsonl',
  cwd: '/srv/web',
  permission_mode: 'default',
  hook_event_name: 'PreToolUse',
  tool_name: 'Bash',
  tool_input: { command: 'npm test', description: 'Run the tests' },
  tool_use_id: 'toolu_01ABC123',
}

async function ready(): Promise<{ of: World; api: Api; headers: Record<string, string> }> {
  const of = await world()
  const pol = [['like', '.args.command', 'npm *']]
  const headers = { 'meshd-artifact': granted(of, 'bob', { cmd: '/tools/call', pol }) }
  return { of, api: new Api(of), headers }
}

test('a tool call is asked as the MCP proxy asks it, with its arguments, and what else is said is a claim', async () => {
  const { of, api, headers } = await ready()
  await api.post(CLAUDE, EVENT, { headers })
  const [record] = of.log.decisions()
  assert.equal(record?.code, null)
  assert.equal(record?.gateway, 'claude-code')
  assert.equal(record?.request?.action, 'tools/call')
  assert.deepEqual(record?.request?.resource, { type: 'tool', id: 'Bash' })
  const args = JSON.stringify(record?.request?.args)
  assert.ok(args.includes(JSON.stringify(EVENT.tool_input)), args)
  const claims = JSON.stringify(record?.request?.claims)
  assert.match(claims, /"cwd":"\/srv\/web"/)
  assert.doesNotMatch(claims, /toolu_01ABC123|transcript/)
})

test('an allow leaves the questions of Claude Code in place, unless it is to approve', async () => {
  const { api, headers } = await ready()
  const { body } = await api.post(CLAUDE, EVENT, { headers })
  assert.deepEqual(body, { hookSpecificOutput: { hookEventName: 'PreToolUse' } })
  const { body: approved } = await api.post(`${CLAUDE}?approve=true`, EVENT, { headers })
  assert.equal(approved.hookSpecificOutput.permissionDecision, 'allow')
  const { body: other } = await api.post(`${CLAUDE}?approve=1`, EVENT, { headers })
  assert.equal(other.hookSpecificOutput.permissionDecision, undefined)
})

for (const [what, body] of [
  ['a call beyond what is granted', { ...EVENT, tool_input: { command: 'rm -rf /' } }],
  ['another event', { ...EVENT, hook_event_name: 'PostToolUse' }],
  ['no event', { ...EVENT, hook_event_name: undefined }],
  ['no tool', { ...EVENT, tool_name: undefined }],
  ['a tool that is no text', { ...EVENT, tool_name: ['Bash'] }],
  ['no input', { ...EVENT, tool_input: undefined }],
  ['an input that is no object', { ...EVENT, tool_input: 'npm test' }],
  ['a tool with a star', { ...EVENT, tool_name: '*' }],
  ['an input too large to be judged', { ...EVENT, tool_input: { command: 'x'.repeat(100_000) } }],
  ['no JSON', '{'],
  ['a doubled key', `{"tool_name":"a",${JSON.stringify(EVENT).slice(1)}`],
] as const)
  test(`Claude Code: ${what} is answered deny, with a reason, and not by a status that lets it run`, async () => {
    const { api, headers } = await ready()
    const { status, body: answer } = await api.post(`${CLAUDE}?approve=true`, body, { headers })
    assert.equal(status, 200)
    assert.equal(answer.hookSpecificOutput.hookEventName, 'PreToolUse')
    assert.equal(answer.hookSpecificOutput.permissionDecision, 'deny')
    assert.match(
      answer.hookSpecificOutput.permissionDecisionReason,
      /^denied by meshd: (?:SCOPE_EXCEEDED|REQUEST_MALFORMED): /,
    )
  })

test('the generic form says allow or deny, with the id of the decision', async () => {
  const { of, api, headers } = await ready()
  const call = { tool_name: 'Bash', tool_input: { command: 'npm ci' } }
  const allowed = await api.post(GENERIC, call, { headers })
  const [record] = of.log.decisions()
  assert.equal(record?.gateway, 'generic')
  assert.equal(allowed.body.decision, 'allow')
  assert.match(allowed.body.id, /^sha256:/)
  for (const body of [{ ...call, tool_input: { command: 'ls' } }, {}, [], '{', { tool: 'Bash' }]) {
    const denied = await api.post(GENERIC, body, { headers })
    assert.deepEqual([denied.status, denied.body.decision], [200, 'deny'])
    assert.match(denied.body.reason, /^denied by meshd: /)
  }
})

test('the policy of the guide lets the tests run, and no other command', async () => {
  const page = readFileSync('docs/guides/agent-hooks.md', 'utf8')
  const [, forbid = ''] = /```cedar\n([\s\S]*?)```/.exec(page) ?? []
  const schema = `entity principal; entity tool; action "tools/call" appliesTo {
    principal: [principal], resource: [tool],
    context: { args?: { command?: String, description?: String } } };`
  const text = `@id("granted") permit (principal, action, resource);\n${forbid}`
  const policy = policyOf(text, { bundle: 'agents', version: 8, schema })
  const of = await world([policy])
  of.governance = governed({ policies: [policy] })
  const headers = { 'meshd-artifact': granted(of, 'bob', { cmd: '/tools/call' }) }
  const ask = async (command: string) => {
    const event = { ...EVENT, tool_input: { command } }
    return (await new Api(of).post(GENERIC, event, { headers })).body.decision
  }
  assert.equal(await ask('npm test -- --watch'), 'allow')
  assert.equal(await ask('rm -rf /'), 'deny')
})

test('whatever goes wrong inside, an agent is told deny', async (t) => {
  const { of, api, headers } = await ready()
  t.mock.method(of.authorizer, 'decide', () => Promise.reject(new Error('broken')))
  const { body } = await api.post(`${CLAUDE}?approve=true`, EVENT, { headers })
  assert.equal(body.hookSpecificOutput.permissionDecision, 'deny')
  const generic = await api.post(GENERIC, EVENT, { headers })
  assert.deepEqual([generic.body.decision, generic.body.code], ['deny', 'INTERNAL'])
})
