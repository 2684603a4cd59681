/** Decisions that were asked with a word that stands nowhere else: where it is found, it was told. */
import { decisionDraft } from '../../src/core/decision-record.ts'
import { exhibitOf } from '../../src/core/exhibit.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { judge } from '../../src/core/judge.ts'
import { readRequest } from '../../src/core/request.ts'
import { CALLER, input, presented } from './judgements.ts'

export interface CanaryDecision {
  readonly draft: JsonObject
  readonly exhibit: Uint8Array
}

/** Its canary is an argument, a claim, the resource, the subject, the caller's name, and in the invocation. */
export function canaryDecision(canary: string): CanaryDecision {
  const resource = { type: 'repo', id: canary }
  const subject = { type: 'user', id: canary }
  const args = { path: canary }
  const asked = input({
    request: readRequest({
      ...{ subject, resource, action: { name: 'tool:read', properties: args } },
      context: { ticket: canary },
    }),
    presented: presented({}, { args: { action: 'tool:read', args, resource, subject } }),
    caller: { ...CALLER, name: canary },
  })
  const judgement = judge(asked)
  const draft = decisionDraft({
    ...{ input: asked, judgement, denial: judgement.denial, supersedes: null },
    ...{ unrecorded: 0, gateway: null, durationUs: 400 },
  })
  const exhibit = exhibitOf(asked, judgement)
  if (exhibit === null) throw new Error('its artifact verifies')
  return { draft, exhibit }
}

export const EXHIBIT = canaryDecision('canary').exhibit
