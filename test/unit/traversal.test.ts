/** Names from outside that would be paths: no name of a key or of an exported file leads out of its folder. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { person } from '../../scripts/vectors/tokens.ts'
import { isTarName } from '../../src/core/tar.ts'
import { KeyStore } from '../../src/daemon/key-store.ts'
import { row } from '../lab/row.ts'

const HOSTILE = [
  ...[
    '..',
    '.',
    '',
    '/',
    '../x',
    'a/../../x',
    '/etc/passwd',
    'a/b',
    'a\\..\\b',
    '..\\x',
    '~',
    '~/x',
  ],
  ...['%2e%2e/x', 'a\0b', 'a\n', '.hidden', '-rf', 'é', '\u2024\u2024/x', 'a/.', 'a//b', 'C:x'],
]
/** Pieces of paths, in any order. */
const pieces = fc
  .array(fc.constantFrom('..', '.', '/', '\\', 'a', '\0', '%2f', '-', ' ', '\u2215'), {
    maxLength: 8,
  })
  .map((parts) => parts.join(''))

const inside = (path: string) => !relative('/folder', join('/folder', path)).startsWith('..')

test('no name leads out of its folder', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'meshd-names-'))
  const folder = join(dir, 'a', 'keys')
  const keys = new KeyStore({ MESHD_KEY_STORE: folder })
  let tried = 0
  const refused = (name: string) => {
    tried += 1
    try {
      keys.add(name, person(0).did)
      assert.ok(readdirSync(folder).includes(`${name}.pub`), JSON.stringify(name))
      rmSync(join(folder, `${name}.pub`))
    } catch (error) {
      assert.match(String(error), /MeshError/)
    }
    assert.deepEqual(
      readdirSync(dir),
      readdirSync(dir).filter((each) => each === 'a'),
    )
    assert.ok(!isTarName(name) || inside(name), JSON.stringify(name))
  }
  for (const name of HOSTILE) {
    refused(name)
    assert.throws(() => keys.add(name, person(0).did), { name: 'MeshError' }, JSON.stringify(name))
  }
  fc.assert(fc.property(pieces, refused), { numRuns: 500 })
  rmSync(dir, { recursive: true })
  row(t, 31, `0 escapes of ${tried} names, of keys and of exported files`)
})
