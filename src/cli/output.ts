/**
 * The five renderings of a view. stdout carries data: a table for people, or
 * JSON that is a contract (src/client/types.ts), never a dump.
 */
import { MeshError } from '../core/problems.ts'
import { jsonText, stripControls } from '../core/text.ts'
import type { Context } from './context.ts'
import { type Column, renderTable, type TableStyle } from './table.ts'

export const OUTPUTS = ['table', 'wide', 'json', 'jsonl', 'id'] as const
export type Output = (typeof OUTPUTS)[number]

export function outputOf(text: unknown): Output {
  const found = OUTPUTS.find((output) => output === text)
  if (found === undefined)
    throw new MeshError('USAGE', `\`${String(text)}\` is none of ${OUTPUTS.join(', ')}`)
  return found
}

/** A list: its items, the id of each, its columns, and what else a person is told below the table. */
export interface ListOutput<Item> {
  readonly kind: string
  readonly seenFrom: string
  readonly items: readonly Item[]
  readonly id: (item: Item) => string
  readonly columns: readonly Column<Item>[]
  /** Said instead of an empty table: the next command to learn. */
  readonly empty: string
  /** What the JSON of the list says beside its items. */
  readonly more?: object
}

export function printList<Item extends object>(context: Context, list: ListOutput<Item>): void {
  const { output, fields } = context.globals
  if (output === 'json') {
    const items = list.items.map((item) => pick(item, fields))
    context.data(jsonText(envelope(context, list.kind, list.seenFrom, { items, ...list.more }), 2))
  } else if (output === 'jsonl') {
    for (const item of list.items) context.data(jsonText(pick(item, fields)))
  } else if (output === 'id') {
    for (const item of list.items) context.print(list.id(item))
  } else if (list.items.length === 0) {
    context.say(list.empty)
  } else {
    const columns = chosen(list.columns, fields)
    for (const line of renderTable(list.items, columns, tableStyle(context))) context.print(line)
  }
}

/** One thing: the JSON of it, its id, or the lines a person reads. */
export interface ItemOutput {
  readonly kind: string
  readonly seenFrom: string
  readonly item: object
  readonly id: string
  readonly lines: () => readonly string[]
}

export function printItem(context: Context, view: ItemOutput): void {
  const { output, fields } = context.globals
  if (output === 'json')
    context.data(
      jsonText(envelope(context, view.kind, view.seenFrom, { item: pick(view.item, fields) }), 2),
    )
  else if (output === 'jsonl') context.data(jsonText(pick(view.item, fields)))
  else if (output === 'id') context.print(view.id)
  else for (const line of view.lines()) context.print(line)
}

export function forPeople(context: Context): boolean {
  return context.globals.output === 'table' || context.globals.output === 'wide'
}

function envelope({ now }: Context, kind: string, seenFrom: string, body: object): object {
  return { apiVersion: 'meshd/v1', kind, generatedAt: now().toISOString(), seenFrom, ...body }
}

function pick(item: object, fields: readonly string[] | null): object {
  if (fields === null) return item
  const entries = Object.entries(item)
  for (const field of fields)
    if (!entries.some(([name]) => name === field))
      throw noField(
        field,
        entries.map(([name]) => name),
      )
  return Object.fromEntries(entries.filter(([name]) => fields.includes(name)))
}

function chosen<Item>(
  columns: readonly Column<Item>[],
  fields: readonly string[] | null,
): readonly Column<Item>[] {
  if (fields === null) return columns
  return fields.map((field) => {
    const column = columns.find(({ head }) => head.toLowerCase() === field.toLowerCase())
    if (column === undefined)
      throw noField(
        field,
        columns.map(({ head }) => head.toLowerCase()),
      )
    return column
  })
}

function noField(field: string, known: readonly string[]): MeshError {
  return new MeshError('USAGE', `no field \`${stripControls(field)}\``, {
    hint: `one of: ${known.join(', ')}`,
  })
}

/** How wide, with or without names of columns. */
export function tableStyle(context: Context): TableStyle {
  return {
    header: context.globals.header,
    wide: context.globals.output === 'wide' || context.globals.fields !== null,
    columns: context.io.stdout.isTTY === true ? (context.io.stdout.columns ?? null) : null,
    style: context.style,
  }
}
