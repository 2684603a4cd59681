/** `meshd doctor`: everything that can be checked, and how to mend it; its first line is the one thing to do. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DoctorView, View } from '../client/types.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import { stripControls } from '../core/text.ts'
import { type SettingsFile, settingsFindings } from '../enforce/hook-settings.ts'
import type { Context } from './context.ts'
import { printItem } from './output.ts'
import { type Command, flagOption, textOption } from './spec.ts'
import { plural } from './text.ts'

type Finding = DoctorView['groups'][number]['findings'][number]

const MARKS = { ok: '✓', warning: '!', error: '✗' } as const

export const doctor: Command = {
  name: 'doctor',
  group: 'GET GOING',
  says: 'check everything that can be checked and say how to mend it',
  examples: ['meshd doctor', 'meshd doctor --with dorado', 'meshd doctor --fix'],
  options: [
    { flags: '--with <node>', says: 'look at the way to that node from both ends' },
    { flags: '--fix', says: 'print the commands that mend what was found' },
  ],
  run: async (context, _args, options) => {
    const { item: seen, seenFrom } = await examine(context, textOption(options, 'with'))
    const item = { ...seen, groups: [...seen.groups, ...agentHooks(context)] }
    const findings = item.groups.flatMap((group) => group.findings)
    printItem(context, {
      kind: 'Doctor',
      seenFrom,
      item,
      id: seenFrom,
      lines: () =>
        (flagOption(options, 'fix') ? fixes(findings) : lines(context, item, findings)).map(
          (line) => context.style.symbols(line),
        ),
    })
    return findings.some(({ level }) => level === 'error') ? PROBLEMS.NOT_READY.exit : 0
  },
}

type Seen = Pick<View<'Doctor', DoctorView>, 'item' | 'seenFrom'>

/** The daemon examines itself; where it does not answer, that is the finding, and what can be seen without it. */
async function examine(context: Context, node: string | null): Promise<Seen> {
  const query = node === null ? '' : `?with=${encodeURIComponent(node)}`
  try {
    return await context.client('read').get<View<'Doctor', DoctorView>>(`/v1/doctor${query}`)
  } catch (error) {
    // Only that it cannot be reached is something a doctor looks into; a refusal stays one.
    if (!(error instanceof MeshError) || PROBLEMS[error.code].exit !== PROBLEMS.UNREACHABLE.exit)
      throw error
    const daemon = { level: 'error', says: error.message, fix: error.hint } as const
    const groups = [
      { name: 'Daemon', findings: [daemon] },
      { name: 'Config', findings: [await configFinding(context)] },
    ]
    return { item: { groups }, seenFrom: '' }
  }
}

async function configFinding({ globals, io }: Context): Promise<Finding> {
  const { loadConfig } = await import('../daemon/config.ts')
  try {
    const { path, found } = loadConfig(globals.config, io.env)
    return {
      level: 'ok',
      says: `${path} ${found ? 'is valid' : 'is not there: defaults'}`,
      fix: null,
    }
  } catch (error) {
    // What is wrong with it is what was looked for.
    if (!(error instanceof MeshError)) throw error
    return { level: 'error', says: error.message, fix: error.hint }
  }
}

/** Where Claude Code looks: of the user, of the project, of the host. */
function agentHooks({ io }: Context): DoctorView['groups'] {
  const user = io.env['CLAUDE_CONFIG_DIR'] ?? join(io.env['HOME'] ?? '/', '.claude')
  const paths = [
    join(user, 'settings.json'),
    '.claude/settings.json',
    '.claude/settings.local.json',
    '/etc/claude-code/managed-settings.json',
  ]
  const files = paths.filter((path) => existsSync(path)).map(readSettings)
  const findings = settingsFindings(files, (program) => runnable(program, io.env['PATH'] ?? ''))
  return findings.length === 0 ? [] : [{ name: 'Agent hooks', findings }]
}

function readSettings(path: string): SettingsFile {
  try {
    return { path, text: readFileSync(path, 'utf8') }
  } catch {
    return { path, text: null } // it may be somebody else's: that much is said
  }
}

function runnable(program: string, path: string): boolean {
  const places = program.includes('/') ? [program] : path.split(':').map((at) => join(at, program))
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false // not here
    }
  })
}

function lines({ style }: Context, view: DoctorView, findings: readonly Finding[]): string[] {
  const first = findings.find(({ level }) => level === 'error')
  const todo =
    first === undefined ? [] : [`! do this first: ${text(first)}${fixText(first.fix)}`, '']
  const width = Math.max(0, ...view.groups.map(({ name }) => name.length))
  const rows = view.groups.flatMap(({ name, findings: own }) =>
    own.map((finding, i) => {
      const paint = { ok: style.good, warning: style.warn, error: style.bad }[finding.level]
      const head = i === 0 ? stripControls(name) : ''
      return `${head.padEnd(width)}  ${paint(MARKS[finding.level])} ${text(finding)}`
    }),
  )
  const count = (wanted: Finding['level']) => findings.filter((f) => f.level === wanted).length
  const [errors, warnings] = [count('error'), count('warning')]
  const more = errors + warnings === 0 ? '' : '   --fix prints the commands'
  return [...todo, ...rows, `${plural(errors, 'error')}, ${plural(warnings, 'warning')}${more}`]
}

function fixes(findings: readonly Finding[]): string[] {
  return [...new Set(findings.flatMap(({ fix }) => (fix === null ? [] : [stripControls(fix)])))]
}

function text({ says }: Finding): string {
  return stripControls(says)
}

function fixText(fix: string | null): string {
  return fix === null ? '' : `; try: ${stripControls(fix)}`
}
