/** The tiles of an evidence bundle: each hash is computed anew from those below it, up to what the checkpoints say. */
import { concat, equalBytes } from '../bytes.ts'
import type { Checkpoint } from '../checkpoint.ts'
import type { Files } from '../evidence-bundle.ts'
import { Malformed } from '../malformed.ts'
import { append, EMPTY, HASH_BYTES, type Hash, rootHash, type Tree } from '../merkle.ts'
import { placePath, TILE_WIDTH, type TilePlace, tilesOf } from '../tile.ts'

/** @param checkpoints of one log, the longest first @throws Malformed */
export function checkTree(files: Files, checkpoints: readonly Checkpoint[]): void {
  const size = checkpoints[0]?.size ?? 0
  const sizes = new Map(checkpoints.map((each) => [each.size, each]))
  /** Of each level, the hashes of whole tiles of the one below: what its tiles must be. */
  const expected: Hash[][] = []
  let tree: Tree = EMPTY
  const compare = () => {
    const checkpoint = sizes.get(tree.size)
    if (checkpoint !== undefined && !equalBytes(rootHash(tree), checkpoint.rootHash))
      throw new Malformed(`the tiles are not those of the checkpoint over ${tree.size} records`)
  }
  compare()
  for (const place of tilesOf(size)) {
    if (place.level === null) continue
    const hashes = tileIn(files, place)
    if (place.level === 0)
      for (const hash of hashes) {
        tree = append(tree, hash)
        compare()
      }
    else checkUpper(place, hashes, expected[place.level] ?? [])
    if (place.width === TILE_WIDTH) levelAt(expected, place.level + 1).push(topOf(hashes))
  }
}

/** The hashes of one tile. @throws Malformed */
export function tileIn(files: Files, place: TilePlace): readonly Hash[] {
  const path = placePath(place)
  const bytes = files.read(path)
  if (bytes.length !== place.width * HASH_BYTES) throw new Malformed(`${path} has another width`)
  return Array.from({ length: place.width }, (_, i) =>
    bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  )
}

function checkUpper(place: TilePlace, hashes: readonly Hash[], expected: readonly Hash[]): void {
  const first = place.n * TILE_WIDTH
  const made = concat(...expected.slice(first, first + place.width))
  if (!equalBytes(made, concat(...hashes)))
    throw new Malformed(`${placePath(place)} is not what the tiles below it say`)
}

/** Of a full tile. */
function topOf(hashes: readonly Hash[]): Hash {
  return rootHash(hashes.reduce(append, EMPTY))
}

function levelAt(levels: Hash[][], level: number): Hash[] {
  levels[level] ??= []
  return levels[level]
}
