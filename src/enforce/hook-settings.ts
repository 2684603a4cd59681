/**
 * The settings of Claude Code, looked at for what would make a hook of meshd
 * useless without anybody noticing: a hook that cannot start, takes too long
 * or ends with a status of its own lets the call run.
 *
 *     {"hooks":{"PreToolUse":[{"matcher":"*","hooks":[
 *       {"type":"command","command":"meshd hook claude-code || exit 2","timeout":30,"onFailure":"block"}]}]}}
 */
import type { DoctorView } from '../client/types.ts'
import { HOOK_MS_MAX } from '../core/limits.ts'

type Finding = DoctorView['groups'][number]['findings'][number]

export interface SettingsFile {
  readonly path: string
  /** null where it cannot be read. */
  readonly text: string | null
}

/** Whether a program, as a shell would look for it, may be run. */
export type Runnable = (program: string) => boolean

type Fields = Readonly<Record<string, unknown>>

const OURS = /\bmeshd\b|\/v1\/gateway\/claude-code/
const SHOW = 'meshd gateway show claude-code'

/** Empty where no file names meshd: then nobody means to be asked. */
export function settingsFindings(
  files: readonly SettingsFile[],
  runnable: Runnable,
): readonly Finding[] {
  const hidden = files
    .filter(({ text }) => text === null)
    .map(({ path }) => finding('warning', `${path}: cannot be read by this user`, `ls -l ${path}`))
  const own = files.filter(({ text }) => OURS.test(text ?? ''))
  if (own.length === 0) return hidden
  const off = files.filter(({ text }) => fieldsOf(parsed(text))['disableAllHooks'] === true)
  return [
    ...hidden,
    ...off.map(({ path }) => finding('error', `${path}: disableAllHooks is on`, 'take it out')),
    ...own.flatMap((file) => fileFindings(file, runnable)),
  ]
}

function fileFindings({ path, text }: SettingsFile, runnable: Runnable): readonly Finding[] {
  const settings = parsed(text)
  if (settings === null)
    return [finding('error', `${path}: is no JSON, so that no hook of it runs`, `mend ${path}`)]
  const entries = listOf(fieldsOf(fieldsOf(settings)['hooks'])['PreToolUse'])
  const found = entries.flatMap((entry) => {
    const { matcher, hooks } = fieldsOf(entry)
    const ours = listOf(hooks).map(fieldsOf).filter(isOurs)
    return ours.flatMap((hook) => [...matched(matcher, hook), ...hookFindings(hook, runnable)])
  })
  const none = !entries.some((entry) => listOf(fieldsOf(entry)['hooks']).map(fieldsOf).some(isOurs))
  if (none) return [finding('warning', `${path}: no PreToolUse hook asks meshd`, SHOW)]
  if (found.length === 0)
    return [{ level: 'ok', says: `${path}: every tool call asks meshd`, fix: null }]
  return found.map(({ level, says, fix }) => ({ level, says: `${path}: ${says}`, fix }))
}

function matched(matcher: unknown, hook: Fields): readonly Finding[] {
  const all = matcher === undefined || matcher === '' || matcher === '*' || matcher === '.*'
  if (all && hook['if'] === undefined) return []
  const what = all ? 'its `if`' : `its matcher \`${String(matcher)}\``
  return [finding('warning', `only calls that ${what} takes are decided`, SHOW)]
}

function isOurs({ command, url }: Fields): boolean {
  return OURS.test(`${textOf(command)} ${textOf(url)}`)
}

function hookFindings(hook: Fields, runnable: Runnable): readonly Finding[] {
  const { type, command, async: later } = hook
  const blocks = hook['onFailure'] === 'block'
  const apart = later === true ? [finding('error', 'an async hook blocks nothing', SHOW)] : []
  if (type === 'http') return [...apart, ...(blocks ? [] : [failsOpen('error')])]
  const text = textOf(command)
  const caught = /\|\|\s*exit 2\s*$/.test(text)
  return [
    ...apart,
    ...programFindings(text, runnable),
    ...(blocks ? [] : [failsOpen(caught ? 'warning' : 'error')]),
    ...(blocks ? [] : timeoutFindings(hook['timeout'])),
  ]
}

function failsOpen(level: 'warning' | 'error'): Finding {
  const says =
    level === 'error'
      ? 'a hook that fails lets the call run: it needs "onFailure": "block"'
      : 'a hook that takes too long lets the call run: it needs "onFailure": "block"'
  return finding(level, says, SHOW)
}

function programFindings(command: string, runnable: Runnable): readonly Finding[] {
  const [, quoted, plain] = /^\s*(?:"([^"]+)"|([^\s"]+))/.exec(command) ?? []
  const program = quoted ?? plain ?? ''
  const typed = /\bmeshd(?:\.js)?["']?\s+(.*)$/.exec(command)?.[1] ?? ''
  const wrong = /^hook claude-code(?:\s|$)/.test(typed)
    ? []
    : [finding('error', `\`${command}\` is no hook of meshd`, SHOW)]
  // What the shell fills in is for the shell to find.
  if (/[$~]/.test(program) || runnable(program)) return wrong
  return [...wrong, finding('error', `\`${program}\` is not there, or cannot be run`, SHOW)]
}

/** Claude Code waits for so many seconds, and then goes on. */
function timeoutFindings(timeout: unknown): readonly Finding[] {
  if (timeout === undefined || Number(timeout) * 1000 > HOOK_MS_MAX) return []
  const says = `its timeout of ${String(timeout)} s ends before meshd gives up, after ${HOOK_MS_MAX / 1000} s`
  return [finding('warning', says, SHOW)]
}

function finding(level: 'warning' | 'error', says: string, fix: string): Finding {
  return { level, says, fix }
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text)
  } catch {
    return null // said as a finding, where it matters
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
