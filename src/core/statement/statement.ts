/** Any statement: from payload to what it says, and back. */
import type { StatementType } from '../dsse.ts'
import type { Epoch } from './epoch.ts'
import type { Freeze } from './freeze.ts'
import type { Member } from './member.ts'
import type { Policy } from './policy.ts'
import type { Revocation } from './revocation.ts'
import type { Root } from './root.ts'

export type Statement = Root | Member | Policy | Revocation | Freeze | Epoch

/** What a person drafts: everything but the id, which is the hash of its payload. */
export type Draft = Statement extends infer S ? (S extends Statement ? Omit<S, 'id'> : never) : never

/** Reads a payload. @throws Malformed for anything that formatStatement does not print */
export declare function parseStatement(type: StatementType, payload: Uint8Array): Statement

/** The payload, canonical JSON: the exact inverse of parseStatement. */
export declare function formatStatement(draft: Draft): Uint8Array
