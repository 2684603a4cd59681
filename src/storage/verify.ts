/**
 * Looks at a database that opened without an error, which proves nothing: its
 * right edge against its peaks, everything kept against its tally, and all of
 * it against what was acknowledged outside (FACTS 4, rules 3 to 5 and 9).
 * Records behind the right edge are looked at when they are read, and by the scrub.
 */
import { equalBytes } from '../core/bytes.ts'
import { type Checkpoint, readCheckpoint } from '../core/checkpoint.ts'
import { Malformed } from '../core/malformed.ts'
import { rootHash, type Tree } from '../core/merkle.ts'
import type { Database } from './database.ts'
import { damaged } from './failures.ts'
import type { HeadFile } from './head-file.ts'
import { META_KEY, type Meta, open, parseMeta, parsePutKey, putRange } from './keyspace.ts'
import { LogValues } from './log-values.ts'
import { type Standing, sameStanding } from './standing.ts'
import { Tally } from './tally.ts'
import { readFrontier, Tiles } from './tiles.ts'

export interface Verified {
  readonly standing: Standing
  readonly tree: Tree
  readonly log: LogValues
  readonly tiles: Tiles
  readonly tally: Tally
}

/** @throws MeshError LOG_DAMAGED */
export async function verify(database: Database, head: HeadFile): Promise<Verified> {
  const { standing, tree } = await readMeta(database)
  checkAcknowledged(standing, head.standing)
  const tally = await readTally(database)
  if (tally.count !== standing.kept || tally.sum !== standing.sum)
    throw damaged(`of ${standing.kept} values kept beside the log not all are what was written`)
  const log = await LogValues.open(database, standing.epoch)
  const tiles = await readTiles(log, standing, tree)
  if (standing.epoch === head.standing.epoch)
    await checkContinues(tiles, head.standing.size, head.standing.rootHash, 'acknowledged')
  if (head.checkpoint !== null) {
    const { size, rootHash: published, origin } = publishedBy(head.checkpoint)
    if (origin.endsWith(`/${standing.epoch}`))
      await checkContinues(tiles, size, published, 'published')
  }
  return { standing, tree, log, tiles, tally }
}

async function readMeta(database: Database): Promise<Meta> {
  const sealed = await database.get(META_KEY)
  if (sealed === undefined) throw damaged('the database is empty')
  const meta = readable(() => parseMeta(sealed))
  if (meta === null) throw damaged('the size and the peaks of the log are not what was written')
  return meta
}

/** A batch may be there without having been acknowledged, but not the other way round. */
function checkAcknowledged(standing: Standing, acknowledged: Standing): void {
  const lost = acknowledged.commit - standing.commit
  if (lost > 0) throw damaged(`the last ${lost} acknowledged changes are not in the database`)
  if (lost === 0 && !sameStanding(standing, acknowledged))
    throw damaged('the database holds something else than was acknowledged')
  if (standing.epoch < acknowledged.epoch) throw damaged('the database is of an earlier log')
}

async function readTally(database: Database): Promise<Tally> {
  const tally = new Tally()
  await database.each(putRange(), (bytes, sealed) => {
    const read = readable(() => parsePutKey(bytes))
    if (read === null || open(bytes, sealed) === null)
      throw damaged(
        `${read === null ? 'a value' : `\`${read.space}/${read.key}\``} is not what was written`,
      )
    tally.set(read.space, read.key, sealed)
  })
  return tally
}

async function readTiles(log: LogValues, standing: Standing, tree: Tree): Promise<Tiles> {
  const frontier = await readFrontier(log, standing.size)
  const found: Tree = { size: frontier.size, peaks: frontier.peaks() }
  const good =
    equalBytes(rootHash(found), rootHash(tree)) && equalBytes(rootHash(tree), standing.rootHash)
  if (!good) throw damaged(`the end of log ${standing.epoch} is not what was written`)
  return new Tiles(log, frontier)
}

async function checkContinues(
  tiles: Tiles,
  size: number,
  hash: Uint8Array,
  what: string,
): Promise<void> {
  if (size > tiles.frontier.size)
    throw damaged(`the log has ${tiles.frontier.size} records, and ${size} were ${what}`)
  if (!equalBytes(await tiles.rootHashAt(size), hash))
    throw damaged(`the first ${size} records are not those that were ${what}`)
}

function publishedBy(note: Uint8Array): Checkpoint {
  const read = readable(() => readCheckpoint(note))
  if (read === null) throw damaged('the newest published checkpoint cannot be read')
  return read
}

/** null for what no writer of ours wrote. */
function readable<T>(parse: () => T): T | null {
  try {
    return parse()
  } catch (error) {
    // Bytes from disk are untrusted here: the caller says what is damaged.
    if (error instanceof Malformed) return null
    throw error
  }
}
