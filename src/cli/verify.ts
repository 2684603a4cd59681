/**
 * `meshd verify`: whether what somebody shows follows from a trust root. No
 * daemon, no network, no clock but for what has an end: any machine will do.
 * What it is, its first bytes say.
 */
import { EVIDENCE_BYTES_MAX, TRUST_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import type { PolicyEngine } from '../core/policy.ts'
import { MeshError, PROBLEMS } from '../core/problems.ts'
import { isReceipt } from '../core/receipt.ts'
import { isTar } from '../core/tar.ts'
import { parseTrust, type TrustRoot } from '../core/verify/trust.ts'
import type { Context } from './context.ts'
import { folderFiles, isFolder, tarFiles } from './evidence-files.ts'
import { printItem } from './output.ts'
import { type Command, flagOption, textOption } from './spec.ts'
import { verifiedBundle } from './verify-bundle.ts'
import { verifiedArtifact, verifiedCheckpoint, verifiedReceipt } from './verify-one.ts'

/** What came of it: what was checked, what follows, and what does not. */
export interface Verified {
  readonly kind: 'receipt' | 'checkpoint' | 'artifact' | 'evidence'
  /** 0, or 2 for an artifact that holds and has ended. */
  readonly exit: number
  readonly checks: readonly string[]
  /** How much of it is what. */
  readonly report: readonly string[]
  readonly proven: readonly string[]
  readonly notProven: readonly string[]
  /** Of what it is about. */
  readonly details: object
}

export const verify: Command = {
  name: 'verify',
  group: 'PROVE',
  args: ['<file>'],
  says: 'a receipt, evidence, checkpoint or artifact against a trust root: no daemon, no network',
  examples: [
    'meshd verify denied.tlog-proof --trust root.json',
    'meshd verify q3.evidence --trust root.json',
  ],
  options: [
    { flags: '--replay', says: 'judge the decisions of evidence again, by what it holds' },
    { flags: '--trust <file>', says: 'the trust root: meshd root show -f', required: true },
  ],
  run: async (context, [file = ''], options) => {
    const trust = holding('the trust root', () =>
      parseTrust(context.read(textOption(options, 'trust') ?? '', TRUST_BYTES_MAX)),
    )
    const engine = flagOption(options, 'replay') ? await cedar() : null
    const verified = holding(file, () => verifiedFile(context, file, trust, engine))
    const { exit, ...item } = verified
    printItem(context, {
      kind: 'Verification',
      seenFrom: '',
      item: { file, valid: exit === 0, ...item },
      id: file,
      lines: () => linesOf(verified).map(context.style.symbols),
    })
    if (exit === PROBLEMS.PROOF_INVALID.exit)
      throw new MeshError('PROOF_INVALID', `${file}: decisions come out otherwise than recorded`, {
        hint: 'the lines marked ✗ say which, and how',
      })
    return exit
  },
}

/** @throws Malformed */
function verifiedFile(
  context: Context,
  file: string,
  trust: TrustRoot,
  engine: PolicyEngine | null,
): Verified {
  if (isFolder(file)) return verifiedBundle(folderFiles(file), trust, engine)
  const bytes = context.read(file, EVIDENCE_BYTES_MAX)
  const text = (head: string) => Buffer.from(bytes.subarray(0, head.length)).toString() === head
  if (isReceipt(bytes)) return verifiedReceipt(bytes, trust)
  if (isTar(bytes)) return verifiedBundle(tarFiles(bytes), trust, engine)
  if (text('meshd/')) return verifiedCheckpoint(bytes, trust)
  if (text('C')) return verifiedArtifact(bytes, trust, context.now())
  throw new Malformed('it is no receipt, evidence, checkpoint or artifact')
}

/** Loaded for a replay alone: no decision is judged otherwise. */
async function cedar(): Promise<PolicyEngine> {
  const { CedarEngine } = await import('../daemon/cedar-engine.ts')
  return new CedarEngine()
}

/** What does not hold is an answer of its own: exit 3, with the reason. */
function holding<T>(what: string, look: () => T): T {
  try {
    return look()
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    throw new MeshError('PROOF_INVALID', `${what}: ${error.message}`, {
      hint: 'nothing follows from it; fetch it again, or ask who gave it to you',
      cause: error,
    })
  }
}

function linesOf({ checks, report, proven, notProven }: Verified): string[] {
  return [
    ...checks.map((each) => `✓ ${each}`),
    ...report,
    ...proven.map((each) => `PROVEN  ${each}`),
    `NOT PROVEN  ${notProven.join('; ')}`,
  ]
}
