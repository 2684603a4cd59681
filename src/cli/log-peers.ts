/** What others hold of this node's log, for a person: `meshd audit verify --peers`. */
import type { LogPeerView, LogVerifyView } from '../client/verify-types.ts'
import { safe } from './govern.ts'
import { clockTime, count, plural, shortDid } from './text.ts'

const NAMES_SHOWN = 5
const SILENT_SHOWN = 20

type Head = LogPeerView['heads'][number]
type Named = Pick<LogPeerView, 'did' | 'name'>
type Others = NonNullable<LogVerifyView['others']>
/** A checkpoint that some peers hold. */
interface Held extends Head {
  readonly by: readonly Named[]
}

/** Whether nobody who answered holds anything that this log does not continue. */
export function continued({ peers }: Others): boolean {
  return peers.every(({ heads }) => heads.every(({ standing }) => standing === 'continued'))
}

export function linesOfOthers(view: LogVerifyView, now: Date): readonly string[] {
  if (view.others === undefined) return []
  const { peers, answered, need, distrusted } = view.others
  const silent = peers.filter(({ why }) => why !== null)
  const more = silent.length - SILENT_SHOWN
  return [
    ...behindLines(view, furthest(peers, 'behind'), now),
    ...anotherLines(view, furthest(peers, 'another'), now),
    ...(continued(view.others) ? continuedLines(peers, now) : []),
    ...silent.slice(0, SILENT_SHOWN).map((peer) => `! ${nameOf(peer)}: ${safe(peer.why ?? '')}`),
    ...(more > 0 ? [`! ${plural(more, 'other')} did not answer either`] : []),
    ...distrusted.map((node) => `! ${nameOf(node)} showed two histories of its own log`),
    ...(answered < need
      ? [`✗ ${answered} of ${need} answered that have to: what others hold of it is not known`]
      : []),
  ]
}

/** The largest of those, and all who hold it. */
function furthest(peers: readonly LogPeerView[], standing: Head['standing']): Held | null {
  const all = peers.flatMap((peer) => peer.heads.map((head) => ({ peer, head })))
  const found = all.filter(({ head }) => head.standing === standing)
  found.sort((a, b) => order(b.head, a.head))
  const [first] = found
  if (first === undefined) return null
  const same = found.filter(
    ({ head }) => head.epoch === first.head.epoch && head.size === first.head.size,
  )
  return { ...first.head, by: [...new Set(same.map(({ peer }) => peer))] }
}

/** By epoch and size; of one size, what witnesses cosigned is the last. */
function order(a: Head, b: Head): number {
  return a.epoch - b.epoch || a.size - b.size || a.cosigned.length - b.cosigned.length
}

function behindLines(own: LogVerifyView, held: Held | null, now: Date): readonly string[] {
  if (held === null) return []
  const same = held.epoch === own.epoch
  const lost = same
    ? `of ${plural(held.size - own.size, 'record')}`
    : `to before epoch ${held.epoch}`
  return [
    `✗ own log ends at ${count(own.size)}${same ? '' : ` of epoch ${own.epoch}`}; ${holding(held, own.epoch, now)}`,
    `  ROLLBACK ${lost} on this node (restored image, lost disk, or tampering). It appends nothing more to epoch ${own.epoch}.`,
  ]
}

function anotherLines(own: LogVerifyView, held: Held | null, now: Date): readonly string[] {
  if (held === null) return []
  return [
    `✗ own log is not the one of which ${holding(held, own.epoch, now)}`,
    `  TWO HISTORIES under the keys of this node (a clone, a restored image, or tampering). It appends nothing more to epoch ${own.epoch}.`,
  ]
}

function continuedLines(peers: readonly LogPeerView[], now: Date): readonly string[] {
  if (peers.length === 0) return ['✓ nobody else is in this mesh']
  const holders = peers.filter(({ heads }) => heads.length > 0)
  const held = furthest(peers, 'continued')
  if (held === null) return ['! nobody who answered holds a checkpoint of it yet']
  return [
    `✓ it continues what ${holders.length} of ${plural(peers.length, 'other node')} hold of it: ${holding(held, held.epoch, now)}`,
  ]
}

/** `witnesses atlas and borealis cosigned 1 204 at 13:58:07`, or `atlas holds 1 204`. */
function holding({ by, cosigned, size, epoch }: Held, ownEpoch: number, now: Date): string {
  const what = epoch === ownEpoch ? count(size) : `${count(size)} of epoch ${epoch}`
  const times = cosigned.map(({ time }) => time).toSorted()
  const last = times.at(-1)
  if (last === undefined) return `${listed(by)} ${by.length === 1 ? 'holds' : 'hold'} ${what}`
  const who = cosigned.length === 1 ? 'witness' : 'witnesses'
  return `${who} ${listed(cosigned)} cosigned ${what} at ${clockTime(last, now)}`
}

function listed(nodes: readonly Named[]): string {
  const names = nodes.slice(0, NAMES_SHOWN).map(nameOf)
  const more = nodes.length - names.length
  const last = more > 0 ? plural(more, 'other') : names.pop()
  return names.length === 0 ? `${last}` : `${names.join(', ')} and ${last}`
}

function nameOf({ did, name }: Named): string {
  return name === null ? shortDid(did) : safe(name)
}
