/**
 * Every command of this version, by the word that begins it, in the order in
 * which help shows them. A command's module is loaded when its word is typed
 * and not before: `status` opens a socket, and reads nothing that signs.
 */
import type { Command } from './spec.ts'

export interface Family {
  /** First words of its commands, with their aliases. */
  readonly words: readonly string[]
  load(): Promise<readonly Command[]>
}

/** All but `demo`, which types the others and stands in main.ts. */
export const FAMILIES: readonly Family[] = [
  { words: ['init'], load: async () => [(await import('./init.ts')).init] },
  { words: ['start'], load: async () => [(await import('./start.ts')).start] },
  { words: ['status'], load: async () => [(await import('./status.ts')).status] },
  { words: ['doctor'], load: async () => [(await import('./doctor.ts')).doctor] },
  { words: ['peer'], load: peers },
  { words: ['invite'], load: invites },
  { words: ['mesh'], load: meshViews },
  { words: ['root'], load: roots },
  { words: ['key'], load: keys },
  { words: ['policy'], load: policies },
  { words: ['sign'], load: async () => [(await import('./sign.ts')).sign] },
  { words: ['revoke'], load: async () => [(await import('./revoke.ts')).revoke] },
  { words: ['freeze', 'unfreeze'], load: freezes },
  { words: ['artifact'], load: artifacts },
  { words: ['authorize'], load: async () => [(await import('./authorize.ts')).authorize] },
  { words: ['explain', 'why'], load: async () => [(await import('./explain.ts')).explain] },
  { words: ['who-can', 'what-can'], load: searches },
  { words: ['exec'], load: async () => [(await import('./exec.ts')).exec] },
  { words: ['mcp'], load: async () => [(await import('./mcp.ts')).mcp] },
  { words: ['hook'], load: hooks },
  { words: ['gateway'], load: gateways },
  { words: ['ps'], load: async () => [(await import('./ps.ts')).ps] },
  { words: ['kill'], load: async () => [(await import('./kill.ts')).kill] },
  { words: ['lineage'], load: lineages },
  { words: ['audit'], load: audits },
  { words: ['verify'], load: async () => [(await import('./verify.ts')).verify] },
  { words: ['wait'], load: async () => [(await import('./wait.ts')).wait] },
  { words: ['config'], load: configs },
  { words: ['completion'], load: async () => [(await import('./completion.ts')).completion] },
  { words: ['help'], load: async () => [(await import('./help.ts')).help] },
  { words: ['commands'], load: async () => [(await import('./command-list.ts')).commandList] },
  { words: ['version'], load: async () => [(await import('./version.ts')).version] },
]

async function searches(): Promise<readonly Command[]> {
  const { whoCan, whatCan } = await import('./who-can.ts')
  return [whoCan, whatCan]
}

async function peers(): Promise<readonly Command[]> {
  const [peer, admit, { peerSuspend }] = await Promise.all([
    import('./peer.ts'),
    import('./peer-admit.ts'),
    import('./freeze.ts'),
  ])
  const { peerJoin, peerList, peerShow, peerRemove } = peer
  const { peerApprove, peerEpoch, peerIsolate } = admit
  return [
    peerJoin,
    peerList,
    peerShow,
    peerApprove,
    peerSuspend,
    peerEpoch,
    peerIsolate,
    peerRemove,
  ]
}

async function invites(): Promise<readonly Command[]> {
  const { inviteCreate, inviteList, inviteRevoke } = await import('./invite.ts')
  return [inviteCreate, inviteList, inviteRevoke]
}

async function meshViews(): Promise<readonly Command[]> {
  const [{ meshStatus, meshDrift }, { meshExport, meshImport }] = await Promise.all([
    import('./mesh.ts'),
    import('./mesh-file.ts'),
  ])
  return [meshStatus, meshDrift, meshExport, meshImport]
}

async function roots(): Promise<readonly Command[]> {
  const [{ rootShow, rootHistory }, { rootRotate }, { rootSign }] = await Promise.all([
    import('./root.ts'),
    import('./root-rotate.ts'),
    import('./sign.ts'),
  ])
  return [rootShow, rootHistory, rootSign, rootRotate]
}

async function keys(): Promise<readonly Command[]> {
  const { keyCreate, keyList, keyAdd } = await import('./key.ts')
  return [keyCreate, keyList, keyAdd]
}

async function policies(): Promise<readonly Command[]> {
  const [check, publish, view, { policyDiff }, { policySign }] = await Promise.all([
    import('./policy-check.ts'),
    import('./policy-publish.ts'),
    import('./policy.ts'),
    import('./policy-diff.ts'),
    import('./sign.ts'),
  ])
  return [
    check.policyCheck,
    check.policyTest,
    publish.policyPublish,
    policySign,
    view.policyList,
    view.policyShow,
    policyDiff,
    publish.policyRollback,
  ]
}

async function freezes(): Promise<readonly Command[]> {
  const { freeze, unfreeze } = await import('./freeze.ts')
  return [freeze, unfreeze]
}

async function artifacts(): Promise<readonly Command[]> {
  const [{ artifactIssue, artifactDelegate }, wallet, requests] = await Promise.all([
    import('./artifact.ts'),
    import('./wallet.ts'),
    import('./wallet-requests.ts'),
  ])
  return [
    artifactIssue,
    artifactDelegate,
    wallet.artifactInspect,
    wallet.artifactVerify,
    wallet.artifactHold,
    wallet.artifactList,
    wallet.artifactDrop,
    requests.artifactRequest,
    requests.artifactRequests,
    requests.artifactGrant,
    requests.artifactDecline,
  ]
}

async function hooks(): Promise<readonly Command[]> {
  const { hookClaudeCode, hookGeneric } = await import('./hook.ts')
  return [hookClaudeCode, hookGeneric]
}

async function gateways(): Promise<readonly Command[]> {
  const { gatewayList, gatewayShow } = await import('./gateway.ts')
  return [gatewayList, gatewayShow]
}

async function lineages(): Promise<readonly Command[]> {
  const { lineageTrace, lineageGraph } = await import('./lineage.ts')
  return [lineageTrace, lineageGraph]
}

async function audits(): Promise<readonly Command[]> {
  const [
    list,
    { auditShow, auditVerify },
    { auditProve },
    { auditExport },
    { auditPrune },
    redact,
  ] = await Promise.all([
    import('./audit-list.ts'),
    import('./audit.ts'),
    import('./prove.ts'),
    import('./export.ts'),
    import('./prune.ts'),
    import('./redact.ts'),
  ])
  const { auditList, auditTail, auditStats } = list
  return [
    auditList,
    auditTail,
    auditShow,
    auditStats,
    auditVerify,
    auditProve,
    auditExport,
    auditPrune,
    redact.auditRedact,
  ]
}

async function configs(): Promise<readonly Command[]> {
  const { configShow, configCheck, configSchema, configReload } = await import('./config.ts')
  return [configShow, configCheck, configSchema, configReload]
}

export class CommandTable {
  readonly #families: readonly Family[]

  constructor(families: readonly Family[]) {
    this.#families = families
  }

  /** The commands that begin with a word; all of them for any other word, so that the nearest can be named. */
  async beginningWith(word: string | undefined): Promise<readonly Command[]> {
    const family = this.#families.find(({ words }) => words.some((each) => each === word))
    return family === undefined ? this.all() : family.load()
  }

  readonly all = async (): Promise<readonly Command[]> =>
    (await Promise.all(this.#families.map(({ load }) => load()))).flat()
}
