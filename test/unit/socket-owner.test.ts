/** Nothing is said into a socket that somebody else put in the daemon's place. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkSocketOwner } from '../../src/client/socket-owner.ts'
import { MeshError } from '../../src/core/problems.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-owner-'))
after(() => rmSync(dir, { recursive: true }))
const self = process.getuid?.() ?? 0
/** Of no user here. */
const OTHER = 54_321
const NOBODY = {}

function socket(name: string, mode = 0o755): string {
  mkdirSync(join(dir, name), { mode })
  chmodSync(join(dir, name), mode)
  const path = join(dir, name, 'meshd.sock')
  writeFileSync(path, '')
  return path
}

function refused(path: string, env: NodeJS.ProcessEnv = NOBODY, as = self): string | null {
  try {
    checkSocketOwner(path, env, as)
    return null
  } catch (error) {
    assert.ok(error instanceof MeshError && error.code === 'UNREACHABLE')
    return error.message
  }
}

test('one’s own is taken, and so is none at all, for which connecting has its own words', () => {
  assert.equal(refused(socket('own')), null)
  assert.equal(refused(join(dir, 'none')), null)
  symlinkSync(join(dir, 'nowhere'), join(dir, 'dangling'))
  assert.equal(refused(join(dir, 'dangling')), null)
})

test('another user’s is not, unless that is the user of the daemon', () => {
  const path = socket('as-other')
  // Whoever is not this user finds it to be another's, and root's is anybody's.
  if (self !== 0) assert.match(refused(path, NOBODY, OTHER) ?? '', /belongs to uid/)
  assert.equal(refused(path, { MESHD_DAEMON_USER: `${self}` }, OTHER), null)
})

test('a directory in which others may replace it is none for it, but for a sticky one', () => {
  for (const mode of [0o775, 0o757, 0o777])
    assert.match(refused(socket(`mode-${mode}`, mode)) ?? '', /others may replace it/)
  assert.equal(refused(socket('sticky', 0o1777)), null)
})

const root = self === 0 ? false : 'only root can give files away'
test('root asks no impostor either, whatever leads to it', { skip: root }, () => {
  const path = socket('impostor', 0o1777)
  chownSync(path, OTHER, OTHER)
  symlinkSync(path, join(dir, 'link'))
  for (const each of [path, join(dir, 'link')])
    assert.match(refused(each) ?? '', new RegExp(`belongs to uid ${OTHER}`))
  assert.equal(refused(path, { MESHD_DAEMON_USER: `${OTHER}` }), null)
  assert.match(refused(path, { MESHD_DAEMON_USER: 'root' }) ?? '', /belongs/)
  const theirs = socket('theirs')
  chownSync(join(dir, 'theirs'), OTHER, OTHER)
  assert.match(refused(theirs) ?? '', /its directory belongs to uid/)
})
