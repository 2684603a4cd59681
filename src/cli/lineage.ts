/** `meshd lineage trace|graph`: what an execution descends from and what descends from it, across nodes, each hop verified. */
import type { LineageView } from '../client/lineage-types.ts'
import type { View } from '../client/types.ts'
import { isSha256Id } from '../core/id.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import type { Context } from './context.ts'
import { pastDecision } from './explain.ts'
import { drawDot, drawMermaid } from './lineage-draw.ts'
import { lineageLines, namesFor } from './lineage-text.ts'
import { forPeople, printItem } from './output.ts'
import { namesToShow } from './principals.ts'
import { type Command, flagOption, textOption } from './spec.ts'

const WAIT_MS = 4_000

/** Typed by habit: other views show one node without it. */
const MESH = { flags: '--mesh', says: 'always so: every node in reach is asked' } as const

export const lineageTrace: Command = {
  name: 'lineage trace',
  group: 'PROVE',
  args: ['<execution>'],
  says: 'up: what an execution descends from, each receipt verified',
  examples: ['meshd lineage trace last', 'meshd lineage trace dec_9b31c07d'],
  options: [MESH],
  run: async (context, [text = '']) => {
    const view = await lineageOf(context, text, 'up')
    await print(context, view)
    return statusOf(view)
  },
}

const FORMATS = { mermaid: drawMermaid, dot: drawDot } as const

export const lineageGraph: Command = {
  name: 'lineage graph',
  group: 'PROVE',
  args: ['<execution>'],
  says: 'the same as a graph, for mermaid or dot; --down: what descends from it',
  examples: [
    'meshd lineage graph last --down',
    'meshd lineage graph last --down --format dot | dot -Tsvg > lineage.svg',
  ],
  options: [
    MESH,
    { flags: '--down', says: 'what descends from it, as the nodes that answer know it' },
    { flags: '--format <format>', says: 'text, mermaid or dot; -o json for the data' },
  ],
  run: async (context, [text = ''], options) => {
    const format = textOption(options, 'format') ?? 'text'
    if (format !== 'text' && format !== 'mermaid' && format !== 'dot')
      throw new MeshError('USAGE', `--format: \`${format}\` is none of text, mermaid, dot`)
    const view = await lineageOf(context, text, flagOption(options, 'down') ? 'down' : 'up')
    if (format === 'text' || !forPeople(context)) await print(context, view)
    else {
      const names = namesFor(view.item, await namesToShow(context))
      for (const line of FORMATS[format](view.item, names)) context.print(line)
    }
    return statusOf(view)
  },
}

type Shown = View<'Lineage', LineageView>

async function lineageOf(context: Context, text: string, direction: string): Promise<Shown> {
  const id = isSha256Id(text) ? text : (await pastDecision(context, text)).item.id
  const path = `/v1/lineage/${encodeURIComponent(id)}?direction=${direction}&ms=${WAIT_MS}`
  return context.client('read').get<Shown>(path)
}

async function print(context: Context, { item, seenFrom }: Shown): Promise<void> {
  const names = namesFor(item, forPeople(context) ? await namesToShow(context) : [])
  printItem(context, {
    kind: 'Lineage',
    seenFrom,
    item,
    id: item.id,
    lines: () => lineageLines(context, item, names).map((line) => context.style.symbols(line)),
  })
}

/** What is not proven is not as good as what is: scripts see it too. */
function statusOf({ item }: Shown): number {
  const whole = item.hops.every(({ verified }) => verified) && item.silent.length === 0
  return whole && !item.more ? 0 : PROBLEMS.NOT_READY.exit
}
