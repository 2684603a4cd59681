/** `meshd/client` as the npm package ships it: plain JavaScript with types, of node's own modules alone. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')
const dir = mkdtempSync(join(tmpdir(), 'meshd-package-'))
after(() => rmSync(dir, { recursive: true }))
const installed = join(dir, 'node_modules/meshd')
const tsc = (project: string) =>
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', project], { encoding: 'utf8' })

function put(name: string, content: string | object): string {
  const path = join(dir, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const APP = `import { Denied, Mesh } from 'meshd/client'
const mesh = new Mesh({ socket: '/nonexistent/meshd.sock' })
const question = { action: 'tool:read', resource: 'repo:acme/docs' }
const decision = await mesh.decide(question)
if (decision.allow) throw new Error('allowed')
const thrown = await mesh.guard(question, () => 'ran').catch((error) => error)
console.log(decision.code, thrown instanceof Denied, thrown.code)
`

test('a program imports it by name, in JavaScript and in TypeScript, and needs nothing else', () => {
  const project = { extends: join(root, 'tsconfig.json'), include: [], files: [] as string[] }
  project.files.push(join(root, 'src/client/index.ts'))
  const types = [join(root, 'node_modules/@types')]
  const compilerOptions = { rootDir: root, outDir: join(installed, 'dist'), typeRoots: types }
  tsc(put('client.json', { ...project, compilerOptions }))
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  // The folder holds nothing but the library: what else it needed would not be found.
  const out = execFileSync(process.execPath, [put('app.mjs', APP)], { encoding: 'utf8' })
  assert.equal(out, 'UNREACHABLE true UNREACHABLE\n')

  symlinkSync(types[0] as string, join(dir, 'node_modules/@types'))
  put('app.mts', APP)
  const strict = { strict: true, noEmit: true, module: 'nodenext', target: 'es2022' }
  tsc(put('app.json', { compilerOptions: { ...strict, types: ['node'] }, files: ['app.mts'] }))
})
