/**
 * The right edge of the tree, as tiles see it: of each level the hashes of the
 * tile that is not full yet.
 *
 *     level 1   tile roots      [ r0 r1 r2 ]            3 × 256 records
 *     level 0   leaf hashes     [ h768 h769 … h900 ]    the last 133
 *
 * It is all that a store needs in memory: full tiles are verified against it,
 * from their parents down, and the last records are compared with it directly.
 */
import { assert } from '../core/assert.ts'
import { concat } from '../core/bytes.ts'
import { type Hash, nodeHash } from '../core/merkle.ts'
import { TILE_WIDTH } from '../core/tile.ts'

/** 256^5 is more than a log may hold. */
const LEVELS = 5

export interface FullTile {
  readonly level: number
  readonly index: number
  readonly bytes: Uint8Array
}

export class Frontier {
  readonly #levels: Hash[][] = Array.from({ length: LEVELS }, () => [])
  #size = 0

  get size(): number {
    return this.#size
  }

  /** One made of what is on disk, lowest level first; its peaks say whether it is right. */
  static of(size: number, levels: readonly (readonly Hash[])[]): Frontier {
    const frontier = new Frontier()
    frontier.#size = size
    for (const [level, hashes] of levels.entries()) {
      assert(
        hashes.length === countAt(size, level) % TILE_WIDTH,
        'a frontier is as long as its log',
      )
      frontier.#levels[level]?.push(...hashes)
    }
    return frontier
  }

  /** One that may go ahead, while this one stays what is durable. */
  copy(): Frontier {
    const copy = new Frontier()
    copy.#size = this.#size
    for (const [level, hashes] of this.#levels.entries()) copy.#levels[level] = hashes.slice()
    return copy
  }

  /** Appends one leaf hash; gives the tiles that it completes, lowest first. */
  add(leaf: Hash): readonly FullTile[] {
    const full: FullTile[] = []
    let hash = leaf
    this.#size += 1
    for (const [level, hashes] of this.#levels.entries()) {
      hashes.push(hash)
      if (hashes.length < TILE_WIDTH) break
      const index = countAt(this.#size, level) / TILE_WIDTH - 1
      full.push({ level, index, bytes: concat(...hashes) })
      hash = fold(hashes)
      hashes.length = 0
    }
    return full
  }

  /** The hash at a place of a level, in the tile that is not full. */
  at(level: number, index: number): Hash {
    const hashes = this.#levels[level]
    const hash = hashes?.[index % TILE_WIDTH]
    const inside =
      Math.floor(index / TILE_WIDTH) === Math.floor(countAt(this.#size, level) / TILE_WIDTH)
    assert(hash !== undefined && inside, 'what is asked of the frontier is in it')
    return hash
  }

  /** The peaks of the whole log: of each level the perfect subtrees in its tile, the highest level first. */
  peaks(): readonly Hash[] {
    return this.#levels.toReversed().flatMap((hashes) => perfect(hashes))
  }
}

/** Hashes on a level of tiles: records on level 0, full tiles of the level below on the others. */
export function countAt(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level)
}

/** The levels of tiles that a log of that size has begun. */
export function levelsOf(size: number): number {
  let levels = 0
  while (countAt(size, levels) > 0) levels += 1
  return levels
}

/** The root hash of a perfect subtree. */
export function fold(hashes: readonly Hash[]): Hash {
  let row = hashes
  while (row.length > 1) {
    const above: Hash[] = []
    for (let i = 0; i < row.length; i += 2) above.push(nodeHash(row[i] as Hash, row[i + 1] as Hash))
    row = above
  }
  const [root] = row
  assert(root !== undefined, 'a subtree has leaves')
  return root
}

function perfect(hashes: readonly Hash[]): Hash[] {
  const peaks: Hash[] = []
  let from = 0
  for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
    if ((hashes.length & width) === 0) continue
    peaks.push(fold(hashes.slice(from, from + width)))
    from += width
  }
  return peaks
}
