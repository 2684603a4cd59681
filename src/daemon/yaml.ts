/**
 * What people write in YAML, with the place of each part. The library recurses, and takes the square of the depth
 * and more: a hundred thousand `- ` are minutes, and then no stack. So the depth is bounded before it reads.
 */
import { CST, type Document, Lexer, LineCounter, type Node, parseDocument } from 'yaml'
import { NESTING_MAX, YAML_COLUMN_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'

/** The document may hold errors of its own. @throws Malformed for what is nested too deep */
export function readYaml(text: string) {
  checkNesting(text)
  const lines = new LineCounter()
  return { document: parseDocument(text, { lineCounter: lines, prettyErrors: false }), lines }
}

/** What a part of it stands for. @throws Malformed for an alias of nothing, and for more of them than a person writes */
export function valueIn(document: Document, node: Node | null): unknown {
  try {
    return node?.toJS(document) ?? null
  } catch (cause) {
    if (cause instanceof ReferenceError) throw new Malformed('an alias in it cannot be followed')
    throw cause
  }
}

const OPENS = ['flow-map-start', 'flow-seq-start']
const CLOSES = ['flow-map-end', 'flow-seq-end']
const STEPS = ['map-value-ind', 'seq-item-ind', 'explicit-key-ind']

/** Brackets that are open, steps down since something ended, and how far to the right a line begins: nothing else goes deeper. */
function checkNesting(text: string): void {
  let [brackets, steps, begins, isText] = [0, 0, true, false]
  for (const token of new Lexer().lex(text)) {
    // Whatever a text looks like, it is one.
    const type = isText ? 'text' : (CST.tokenType(token) ?? 'text')
    isText = type === 'scalar'
    if (OPENS.includes(type)) brackets += 1
    else if (STEPS.includes(type)) steps += 1
    else if (CLOSES.includes(type)) [brackets, steps] = [Math.max(0, brackets - 1), 0]
    else if (type === 'comma' && brackets > 0) steps = 0
    const right = begins && type === 'space' && token.length > YAML_COLUMN_MAX
    if (right || brackets + steps > NESTING_MAX) throw new Malformed('it is nested too deep')
    begins = token.endsWith('\n')
    if (begins && brackets === 0) steps = 0
  }
}
