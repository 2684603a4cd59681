/** `meshd config show|check|schema|reload`: the one file of a node. */
import type { ReloadView } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import type { Context } from './context.ts'
import { forPeople, printItem, printList } from './output.ts'
import { type Command, flagOption } from './spec.ts'

interface ConfigRow {
  readonly key: string
  readonly value: unknown
  readonly origin: string
}

export const configShow: Command = {
  name: 'config show',
  group: 'OPERATE',
  says: 'every value as the daemon would read it; --origin says where each comes from',
  examples: ['meshd config show', 'meshd config show --origin'],
  options: [{ flags: '--origin', says: 'file, environment or default' }],
  run: async (context, _args, options) => {
    const { loadConfig } = await import('../daemon/config.ts')
    const { config, origins, path, found } = loadConfig(context.globals.config, context.io.env)
    const rows = rowsOf(config, (key) => origins.get(key) ?? 'default')
    const origin = flagOption(options, 'origin')
    printList(context, {
      kind: 'ConfigList',
      seenFrom: path,
      items: rows,
      id: ({ key }) => key,
      empty: 'nothing is configured',
      columns: [
        { head: 'KEY', cell: ({ key }) => key },
        { head: 'VALUE', cell: ({ value }) => JSON.stringify(value) },
        ...(origin ? [{ head: 'ORIGIN', cell: (row: ConfigRow) => row.origin }] : []),
      ],
    })
    if (forPeople(context)) context.say(found ? path : `${path} is not there: all defaults`)
    return 0
  },
}

/** `node.dataDir` of the values is `node.data_dir` of the file; units have gone into the value. */
function rowsOf(config: object, originOf: (key: string) => string): readonly ConfigRow[] {
  return Object.entries(config).flatMap(([section, values]) =>
    Object.entries(values as object).map(([name, value]) => {
      const key = `${section}.${fileKey(name)}`
      const plain = value instanceof Map ? Object.fromEntries(value) : value
      return { key, value: plain, origin: originOf(key) }
    }),
  )
}

function fileKey(name: string): string {
  return name.replace(/(?:Ms|Bytes)$/, '').replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
}

export const configCheck: Command = {
  name: 'config check',
  group: 'OPERATE',
  args: ['[file]'],
  says: 'whether the daemon would start with it; names what is wrong by line and column',
  examples: ['meshd config check', 'meshd config check ./meshd.yaml'],
  run: async (context, [file]) => {
    const { loadConfig } = await import('../daemon/config.ts')
    const { config, path, found } = loadConfig(file ?? context.globals.config, context.io.env)
    const { readTcpFiles } = await import('../daemon/tcp-files.ts')
    readTcpFiles(config.api.tcp)
    const says = found ? 'is valid' : 'is not there: all defaults, which are valid'
    context.print(context.style.symbols(`✓ ${path} ${says}`))
    return 0
  },
}

export const configSchema: Command = {
  name: 'config schema',
  group: 'OPERATE',
  says: 'the JSON Schema of the file, for editors',
  examples: ['meshd config schema > config-v1.schema.json'],
  run: async (context) => {
    const { jsonSchema } = await import('../daemon/schema.ts')
    context.data(JSON.stringify(jsonSchema(), null, 2))
    return 0
  },
}

export const configReload: Command = {
  name: 'config reload',
  group: 'OPERATE',
  says: 'let the daemon read the file again: all of it takes effect, or none',
  examples: ['meshd config reload'],
  run: async (context) => {
    await checkFirst(context)
    const view = await context.client('admin').post<ReloadView>('/v1/config/reload', {})
    const { applied, restart, rejected } = view
    printItem(context, {
      kind: 'Reload',
      seenFrom: '',
      item: view,
      id: rejected === null ? 'applied' : 'rejected',
      lines: () => [
        rejected === null
          ? `applied        ${applied.join(', ') || 'nothing differs'}`
          : 'rejected       what ran goes on as it was',
        ...(restart.length === 0 ? [] : [`needs restart  ${restart.join(', ')}`]),
      ],
    })
    if (rejected !== null) throw new MeshError('CONFIG_INVALID', rejected)
    return 0
  },
}

/** A file that is named here is checked here, so that its places are named in this user's terms. */
async function checkFirst({ globals, io }: Context): Promise<void> {
  if (globals.config === null) return
  const { loadConfig } = await import('../daemon/config.ts')
  loadConfig(globals.config, io.env)
}
