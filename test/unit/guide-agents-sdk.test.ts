/**
 * The recipes of docs/guides/agents.md for agent SDKs, as they stand. The SDKs
 * are stand-ins of their shape, with their own worst habit: what answers
 * nothing lets the call run.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALLOW, type Answers, DENY, FalseDaemon } from './false-daemon.ts'
import { javaScriptOf, runBlock } from './guide.ts'

const [openai = '', vercel = ''] = javaScriptOf('docs/guides/agents.md')

/** A call as a model makes it: what the tool was run with, or what the model is told. */
type Called = { readonly ran: object } | { readonly told: string }

interface Guardrail {
  run(data: object): Promise<{ readonly behavior?: { type: string; message?: string } }>
}

/** @openai/agents, runToolInputGuardrails: a guardrail without a behavior allows. */
async function callOpenai(socket: string): Promise<Called> {
  const guardrails: Guardrail[] = []
  const tool = (made: { inputGuardrails: Guardrail[] }) => guardrails.push(...made.inputGuardrails)
  await runBlock(openai, socket, { tool, removeFile: {} })
  assert.equal(guardrails.length, 1)
  const toolCall = { type: 'function_call', name: 'remove_file', arguments: '{"path":"/a"}' }
  for (const guardrail of guardrails) {
    const { behavior } = await guardrail.run({ toolCall })
    if (behavior?.type === 'rejectContent') return { told: behavior.message ?? '' }
  }
  return { ran: JSON.parse(toolCall.arguments) }
}

type Status = undefined | string | { readonly type: string; readonly reason?: string }

/** ai, ToolApprovalStatus: `undefined` runs. */
async function callVercel(socket: string): Promise<Called> {
  let called: Called | null = null
  const generateText = async ({ toolApproval }: { toolApproval(of: object): Promise<Status> }) => {
    const toolCall = { toolName: 'remove_file', input: { path: '/a' } }
    const status = await toolApproval({ toolCall })
    const { type, reason = '' } = typeof status === 'object' ? status : { type: status }
    called = type === 'denied' ? { told: reason } : { ran: toolCall.input }
  }
  await runBlock(vercel, socket, { generateText, model: null, tools: null, prompt: '' })
  return called ?? assert.fail('nothing was generated')
}

const DOUBTS: readonly Answers[string][] = [
  { ...ALLOW, decision: 'true' },
  { ...ALLOW, obligations: [] },
  {},
  (response) => void response.end('<html>'),
  (response) => response.destroy(),
]

for (const [name, call] of [
  ['OpenAI Agents', callOpenai],
  ['the AI SDK', callVercel],
] as const) {
  test(`the recipe for ${name} runs a tool on an allow alone`, async () => {
    await using daemon = await FalseDaemon.open({ 'POST /v1/decisions': ALLOW })
    assert.deepEqual(await call(daemon.socket), { ran: { path: '/a' } })
    assert.deepEqual(daemon.asked[0]?.body, {
      action: { name: 'tools/call', properties: { path: '/a' } },
      resource: { type: 'tool', id: 'remove_file' },
    })
    daemon.answers = { 'POST /v1/decisions': DENY }
    const denied = await call(daemon.socket)
    assert.match('told' in denied ? denied.told : 'ran', /REVOKED, rev_0a77e4c1/)
    for (const answer of DOUBTS) {
      daemon.answers = { 'POST /v1/decisions': answer }
      assert.ok('told' in (await call(daemon.socket)), JSON.stringify(answer))
    }
    await daemon.kill()
    const gone = await call(daemon.socket)
    assert.match('told' in gone ? gone.told : 'ran', /UNREACHABLE/)
  })
}
