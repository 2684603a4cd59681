/**
 * A checkpoint as a stranger sees it: which log it is of, who signed it, and
 * which witnesses cosigned it, each by a key that its membership names.
 *
 * Strict where a node is not: a line that looks like an Ed25519 signature and
 * is by no key that is known here refuses the checkpoint, and so does a second
 * line of one key. Nothing false would be believed without that, but a changed
 * bit in a witness's name would pass for a signature of nobody.
 */
import { textOf, toHex } from '../bytes.ts'
import { type Checkpoint, logOrigin, parseCheckpoint } from '../checkpoint.ts'
import { type Cosignature, cosignaturesOf, witnessName } from '../cosignature.ts'
import { type Did, isDid } from '../keys.ts'
import { Malformed } from '../malformed.ts'
import {
  type NoteLine,
  noteKeyId,
  openNote,
  splitNote,
  TYPE_COSIGNATURE,
  TYPE_ED25519,
} from '../note.ts'
import type { Root } from '../statement/root.ts'
import type { Authority } from './authority.ts'

export interface Head {
  readonly checkpoint: Checkpoint
  readonly node: Did
  readonly epoch: number
  readonly logKey: Did
  /** Signed by a key that a newer membership of the node replaced. */
  readonly keyRetired: boolean
  /** Of the witnesses of `under`, each once. */
  readonly cosignatures: readonly Cosignature[]
  /** The newest root whose quorum cosigned it; the newest root when none did. */
  readonly under: Root
  readonly witnessed: boolean
}

/** Bytes of an Ed25519 signature, and of one with the time of a cosignature: other types have other lengths. */
const FORMS = [64, 72]

/** @throws Malformed with the reason why it proves nothing */
export function openHead(note: Uint8Array, authority: Authority): Head {
  const text = textOf(note)
  const { body, lines } = splitNote(text)
  const checkpoint = parseCheckpoint(body)
  const { node, epoch } = originOf(checkpoint.origin, authority)
  const name = authority.nameOf(node) ?? node
  const keys = authority.memberships(node).map(({ log }) => log)
  if (keys.length === 0) throw new Malformed(`${name} is no member of the mesh`)
  checkLines(lines, checkpoint.origin, keys, authority)
  const key = keys.find((did) => signs(text, checkpoint.origin, did))
  if (key === undefined)
    throw new Malformed(`the checkpoint is not signed by the log key of ${name}`)
  const roots = authority.governance.roots.toReversed()
  const counted = roots.map((root) => ({ root, found: cosigners(text, root, key, authority) }))
  const quorum = counted.find(({ root, found }) => found.length >= root.lease.write)
  const cosignatures = (quorum ?? counted[0])?.found ?? []
  return {
    ...{ checkpoint, node, epoch, cosignatures },
    logKey: key,
    keyRetired: key !== keys[0],
    under: quorum?.root ?? authority.root,
    witnessed: quorum !== undefined,
  }
}

export function missingQuorum({ cosignatures, under }: Head): string {
  const { length } = cosignatures
  const { write } = under.lease
  return `the checkpoint is cosigned by ${length} of ${under.witnesses.length} witnesses, and ${write} are needed`
}

/** `meshd/<16 digits of the mesh>/<node>/<epoch>`, and nothing that only looks like it. */
function originOf(origin: string, { mesh }: Authority): { node: Did; epoch: number } {
  const [, , name = '', digits = ''] = origin.split('/')
  const [node, epoch] = [`did:key:${name}`, Number(digits)]
  if (!isDid(node)) throw new Malformed('the checkpoint is of no log of a node')
  if (logOrigin(mesh, node, epoch) !== origin)
    throw new Malformed('the log belongs to another mesh than the trust root')
  return { node, epoch }
}

function signs(text: string, name: string, did: Did): boolean {
  return openNote(text, [{ name, did }]).signedBy.length > 0
}

/** Of that root's witnesses; by whichever of its membership's keys. */
function cosigners(text: string, root: Root, logKey: Did, authority: Authority): Cosignature[] {
  const found = new Map<Did, Cosignature>()
  for (const witness of root.witnesses)
    for (const { witness: key } of authority.memberships(witness))
      for (const each of cosignaturesOf(text, new Map([[witness, key]]), logKey))
        found.set(witness, each)
  return [...found.values()]
}

function checkLines(
  lines: readonly NoteLine[],
  origin: string,
  logKeys: readonly Did[],
  authority: Authority,
): void {
  const idOf = (name: string, keyId: Uint8Array) => `${name} ${toHex(keyId)}`
  const known = new Set(
    logKeys.map((did) => idOf(origin, noteKeyId({ name: origin, did }, TYPE_ED25519))),
  )
  for (const { principal, witness } of authority.members()) {
    const name = witnessName(principal)
    known.add(idOf(name, noteKeyId({ name, did: witness }, TYPE_COSIGNATURE)))
  }
  const seen = new Set<string>()
  for (const { name, keyId, signature } of lines) {
    const id = idOf(name, keyId)
    if (seen.has(id)) throw new Malformed(`the checkpoint is signed twice by ${name}`)
    seen.add(id)
    if (FORMS.includes(signature.length) && !known.has(id))
      throw new Malformed(`the checkpoint is signed by ${name}, whose key is not known here`)
  }
}
