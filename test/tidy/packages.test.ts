/** What is installed: exact versions, above the floors of known advisories, without install scripts. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { row } from '../lab/row.ts'

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const lock: Record<string, { version?: string }> = json('package-lock.json').packages
const advisories: { package: string; floor: string }[] = json('test/tidy/advisories.json')

/** Negative when a is older than b; both are plain x.y.z. */
function compare(a: string, b: string): number {
  const [x, y] = [a, b].map((v) => v.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < 3; i++) if (x[i] !== y[i]) return (x[i] as number) - (y[i] as number)
  return 0
}

test('versions are exact', (t) => {
  const manifest = json('package.json')
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'])
    for (const [name, version] of Object.entries(manifest[kind] as Record<string, string>))
      assert.match(version, /^\d+\.\d+\.\d+$/, name)
  row(t, 105, '0 ranges')
})

test('no locked package is below the floor of an advisory', (t) => {
  let found = 0
  for (const [path, { version }] of Object.entries(lock))
    for (const { package: name, floor } of advisories)
      if (path.endsWith(`node_modules/${name}`) && version !== undefined) {
        found += 1
        assert.ok(compare(version, floor) >= 0, `${path} ${version} is below ${floor}`)
      }
  assert.ok(found >= 5)
  row(t, 105, '0 below a floor')
})

test('no install script runs', (t) => {
  assert.match(readFileSync('.npmrc', 'utf8'), /^ignore-scripts=true$/m)
  row(t, 105, '0 install scripts')
})
