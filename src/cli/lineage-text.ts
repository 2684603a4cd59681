/**
 * A lineage for people:
 *
 *     dec_9b31c07d  cygnus  14:14:58  ALLOW  worker-9  tool:search repo:acme/web    outcome: ok
 *     ├─ authority  prod root v3 ─ alice ─ planner art_bejocdkb ─ worker-9 art_gcq5cvfd
 *     └─ cause      ? dec_2e90b4d6  atlas should have it: …
 *
 * A `?` stands before whatever was not proven; nothing else is printed without proof.
 */
import type { HopDecisionView, HopView, LineageView } from '../client/lineage-types.ts'
import { shortId } from '../core/id.ts'
import type { Context } from './context.ts'
import { safe } from './govern.ts'
import { type Named, nameIn } from './principals.ts'
import { clockTime, plural } from './text.ts'

/** The names that this node knows, and those of this machine. */
export function namesFor({ names }: LineageView, known: readonly Named[]): readonly Named[] {
  const told = Object.entries(names).map(([did, name]) => ({ did, name, from: 'peer' as const }))
  return [...known, ...told]
}

export function lineageLines(
  context: Context,
  view: LineageView,
  names: readonly Named[],
): readonly string[] {
  const [first] = view.hops
  if (first === undefined) return []
  const tree = view.direction === 'up' ? upwards : downwards
  return [...tree(context, first, view, names), ...summary(view, names)]
}

function upwards(
  context: Context,
  hop: HopView,
  view: LineageView,
  names: readonly Named[],
): string[] {
  const lines = [hopText(context, hop, names)]
  const { decision } = hop
  if (decision !== null) lines.push(`├─ authority  ${authorityText(decision, names)}`)
  const { traceparent } = decision ?? {}
  if (traceparent != null) lines.push(`├─ trace      ${safe(traceparent)}`)
  if (decision !== null && hop.cause === null)
    return [...lines, `└─ cause      none: it began here, on ${nodeText(hop, names)}`]
  const above = view.hops.find(({ id }) => id === hop.cause)
  if (above === undefined) return lines
  const [head = '', ...rest] = upwards(context, above, view, names)
  return [...lines, `└─ cause      ${head}`, ...rest.map((line) => `   ${line}`)]
}

function downwards(
  context: Context,
  hop: HopView,
  view: LineageView,
  names: readonly Named[],
): string[] {
  const [first] = view.hops
  const children = view.hops.filter(
    (each) =>
      each !== first && (each.cause === hop.id || (!placed(each, view) && hop.id === first?.id)),
  )
  const lines = [hopText(context, hop, names)]
  for (const [i, child] of children.entries()) {
    const last = i === children.length - 1
    const [head = '', ...rest] = downwards(context, child, view, names)
    lines.push(`${last ? '└─ ' : '├─ '}${head}`)
    lines.push(...rest.map((line) => `${last ? '   ' : '│  '}${line}`))
  }
  return lines
}

/** Whether what it says that it descends from is in the view. */
function placed({ cause }: HopView, { hops }: LineageView): boolean {
  return hops.some(({ id }) => id === cause)
}

function hopText({ now, style }: Context, hop: HopView, names: readonly Named[]): string {
  const id = shortId('dec', hop.id)
  const { decision } = hop
  if (decision === null) {
    const where = hop.node === null ? '' : `${nodeText(hop, names)} should have it: `
    return `${style.warn('?')} ${id}  ${where}${safe(hop.why ?? 'not proven')}`
  }
  const { effect, code, principal, action, resource, time, revoked } = decision
  const word = effect === 'allow' ? style.good('ALLOW') : style.bad(`DENY ${safe(code ?? '')}`)
  const who = principal === null ? 'unknown' : safe(nameIn(names, principal))
  const what = `${safe(action ?? '-')} ${safe(resource ?? '-')}`
  const void_ = revoked === null ? '' : `  ${style.bad('✗')} revoked ${shortId('rev', revoked)}`
  const head = `${id}  ${nodeText(hop, names)}  ${clockTime(time, now())}  ${word}  ${who}  ${what}`
  return `${head}${outcomeText(decision)}${void_}`
}

function outcomeText({ effect, outcome }: HopDecisionView): string {
  if (effect === 'deny') return ''
  if (outcome === null) return '    outcome: none yet'
  const code = outcome.code === null ? '' : `, ${safe(outcome.code)}`
  return `    outcome: ${outcome.outcome}${code}`
}

function authorityText({ authority }: HopDecisionView, names: readonly Named[]): string {
  const { mesh, root, issuer, links } = authority
  const from = [
    `${safe(mesh ?? 'mesh')} root v${root ?? '?'}`,
    ...(issuer === null ? ['none was verified'] : [safe(nameIn(names, issuer))]),
  ]
  const to = links.map(({ artifact, audience, revoked }) => {
    const void_ = revoked === null ? '' : ` ✗ revoked ${shortId('rev', revoked)}`
    return `${safe(nameIn(names, audience))} ${shortId('art', artifact)}${void_}`
  })
  return [...from, ...to].join(' ─ ')
}

function nodeText({ node }: HopView, names: readonly Named[]): string {
  return node === null ? 'no node' : safe(nameIn(names, node))
}

function summary({ hops, silent, more, need, of }: LineageView, names: readonly Named[]): string[] {
  const proven = hops.filter(({ verified }) => verified)
  const nodes = new Set(proven.map(({ node }) => node))
  const where = `${plural(proven.length, 'execution')}, ${plural(nodes.size, 'node')}`
  const by = `each receipt verified under a checkpoint cosigned by ${need} of ${of} witnesses or more`
  const lost = hops.length - proven.length
  return [
    `${where}; ${by}`,
    ...(lost === 0 ? [] : [`! ${plural(lost, 'execution')} not proven: ?`]),
    ...(silent.length === 0
      ? []
      : [
          `! no answer, so there may be more: ${silent.map((did) => safe(nameIn(names, did))).join(', ')}`,
        ]),
    ...(more ? ['! there is more than is shown'] : []),
  ]
}
