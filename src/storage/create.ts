/**
 * Makes a data directory: create, close, reopen, verify, sync the directory,
 * and only then the marker. A power cut during creation is the one case in
 * which synced LevelDB writes were lost (FACTS 4); then there is no marker, and
 * the leftover, in which nothing was ever acknowledged, is wiped.
 */
import { closeSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { equalBytes } from '../core/bytes.ts'
import { EMPTY } from '../core/merkle.ts'
import { MeshError } from '../core/problems.ts'
import { Database } from './database.ts'
import { damaged, failed } from './failures.ts'
import { HeadFile } from './head-file.ts'
import { formatMeta, META_KEY } from './keyspace.ts'
import { FILES, LevelStore } from './level.ts'
import { checkDirectory, createPrivate, syncDirectory } from './private-file.ts'
import type { ReserveOptions } from './reserve.ts'
import { BEGINNING } from './standing.ts'

/** @throws MeshError CONFLICT where a node is already; LOG_DAMAGED where one was; CONFIG_INVALID, NOT_READY */
export async function createStore(directory: string, reserve: ReserveOptions): Promise<LevelStore> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    checkDirectory(directory)
    wipeLeftover(directory)
    await createDatabase(join(directory, FILES.database))
    createHead(directory)
    syncDirectory(directory)
    closeSync(createPrivate(join(directory, FILES.marker)))
    syncDirectory(directory)
    syncDirectory(dirname(directory))
  } catch (error) {
    throw failed(`\`${directory}\` is not created`, error)
  }
  return LevelStore.open(directory, reserve)
}

/** @throws MeshError CONFLICT, or LOG_DAMAGED when something was acknowledged here */
function wipeLeftover(directory: string): void {
  const there = (name: string) =>
    lstatSync(join(directory, name), { throwIfNoEntry: false }) !== undefined
  if (there(FILES.marker))
    throw new MeshError('CONFLICT', `\`${directory}\` holds a node already`, {
      hint: 'meshd start',
    })
  // The head file is made after the database: without it nothing can have been acknowledged here.
  if (there(FILES.head) && acknowledgedAt(join(directory, FILES.head)) > BEGINNING.commit)
    throw damaged(`\`${directory}\` holds a log whose INITIALIZED is gone`)
  for (const name of [UNFINISHED, FILES.head, FILES.reserve, FILES.database])
    rmSync(join(directory, name), { recursive: true, force: true })
}

/** The head file before it is whole. */
const UNFINISHED = `${FILES.head}.new`

/** Whole from the moment at which it has its name: half of one could not be told from damage. */
function createHead(directory: string): void {
  const unfinished = join(directory, UNFINISHED)
  HeadFile.create(unfinished, BEGINNING)
  renameSync(unfinished, join(directory, FILES.head))
}

/** How many batches were acknowledged; that it cannot be read is damage, too. */
function acknowledgedAt(path: string): number {
  const head = HeadFile.open(path)
  // Nothing was written through it: closing has nothing to wait for.
  void head.close()
  return head.standing.commit
}

/** Empty, closed, and found to be what it should be by opening it as any start does. */
async function createDatabase(path: string): Promise<void> {
  mkdirSync(path, { mode: 0o700 })
  const created = await Database.open(path, true)
  const value = formatMeta({ standing: BEGINNING, tree: EMPTY })
  await created.write([{ type: 'put', key: META_KEY, value }], true)
  await created.close()
  const reopened = await Database.open(path)
  const found = await reopened.get(META_KEY)
  await reopened.close()
  if (found === undefined || !equalBytes(found, value)) throw damaged('a new database is empty')
  syncDirectory(path)
}
