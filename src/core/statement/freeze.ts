/** A stop that can be lifted, with a version for each scope (design 2). */
import type { Did } from '../keys.ts'
import type { Common } from './common.ts'

export type Scope =
  | { readonly kind: 'mesh' }
  | { readonly kind: 'node' | 'principal'; readonly did: Did }
  | { readonly kind: 'action' | 'resource'; readonly pattern: string }

export interface Freeze extends Common {
  readonly type: 'freeze'
  readonly scope: Scope
  readonly version: number
  readonly frozen: boolean
}

/** `mesh`, `node:did:key:…`, `action:tool`: one text for each scope. */
export function scopeKey(scope: Scope): string {
  if (scope.kind === 'mesh') return 'mesh'
  return `${scope.kind}:${'did' in scope ? scope.did : scope.pattern}`
}
