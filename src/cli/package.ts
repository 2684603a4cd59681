/** Files that ship with the package: they lie beside src and beside dist alike. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assert } from '../core/assert.ts'

/** The folder of this package: the nearest one above with a package.json of that name. */
export function packageRoot(): string {
  for (let folder = import.meta.dirname; dirname(folder) !== folder; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'meshd')
      return folder
  }
  assert(false, 'the program lies in its package')
}
