/** No parser is forgotten: what is exported under such a name is fuzzed, or says why not. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { EXEMPT, TARGETS } from '../fuzz/targets.ts'

/** `parseX`, `decodeX`, and `readX` of what came from elsewhere: bytes, text, JSON. */
const PARSER =
  /^export (?:async )?function ((?:parse|decode)[A-Z]\w*|read[A-Z]\w*(?=\(\w+: (?:Uint8Array|string|Json)\b))/gm

const exported = globSync('src/**/*.ts')
  .sort()
  .flatMap((file) => {
    const place = file.replace(/^src\//, '')
    return [...readFileSync(file, 'utf8').matchAll(PARSER)].map(([, name]) => `${place} ${name}`)
  })
const run = new Set(TARGETS.flatMap(({ runs }) => runs))

test('every exported parser is among the targets of the fuzzer, or is named with its reason', () => {
  assert.ok(exported.length > 60, `${exported.length} parsers`)
  assert.deepEqual(
    exported.filter((name) => !run.has(name) && EXEMPT[name] === undefined),
    [],
  )
})

test('what the targets say that they run is there', () => {
  const gone = [...run, ...Object.keys(EXEMPT)].filter((each) => {
    const [file = '', name = ''] = each.split(' ')
    return !new RegExp(`^export (?:async )?function ${name}\\b`, 'm').test(
      readFileSync(`src/${file}`, 'utf8'),
    )
  })
  assert.deepEqual(gone, [])
})
