/** The shape of the code as a test: who may import whom, who owns which package, who may read a clock. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

/** What each folder may import besides itself: folders, or single files. */
const MAY: Record<string, readonly string[]> = {
  core: [],
  mesh: ['core'],
  storage: ['core', 'mesh/ports.ts'],
  network: ['core', 'mesh/ports.ts'],
  daemon: ['core', 'mesh', 'storage', 'network'],
  client: ['core'],
  api: ['core', 'mesh', 'daemon', 'client'],
  enforce: ['core', 'client'],
  cli: ['core', 'client', 'enforce'],
}
/** What cli may reach besides, and only by `await import()`. */
const LAZY: Record<string, readonly string[]> = { cli: ['daemon', 'api'] }
/** Each package, and the folder or the file that alone may import it. */
const OWNERS: Record<string, readonly string[]> = {
  '@noble/curves': ['core'],
  '@ipld/dag-cbor': ['core'],
  multiformats: ['core'],
  level: ['storage'],
  'classic-level': ['storage'],
  'abstract-level': ['storage'],
  libp2p: ['network'],
  '@multiformats/multiaddr': ['network'],
  '@cedar-policy/cedar-wasm': ['daemon/cedar.ts'],
  yaml: ['daemon'],
  zod: ['daemon', 'api'],
  'prom-client': ['api'],
  commander: ['cli'],
}
const PURE_BUILTINS = new Set(['node:crypto'])
const AMBIENT =
  /\b(?:Date\.now|new Date\(\)|performance\.|setTimeout|setInterval|setImmediate|process\.|console\.)/
/** Dice, and crypto that answers later: either one ends a simulator's replay. */
const DICE = /\b(?:Math\.random|random(?:Bytes|UUID|Int|Fill)|getRandomValues|subtle|webcrypto)\b/
const BANNED = /\b(?:TODO|FIXME|XXX|HACK)\b|export default|^export \*|as unknown as|\bas any\b/m

interface Edge {
  readonly target: string
  readonly lazy: boolean
}

/** Every import of a source text, types too; the formatter has made all quotes single. */
export function edges(source: string): Edge[] {
  const found = (form: RegExp, lazy: boolean) =>
    [...source.matchAll(form)].map(([, target]) => ({ target: target as string, lazy }))
  return [
    ...found(/^import\s+(?:[^'();]*\sfrom\s+)?'([^']+)'/gm, false),
    ...found(/^export\s+(?:type\s+)?[*{][^'();]*\sfrom\s+'([^']+)'/gm, false),
    ...found(/\bimport\('([^']+)'\)/g, true),
  ]
}

const files = globSync('src/**/*.{ts,tsx}').sort()
const read = (file: string) => readFileSync(file, 'utf8')
const code = (file: string) => read(file).replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '')
const folder = (path: string) => path.split('/')[1] as string
const under = (path: string, places: readonly string[]) =>
  places.some((place) => path === place || path.startsWith(`${place}/`))

test('the reader sees every form of import', () => {
  const source = `import a from 'a'\nimport { b,\n  c } from './b.ts'\nimport 'c'\nimport type { D } from 'd'
export { e } from 'e'\nexport * from 'f'\nexport const no = ['n']\nconst g = await import('g')`
  const targets = edges(source).map((e) => e.target)
  assert.equal(targets.join(' '), 'a ./b.ts c d e f g')
})

test('the tree is where we think it is', () => {
  assert.ok(files.length >= 60, `${files.length} source files`)
  for (const file of files) assert.ok(folder(file) in MAY, `${file} is in no layer`)
})

test('imports point one way, and each package has one owner', () => {
  let seen = 0
  for (const file of files) {
    for (const { target, lazy } of edges(read(file))) {
      seen += 1
      if (target.startsWith('.')) checkLocal(file, join(dirname(file), target), lazy)
      else if (isBuiltin(target)) checkBuiltin(file, target)
      else checkPackage(file, target)
    }
  }
  assert.ok(seen >= 200, `${seen} imports`)
})

function checkLocal(file: string, target: string, lazy: boolean): void {
  const allowed = [
    folder(file),
    ...(MAY[folder(file)] ?? []),
    ...(lazy ? (LAZY[folder(file)] ?? []) : []),
  ]
  assert.ok(under(target.slice('src/'.length), allowed), `${file} imports ${target}`)
}

function checkBuiltin(file: string, target: string): void {
  if (folder(file) === 'core') assert.ok(PURE_BUILTINS.has(target), `${file}: ${target}`)
  if (folder(file) === 'mesh') assert.fail(`${file}: ${target} does not come through a port`)
}

function checkPackage(file: string, target: string): void {
  const name = target.match(/^(?:@[^/]+\/)?[^/]+/)?.[0] ?? ''
  const owners = name.startsWith('@libp2p/') ? ['network'] : (OWNERS[name] ?? [])
  assert.ok(under(file.slice('src/'.length), owners), `${file} imports ${target}`)
}

test('core and mesh read no clock, no dice, no process', () => {
  for (const file of files.filter((f) => ['core', 'mesh'].includes(folder(f))))
    for (const banned of [AMBIENT, DICE]) assert.doesNotMatch(code(file), banned, file)
})

test('core waits for nothing', () => {
  for (const file of files.filter((f) => folder(f) === 'core'))
    assert.doesNotMatch(code(file), /\b(?:async|await|Promise)\b/, file)
})

test('files are finished and have names for what they export', () => {
  for (const file of files) assert.doesNotMatch(code(file), BANNED, file)
})

test('a daemon signs no statement but the membership of who redeems an invite', () => {
  const signs = files.filter(
    (file) => !['cli', 'core'].includes(folder(file)) && /\bsignEnvelope\(/.test(code(file)),
  )
  // The other one founds a mesh: it is `meshd init`, with the founder's key.
  assert.deepEqual(signs.sort(), ['src/daemon/found.ts', 'src/mesh/invites.ts'])
  const types = [...code('src/mesh/invites.ts').matchAll(/\bsignEnvelope\('(\w+)'/g)].map(
    ([, type]) => type,
  )
  assert.deepEqual(types, ['member'])
})
