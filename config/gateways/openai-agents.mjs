// OpenAI Agents SDK: a guardrail on the input of a tool, asked before each call.
//     tool({ name: 'deploy', …, inputGuardrails: [meshd] })
import { defineToolInputGuardrail, ToolGuardrailFunctionOutputFactory } from '@openai/agents'
import { Mesh } from 'meshd/client'

const mesh = new Mesh({ socket: '{{socket}}' })
const { allow, rejectContent } = ToolGuardrailFunctionOutputFactory

export const meshd = defineToolInputGuardrail({
  name: 'meshd',
  // Every way out says which: the SDK takes an answer without a behavior for an allow.
  run: async ({ toolCall: { name, arguments: text } }) => {
    try {
      const question = { action: 'tools/call', resource: `tool:${name}`, args: JSON.parse(text) }
      const decision = await mesh.decide(question)
      if (decision.allow === true) return allow({ decision: decision.id })
      return rejectContent(`denied by meshd: ${decision.code}: ${decision.reason}`)
    } catch {
      return rejectContent('denied by meshd: the call could not be asked about')
    }
  },
})
