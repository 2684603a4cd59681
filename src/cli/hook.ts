/**
 * `meshd hook claude-code|generic`: asked by an agent before it calls a tool.
 * Exit 0 for an allow and 2 for everything else, whatever goes wrong (run.ts).
 */
import { HOOK_MS_MAX, REQUEST_BYTES_MAX } from '../core/limits.ts'
import { stripControls } from '../core/text.ts'
import { askHook, type HookKind } from '../enforce/hook.ts'
import { headersOf } from './authorize.ts'
import type { Context } from './context.ts'
import { HOOK_BLOCKED_EXIT } from './run.ts'
import { type Command, flagOption, type OptionSpec, type Options } from './spec.ts'

const OPTIONS: readonly OptionSpec[] = [
  { flags: '--artifact <file>', says: 'explicit; else the wallet is searched' },
  { flags: '--cause <execution>', says: 'that this one descends from; else $MESHD_EXECUTION' },
]

export const hookClaudeCode: Command = {
  name: 'hook claude-code',
  group: 'DECIDE',
  says: 'a PreToolUse hook: the event on stdin, exit 0 or 2',
  examples: ['meshd gateway show claude-code', 'meshd hook claude-code || exit 2'],
  options: [
    ...OPTIONS,
    { flags: '--approve', says: 'an allow also passes over what Claude Code would ask itself' },
  ],
  run: (context, _args, options) => hook(context, options, 'claude-code'),
}

export const hookGeneric: Command = {
  name: 'hook generic',
  group: 'DECIDE',
  says: 'a hook for any agent: {"tool_name","tool_input"} on stdin, exit 0 or 2',
  examples: ['meshd hook generic < event.json'],
  options: OPTIONS,
  run: (context, _args, options) => hook(context, options, 'generic'),
}

async function hook(context: Context, options: Options, kind: HookKind): Promise<number> {
  const { globals, io } = context
  const headers = await headersOf(context, options)
  // An agent that waits no longer lets the call run: what hangs here ends before that.
  const timeoutMs = Math.min(globals.timeoutMs || HOOK_MS_MAX, HOOK_MS_MAX)
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)])
  const client = context.client('decide')
  const result = await askHook(kind, flagOption(options, 'approve'), {
    ...{ stdin: io.stdin, bytesMax: REQUEST_BYTES_MAX, signal },
    post: (path, body) => client.postText(path, body, { headers, timeoutMs, signal }),
  })
  if (result.allow) {
    context.data(JSON.stringify(result.output))
    return 0
  }
  // It is the answer, and no talk: --quiet does not take it away.
  io.stderr.write(`${stripControls(result.reason)}\n`)
  return HOOK_BLOCKED_EXIT
}
