/**
 * What a stranger, or a careless hand, may leave where a daemon keeps what it trusts: a link, a second
 * name, a pipe, a file of somebody else, a mode for all. Each is refused before it is read (FAULTS 30).
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { prepareSocket } from '../../src/api/socket-file.ts'
import { MeshError } from '../../src/core/problems.ts'
import { loadConfig, loadOwnConfig } from '../../src/daemon/config.ts'
import { createKeyFile, readKeyFile } from '../../src/daemon/key-file.ts'
import { row } from '../lab/row.ts'
import { filled, open, trap } from './traps.ts'

const NOBODY = 65_534
const UID = process.geteuid?.() ?? 0
/** What only root can give away is left out without it, and the count says so. */
const ROOT = UID === 0
const scratch = mkdtempSync(join(tmpdir(), 'meshd-private-'))
after(() => rmSync(scratch, { recursive: true }))

/** Puts it in the place of a path; gives what takes it away again. */
type Fault = (path: string) => () => void

const asideOf = (path: string) => join(scratch, `aside-${basename(path)}`)

function replaced(path: string, by: () => void): () => void {
  const aside = asideOf(path)
  renameSync(path, aside)
  by()
  return () => {
    rmSync(path)
    renameSync(aside, path)
  }
}

const link: Fault = (path) => replaced(path, () => symlinkSync(asideOf(path), path))
const pipe: Fault = (path) => replaced(path, () => execFileSync('mkfifo', ['-m', '600', path]))

function secondName(path: string): () => void {
  linkSync(path, asideOf(path))
  return () => rmSync(asideOf(path))
}

function everybodys(path: string): () => void {
  const { mode } = lstatSync(path)
  chmodSync(path, 0o777)
  return () => chmodSync(path, mode)
}

function anothers(path: string): () => void {
  chownSync(path, NOBODY, NOBODY)
  return () => chownSync(path, UID, UID)
}

const anothersLink: Fault = (path) => {
  const undo = link(path)
  lchownSync(path, NOBODY, NOBODY)
  return undo
}

const owned = ROOT ? [anothers] : []

/** Refused with each of the faults there, and taken again without it. Gives how many there were. */
async function refusedWith(
  path: string,
  faults: readonly Fault[],
  use: () => unknown,
): Promise<number> {
  for (const fault of faults) {
    const undo = fault(path)
    await assert.rejects(
      async () => use(),
      (error) =>
        error instanceof MeshError &&
        ['CONFIG_INVALID', 'KEY_UNAVAILABLE'].includes(error.code) &&
        error.message.includes(basename(path)),
      `${path}: ${fault.name}`,
    )
    undo()
    await use()
  }
  return faults.length
}

const says = (count: number, where: string) =>
  `${where}: ${count} of ${count} refused${ROOT ? '' : ' (not root: no foreign owner)'}`

trap(
  'nothing in the data directory is opened that is not a file of this user alone',
  async (place, t) => {
    await filled(place)
    const again = async () => (await open(place)).close()
    const at = (...names: readonly string[]) => join(place.directory, ...names)
    const files: readonly Fault[] = [link, secondName, pipe, ...owned]
    let count = 0
    for (const each of [at(), at('db')])
      count += await refusedWith(each, [link, everybodys, ...owned], again)
    count += await refusedWith(at('head'), [...files, everybodys], again)
    count += await refusedWith(at('INITIALIZED'), files, again)
    // LevelDB's own names change with each start.
    for (const kind of ['CURRENT', 'LOCK', 'MANIFEST-', '.log']) {
      const name = () => readdirSync(at('db')).find((each) => each.includes(kind)) ?? kind
      for (const fault of files) count += await refusedWith(at('db', name()), [fault], again)
    }
    row(t, 30, says(count, 'data directory'))
  },
)

test('a key is not read that is not a file of this user alone', async (t) => {
  const path = join(scratch, 'identity.key')
  createKeyFile(path)
  const count = await refusedWith(path, [link, secondName, pipe, everybodys, ...owned], () =>
    readKeyFile(path),
  )
  // Who was killed between the two names that it has while it is made: the second is its own.
  linkSync(path, `${path}.part`)
  readKeyFile(path)
  row(t, 30, says(count, 'key file'))
})

test('a daemon goes by no configuration that a stranger may change; the command line reads it', async (t) => {
  const path = join(scratch, 'meshd.yaml')
  writeFileSync(path, 'version: 1\n', { mode: 0o600 })
  const env = { HOME: scratch }
  const own = () => loadOwnConfig(path, env)
  const faults = [pipe, everybodys, ...(ROOT ? [anothers, anothersLink] : [])]
  const count = await refusedWith(path, faults, own)
  // A link of this user, as an orchestrator mounts it.
  link(path)
  assert.equal(own().found, true)
  if (ROOT) {
    anothers(path)
    assert.equal(loadConfig(path, env).found, true)
  }
  row(t, 30, says(count, 'configuration'))
})

test('no socket is made where a stranger could take its place', async (t) => {
  const dir = join(scratch, 'run')
  const path = join(dir, 'meshd.sock')
  mkdirSync(dir, { mode: 0o750 })
  const prepare = () => prepareSocket({ path, mode: 0o660, role: 'decide', principal: null })
  const strangers = ROOT ? [anothers, anothersLink] : []
  let count = await refusedWith(dir, [everybodys, ...strangers], prepare)
  // What is there instead of a socket is neither followed nor removed.
  for (const put of [
    () => symlinkSync(join(scratch, 'identity.key'), path),
    () => execFileSync('mkfifo', [path]),
    () => writeFileSync(path, ''),
  ]) {
    put()
    await assert.rejects(prepare(), { code: 'CONFIG_INVALID' })
    rmSync(path)
    count += 1
  }
  row(t, 30, says(count, 'socket path'))
})
