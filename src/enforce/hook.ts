/**
 * A hook of an agent: what is about to be done comes as JSON on stdin, and the
 * exit status says whether it may be. To Claude Code and those like it only 2
 * blocks a call: 1, 127 or a signal are errors, and the call runs. So there are
 * two ways out of here, an allow that the daemon spelled out, and a reason.
 */
import { addAbortSignal, type Readable } from 'node:stream'
import { MeshError } from '../core/problems.ts'

export type HookKind = 'claude-code' | 'generic'

export interface HookPorts {
  readonly stdin: Readable
  readonly bytesMax: number
  /** The daemon's answer, parsed. Rejects when there is none. */
  post(path: string, body: string): Promise<unknown>
  /** Ends it all: the time that there is, and Ctrl-C. */
  readonly signal: AbortSignal
}

export type HookResult =
  | { readonly allow: true; readonly output: object }
  | { readonly allow: false; readonly reason: string }

/** @throws MeshError, or whatever went wrong: to the caller that is a no as well */
export async function askHook(
  kind: HookKind,
  approve: boolean,
  ports: HookPorts,
): Promise<HookResult> {
  const event = await readEvent(ports)
  if (kind === 'generic') return genericResult(await ports.post('/v1/gateway/generic', event))
  // What is asked for is a yes in so many words; whether it is passed on is another matter.
  const answer = await ports.post('/v1/gateway/claude-code?approve=true', event)
  return claudeCodeResult(answer, approve)
}

async function readEvent(ports: HookPorts): Promise<string> {
  let event: string
  try {
    event = await readBounded(ports)
  } catch (cause) {
    if (!ports.signal.aborted) throw cause
    throw new MeshError('TIMEOUT', 'the event on stdin did not end in time', { cause })
  }
  if (event !== '') return event
  throw new MeshError('USAGE', 'stdin is empty: the event is given there as JSON')
}

/** A stdin that nobody closes ends with the signal. */
async function readBounded({ stdin, bytesMax, signal }: HookPorts): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of addAbortSignal(signal, stdin)) {
    const bytes = Buffer.from(chunk as Uint8Array)
    size += bytes.length
    if (size > bytesMax)
      throw new MeshError('TOO_LARGE', `the event is larger than ${bytesMax} bytes`, {
        hint: 'nothing so large can be decided: let the agent do less at once',
      })
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString()
}

const EVENT = 'PreToolUse'

function claudeCodeResult(answer: unknown, approve: boolean): HookResult {
  const output = fieldsOf(fieldsOf(answer)['hookSpecificOutput'])
  const { hookEventName, permissionDecision, permissionDecisionReason: reason } = output
  if (hookEventName !== EVENT || typeof reason !== 'string') throw unknown()
  if (permissionDecision === 'deny') return { allow: false, reason }
  if (permissionDecision !== 'allow') throw unknown()
  // Without a decision in it, what Claude Code itself would ask is asked as ever.
  const said = approve ? { permissionDecision, permissionDecisionReason: reason } : {}
  return { allow: true, output: { hookSpecificOutput: { hookEventName, ...said } } }
}

function genericResult(answer: unknown): HookResult {
  const { decision, id, reason } = fieldsOf(answer)
  if (decision === 'deny' && typeof reason === 'string') return { allow: false, reason }
  if (decision !== 'allow' || typeof id !== 'string') throw unknown()
  return { allow: true, output: { decision, id } }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function unknown(): MeshError {
  return new MeshError('INVALID_ANSWER', 'the daemon answered neither allow nor deny')
}
