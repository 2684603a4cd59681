/**
 * Founding a mesh, before any daemon runs: trust root v1 with every role on one
 * key, the founder's own membership, a starter policy, and a key for whoever
 * typed it. An admitter key that can do nothing else lies beside the node's
 * keys, so that invites can be redeemed here.
 *
 *     root v1 (its id is the mesh's) ─ member ─ policy starter@1
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatEnvelope, signEnvelope } from '../core/dsse.ts'
import { idOf, type StatementId } from '../core/id.ts'
import { type Did, type Signer, signerOf } from '../core/keys.ts'
import { defaultQuorum } from '../core/lease-quorum.ts'
import {
  ARTIFACT_TTL_DEFAULT_MS,
  MEMBERSHIP_TTL_DEFAULT_MS,
  ROOT_TTL_DEFAULT_MS,
  SKEW_DEFAULT_MS,
} from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { Common } from '../core/statement/common.ts'
import { type Draft, formatStatement } from '../core/statement/statement.ts'
import { Log } from '../mesh/log.ts'
import type { Put, Puts } from '../mesh/ports.ts'
import { Statements } from '../mesh/statements.ts'
import { createStore } from '../storage/create.ts'
import { FILES, LevelStore } from '../storage/level.ts'
import type { ReserveOptions } from '../storage/reserve.ts'
import { type BundleContent, readBundle } from './bundle-dir.ts'
import { CedarEngine } from './cedar-engine.ts'
import { type Identity, openIdentity } from './identity.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { type Paths, pathsOf } from './paths.ts'
import type { Config } from './schema.ts'
import { systemClock } from './system.ts'
import { Wallet } from './wallet.ts'

export interface Founding {
  readonly config: Config
  /** The mesh's name. */
  readonly mesh: string
  readonly stalenessMs: number
  /** Signs root v1 and holds every role. */
  readonly founder: Signer
  /** Of whoever founds it: gets a key called `me`. */
  readonly uid: number
  readonly nowMs: number
}

export interface Founded {
  readonly mesh: StatementId
  readonly policy: {
    readonly bundle: string
    readonly version: number
    readonly mode: 'enforce' | 'observe'
    readonly id: StatementId
  }
}

const STARTER = [
  '../../config/starter-policy',
  '../config/starter-policy',
  '../../../config/starter-policy',
]

/** @throws MeshError CONFLICT where a node is already */
export async function foundMesh(founding: Founding): Promise<Founded> {
  const { config, founder, uid, nowMs } = founding
  const paths = pathsOf(config)
  const identity = openIdentity(paths, false)
  const admitter = admitterOf(paths)
  // Before anything is on the disk: without it there would be half a mesh.
  const content = await readBundle(starterDirectory())
  const store = await emptyStore(paths.dataDir, { bytes: config.audit.diskReserveBytes })
  try {
    const clock = systemClock()
    const log = await Log.open({ store, clock, node: identity.node.did })
    // All of it becomes durable at once, or nothing: half a mesh would stay one.
    const puts: Put[] = []
    const persist = async (more: Puts) => {
      puts.push(...(typeof more === 'function' ? more() : more))
    }
    const statements = await Statements.open({ store, persist, policy: new CedarEngine() })
    if (statements.mesh !== null || log.tree.size > 0) throw held(paths.dataDir)
    const submit = async (draft: Draft) => {
      const payload = formatStatement(draft)
      await statements.submit(formatEnvelope(signEnvelope(draft.type, payload, [founder])))
      return idOf(payload)
    }
    const root = rootDraft(founding, identity, admitter.did)
    const mesh = idOf(formatStatement(root))
    await statements.pin(mesh)
    await submit(root)
    const common = { mesh, root: 1, issuedMs: nowMs, message: null }
    await submit(memberDraft(founding, identity, common))
    const policy = policyDraft(content, common)
    const id = await submit(policy)
    const wallet = await Wallet.open(store, persist)
    await wallet.createKey('me', `uid=${uid}`)
    await log.persist(puts)
    await log.close()
    const { bundle, version, mode } = policy
    return { mesh, policy: { bundle, version, mode, id } }
  } finally {
    await store.close()
  }
}

/** A new one, or what an attempt that did not finish left of one. @throws MeshError CONFLICT */
async function emptyStore(directory: string, reserve: ReserveOptions): Promise<LevelStore> {
  const made = existsSync(join(directory, FILES.marker))
  return made ? LevelStore.open(directory, reserve) : createStore(directory, reserve)
}

function held(directory: string): MeshError {
  return new MeshError('CONFLICT', `${directory} holds data of a node already`, {
    hint: 'meshd status, or move it away to begin anew as another node',
  })
}

/** One that was left by an attempt that did not finish is used again. */
function admitterOf({ admitterKey }: Paths): Signer {
  return signerOf(existsSync(admitterKey) ? readKeyFile(admitterKey) : createKeyFile(admitterKey))
}

function rootDraft(founding: Founding, { node }: Identity, admitter: Did) {
  const { mesh, stalenessMs, founder, nowMs } = founding
  const alone = (...keys: readonly Did[]) => ({ keys, threshold: 1 })
  return {
    type: 'root',
    mesh,
    version: 1,
    previous: null,
    issuedMs: nowMs,
    expiresMs: nowMs + ROOT_TTL_DEFAULT_MS,
    roles: {
      root: alone(founder.did),
      policy: alone(founder.did),
      issuer: alone(founder.did),
      revoker: alone(founder.did),
      admitter: alone(...[founder.did, admitter].sort()),
      breakglass: alone(founder.did),
    },
    witnesses: [node.did],
    lease: { ...defaultQuorum(1), stalenessMs, skewMs: SKEW_DEFAULT_MS },
    limits: { artifactTtlMs: ARTIFACT_TTL_DEFAULT_MS },
    keeps: [],
    lifts: [],
    floors: new Map<string, number>(),
    message: null,
  } as const
}

function memberDraft({ config, nowMs }: Founding, identity: Identity, common: Omit<Common, 'id'>) {
  return {
    type: 'member',
    ...common,
    version: 1,
    principal: identity.node.did,
    log: identity.log.did,
    witness: identity.witness.did,
    name: config.node.name,
    labels: new Map<string, string>(),
    expiresMs: nowMs + MEMBERSHIP_TTL_DEFAULT_MS,
    witnessEligible: true,
  } as const
}

function policyDraft(content: BundleContent, common: Omit<Common, 'id'>) {
  return { type: 'policy', ...common, version: 1, previous: [], ...content } as const
}

/** It ships with the package: above the sources, and above dist alike. */
function starterDirectory(): string {
  const found = STARTER.map((up) => fileURLToPath(new URL(up, import.meta.url))).find(existsSync)
  if (found === undefined)
    throw new MeshError('NOT_FOUND', 'the starter policy is not where the package has it')
  return found
}
