/**
 * A lineage for programs that draw. What is not proven is dashed and marked.
 *
 *     graph TD                                       digraph lineage {
 *       dec_2e90b4d6["planner<br>tool:search"]         "dec_2e90b4d6" [label="planner\ntool:search"]
 *       dec_2e90b4d6 --> dec_9b31c07d                  "dec_2e90b4d6" -> "dec_9b31c07d"
 */
import type { HopView, LineageView } from '../client/lineage-types.ts'
import { shortId } from '../core/id.ts'
import { safe } from './govern.ts'
import { type Named, nameIn } from './principals.ts'

const DIGITS = 12

export function drawMermaid({ hops }: LineageView, names: readonly Named[]): readonly string[] {
  const nodes = hops.map((hop) => {
    const text = labelOf(hop, names).map(mermaidText).join('<br>')
    return `  ${nameOf(hop.id)}["${text}"]${hop.verified ? '' : ':::unproven'}`
  })
  const edges = edgesOf(hops).map(([from, to]) => `  ${nameOf(from)} --> ${nameOf(to)}`)
  return ['graph TD', ...nodes, ...edges, '  classDef unproven stroke-dasharray: 5 5']
}

export function drawDot({ hops }: LineageView, names: readonly Named[]): readonly string[] {
  const nodes = hops.map((hop) => {
    const text = labelOf(hop, names).map(dotText).join('\\n')
    return `  "${nameOf(hop.id)}" [label="${text}"${hop.verified ? '' : ' style=dashed'}]`
  })
  const edges = edgesOf(hops).map(([from, to]) => `  "${nameOf(from)}" -> "${nameOf(to)}"`)
  return ['digraph lineage {', '  node [shape=box]', ...nodes, ...edges, '}']
}

function labelOf({ id, node, decision, why }: HopView, names: readonly Named[]): string[] {
  const where = node === null ? 'no node' : nameIn(names, node)
  const name = shortId('dec', id)
  if (decision === null) return [`? ${name}`, where, why ?? 'not proven'].map(safe)
  const { principal, action, resource, effect, code, outcome, revoked } = decision
  const who = principal === null ? 'unknown' : nameIn(names, principal)
  const end = effect === 'deny' ? `denied: ${code ?? ''}` : (outcome?.outcome ?? 'no outcome yet')
  const lines = [`${name} on ${where}`, who, `${action ?? '-'} ${resource ?? '-'}`, end]
  return (revoked === null ? lines : [...lines, 'revoked']).map(safe)
}

function edgesOf(hops: readonly HopView[]): readonly (readonly [from: string, to: string])[] {
  const known = new Set(hops.map(({ id }) => id))
  return hops.flatMap(({ id, cause }) =>
    cause !== null && known.has(cause) ? [[cause, id] as const] : [],
  )
}

/** More digits than a screen has: two hops must not share a box. */
function nameOf(id: string): string {
  return shortId('dec', id, DIGITS)
}

function mermaidText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

function dotText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}
