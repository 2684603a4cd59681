/**
 * Which part runs which test file: each file is in one part, and new files need no entry here.
 * What is named below is an exception from its folder, with its reason.
 */
import { globSync } from 'node:fs'

/** These share processes: each alone takes longer to load the product than to run. */
const SHARED = 'test/{tidy,unit,vectors,fuzz}/**/*.test.ts'
/** They send their process a signal, which a runner in the same process would hear. */
const OWN_PROCESS = ['test/unit/cli-run.test.ts', 'test/unit/golden.test.ts']
/** The longest of those that `npm test` runs in processes of their own: they begin first. */
const FIRST = ['test/e2e/readme.test.ts', 'test/sim/lease.test.ts']
/** Of the folders that `npm test` runs, what takes longer than it may. */
const LATER = [
  'test/sim/mesh-light.test.ts',
  'test/script/run.test.ts',
  'test/sim/mesh.test.ts',
  'test/sim/mutations.test.ts',
  'test/unit/statements-flood.test.ts',
]

const found = (...patterns: string[]) => patterns.flatMap((pattern) => globSync(pattern)).sort()
const without = (files: readonly string[], others: readonly string[]) =>
  files.filter((file) => !others.includes(file))

/** Run in processes that they share. */
export const shared = without(found(SHARED), [...OWN_PROCESS, ...LATER])
/** Run one in a process, since simulations replace the keys of theirs; the longest first. */
export const first = FIRST
export const own = without(
  [...found('test/{sim,script}/**/*.test.ts'), ...OWN_PROCESS],
  [...FIRST, ...LATER],
)
/** One in a process as well, and longer. */
export const later = LATER
/** They start networks and daemons: one after the other. */
export const processes = without(found('test/{ports,e2e}/*.test.ts'), FIRST)
export const long = found('test/long/*.test.ts')
/** Faults and attacks: `npm run lab` runs them with longer counts, and prints the matrix. */
export const lab = found('test/lab/*.test.ts')
/** Run once more, with the coverage of src/core. */
export const covering = without(found('test/{unit,vectors}/**/*.test.ts'), OWN_PROCESS)
