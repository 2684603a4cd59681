/** Bundles as directories: read whole, refused with the place of what is wrong. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { MeshError } from '../../src/core/problems.ts'
import { readBundle } from '../../src/daemon/bundle-dir.ts'
import { checkBundle } from '../../src/daemon/cedar-check.ts'
import { PERMIT, SCHEMA } from './bundles.ts'

const root = mkdtempSync(join(tmpdir(), 'meshd-bundle-'))
after(() => rmSync(root, { recursive: true }))

const GOOD = {
  'bundle.yaml': 'name: ci\nmode: observe\n',
  'a.cedar': PERMIT,
  'schema.cedarschema': SCHEMA,
  'entities.json': '[]',
  'tests/ci.test.yaml': `
- name: it may
  request: { principal: "principal:a", action: "tool:read", resource: "repo:x" }
  expect: ALLOW

- name: it may again
  request: { principal: "principal:a", action: "tool:read", resource: "repo:x" }
  expect: ALLOW
`,
  'README.md': 'not part of it',
}

let made = 0
function directory(files: Record<string, string | null>): string {
  made += 1
  const at = join(root, String(made))
  for (const [name, text] of Object.entries({ ...GOOD, ...files })) {
    if (text === null) continue
    mkdirSync(dirname(join(at, name)), { recursive: true })
    writeFileSync(join(at, name), text)
  }
  return at
}

async function refuses(files: Record<string, string | null>, message: RegExp): Promise<void> {
  await assert.rejects(readBundle(directory(files)), (error: unknown) => {
    assert.ok(error instanceof MeshError)
    assert.equal(error.code, 'POLICY_INVALID')
    assert.match(error.message, message)
    return true
  })
}

test('a bundle is read whole, tests with their lines', async () => {
  const content = await readBundle(directory({}))
  assert.equal(content.bundle, 'ci')
  assert.equal(content.mode, 'observe')
  assert.deepEqual([...content.policies], [['a.cedar', PERMIT]])
  assert.deepEqual(content.entities, [])
  assert.deepEqual(
    content.tests.map((each) => each['where']),
    ['tests/ci.test.yaml:2', 'tests/ci.test.yaml:6'],
  )
  assert.deepEqual(checkBundle({ ...content, version: 1 }), [])
})

test('enforcing is the default, and tests and entities may be absent', async () => {
  const files = { 'bundle.yaml': 'name: ci', 'entities.json': null, 'tests/ci.test.yaml': null }
  const content = await readBundle(directory(files))
  assert.equal(content.mode, 'enforce')
  assert.deepEqual([content.entities, content.tests], [[], []])
})

test('what is wrong is named with its place', async () => {
  await refuses({ 'bundle.yaml': null }, /^bundle\.yaml: cannot be read/)
  await refuses({ 'schema.cedarschema': null }, /^schema\.cedarschema: cannot be read/)
  await refuses({ 'bundle.yaml': 'name: ci\nmoed: observe' }, /^bundle\.yaml: .*moed.*unknown/)
  await refuses({ 'bundle.yaml': 'name: ci\nmode: off' }, /^bundle\.yaml: mode/)
  await refuses({ 'bundle.yaml': 'name: ci\nname: cd' }, /^bundle\.yaml:2: /)
  await refuses({ 'bundle.yaml': 'name: "a b"' }, /^bundle\.yaml: name/)
  await refuses({ 'entities.json': '[{"a":1,"a":2}]' }, /^entities\.json: a key is there twice/)
  await refuses({ 'entities.json': '[9007199254740993]' }, /^entities\.json: a number is not exact/)
  await refuses(
    { 'tests/ci.test.yaml': 'name: x' },
    /^tests\/ci\.test\.yaml: a test file is a list/,
  )
  await refuses({ 'tests/ci.test.yaml': '\n- 7' }, /^tests\/ci\.test\.yaml:2: a test is a map/)
  await refuses({ 'tests/ci.test.yaml': '- { a: 1,\n' }, /^tests\/ci\.test\.yaml:/)
  await refuses({ 'tests/ci.test.yaml': '- { a: .nan }' }, /^tests\/ci\.test\.yaml:1: not a number/)
})

test('a test that is nested too deep is refused, and overflows nothing', async () => {
  for (const [open, close] of [
    ['- ', ''],
    ['[', ']'],
    ['{ a: ', '}'],
  ] as const) {
    const text = `${open.repeat(5_000)}x${close.repeat(5_000)}`
    const at = directory({ 'tests/ci.test.yaml': `- name: x\n  request: ${text}\n` })
    await assert.rejects(readBundle(at), { code: 'POLICY_INVALID', message: /nested too deep/ })
  }
})

test('an alias of nothing, and aliases that unfold without an end, are refused with their place', async () => {
  const list = (of: string) => `[${Array.from({ length: 10 }, () => of).join(', ')}]`
  const laughs = `- a: &a ${list('x')}\n  b: &b ${list('*a')}\n  c: &c ${list('*b')}\n  d: ${list('*c')}\n`
  for (const text of ['- name: x\n- *nobody\n', laughs]) {
    const at = directory({ 'tests/ci.test.yaml': text })
    await assert.rejects(readBundle(at), { code: 'POLICY_INVALID', message: /ci\.test\.yaml:[12]/ })
  }
})

test('a file that nobody reads is refused, so that no forbid is lost in silence', async () => {
  await refuses({ 'extra.cedar.bak': FORBIDDEN }, /^extra\.cedar\.bak: is no part/)
  await refuses({ 'more/b.cedar': FORBIDDEN }, /^more: is no part/)
  await refuses({ 'tests/other.yaml': '[]' }, /^tests\/other\.yaml: is no/)
})

const FORBIDDEN = '@id("f") forbid (principal, action, resource);'

test('a directory that is not there is not found', async () => {
  await assert.rejects(readBundle(join(root, 'none')), { code: 'NOT_FOUND' })
})

for (const name of ['starter', 'demo']) {
  test(`the ${name} bundle compiles and passes its own tests`, async () => {
    const content = await readBundle(`config/${name}-policy`)
    assert.equal(content.bundle, name)
    assert.ok(content.tests.length > 0)
    assert.deepEqual(checkBundle({ ...content, version: 1 }), [])
  })
}
