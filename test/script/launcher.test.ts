/** Which of them the launcher runs: the sources, or what was built from them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
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
