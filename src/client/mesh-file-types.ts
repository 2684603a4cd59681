/** What an import says of each piece of a mesh that came as a file. */

export type ImportResult = 'new' | 'known' | 'held' | 'refused'

export interface ImportedItem {
  /** Of a statement its id, of a head the did of its node. */
  readonly id: string
  readonly what: 'statement' | 'head'
  readonly result: ImportResult
  /** Why it is held or refused; null for the others. */
  readonly why: string | null
}

/** POST /v1/mesh/import */
export interface MeshImportView {
  readonly items: readonly ImportedItem[]
}
