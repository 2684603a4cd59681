/** What runs, as `meshd ps` shows it. */
import type { MeshNodeView } from './search-types.ts'
import type { ExecutionView, ListView } from './types.ts'

/** What an enforcement point says of the process that it started: shown, and believed nowhere. */
interface ProcessView {
  readonly pid: number
  /** Its name, and the words after it as far as there is room. */
  readonly command: string
}

/** GET /v1/executions: those that run, or were stopped and have not ended. */
export interface RunningView extends Pick<ExecutionView, 'id' | 'state' | 'leaseRemainingMs'> {
  readonly principal: string | null
  readonly principalName: string | null
  readonly action: string
  readonly resource: string
  readonly ageMs: number
  readonly process: ProcessView | null
}

export type ExecutionListView = ListView<'ExecutionList', RunningView>

export interface MeshRunningView extends RunningView {
  readonly node: { readonly did: string; readonly name: string | null }
}

/** GET /v1/mesh/executions: that a node runs what it does not show nobody can prove. */
export interface MeshExecutionListView extends ListView<'MeshExecutionList', MeshRunningView> {
  readonly nodes: readonly MeshNodeView[]
}
