/** What runs is what was hashed: whoever changes a file or its name meanwhile changes nothing that is started. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Executable } from '../../src/enforce/executable.ts'
import { parseShebang, rootAlone, Unrunnable } from '../../src/enforce/locate.ts'

const dir = realpathSync(mkdtempSync(join(tmpdir(), 'meshd-executable-')))
after(() => rmSync(dir, { recursive: true }))
const skip = process.platform === 'linux' ? false : 'no descriptors to run by'
const PATH = '/usr/bin:/bin'

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text, { mode: 0o755 })
  return path
}

/** Its standard output. */
async function output(executable: Executable, args: readonly string[] = []): Promise<string> {
  const { file: program, argv0, args: words, script } = executable.start(args)
  const child = spawn(program, words, {
    argv0,
    stdio: ['ignore', 'pipe', 'inherit', ...(script === null ? [] : [script])],
  })
  let said = ''
  for await (const chunk of child.stdout ?? []) said += chunk
  executable.close()
  return said
}

test('a program is its real path and the digest of its bytes; a script has an interpreter beside', async () => {
  symlinkSync('/bin/sh', join(dir, 'link'))
  const program = await Executable.find(join(dir, 'link'), '')
  const sh = realpathSync('/bin/sh')
  assert.deepEqual(
    [program.path, program.digest, program.interpreter],
    [sh, sha256(readFileSync(sh)), null],
  )
  program.close()
  const text = '#!/bin/sh\necho "$@"\n'
  const script = await Executable.find(file('script', text), '')
  assert.deepEqual([script.path, script.digest], [join(dir, 'script'), sha256(text)])
  assert.deepEqual([script.interpreter?.path, script.interpreter?.digest], [sh, program.digest])
  assert.equal(await output(script, ['a', 'b c']), 'a b c\n')
})

test('a script that is replaced, or written into, runs as it was', { skip }, async () => {
  for (const change of [
    (path: string) => {
      writeFileSync(`${path}.new`, '#!/bin/sh\necho other\n', { mode: 0o755 })
      renameSync(`${path}.new`, path)
    },
    (path: string) => writeFileSync(path, '#!/bin/sh\necho other\n'),
    (path: string) => appendFileSync(path, 'echo other\n'),
    (path: string) => rmSync(path),
  ]) {
    const path = file('swapped', '#!/bin/sh\necho decided\n')
    const executable = await Executable.find(path, '')
    change(path)
    assert.equal(executable.changed, false)
    assert.equal(await output(executable), 'decided\n')
  }
})

test('nobody can write into the copy of a script, not even through its descriptor', {
  skip,
}, async () => {
  const path = file('sealed', '#!/bin/sh\necho x >&3; echo y >> /proc/self/fd/3; echo done\n')
  const executable = await Executable.find(path, '')
  assert.throws(() => appendFileSync(`/proc/self/fd/${executable.start([]).script}`, 'x'))
  executable.close()
})

test('a program whose name leads elsewhere by then runs as it was', { skip }, async () => {
  const path = join(dir, 'echo')
  copyFileSync('/bin/echo', path)
  const executable = await Executable.find(path, '')
  rmSync(path)
  copyFileSync('/bin/false', path)
  assert.equal(executable.changed, false)
  assert.equal(await output(executable, ['decided']), 'decided\n')
})

test('who wants to write into a program waits until it is no longer to be run', {
  skip,
}, async () => {
  const path = join(dir, 'held')
  copyFileSync('/bin/echo', path)
  const executable = await Executable.find(path, '')
  assert.equal(executable.changed, false)
  // Another process: this one would wait for itself.
  const writer = spawn('/bin/sh', ['-c', `echo x >> ${path}`])
  await new Promise((done) => writer.once('exit', done))
  assert.equal(executable.changed, true)
  executable.close()
})

test('a word is looked for in PATH, and the program is called by it', async () => {
  const bin = join(dir, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'tool'), '#!/bin/sh\necho tool\n', { mode: 0o644 })
  const second = file('tool', '#!/usr/bin/env sh\necho "$1"\n')
  const executable = await Executable.find('tool', `:relative:${bin}:${dir}:${PATH}`)
  assert.equal(executable.path, second)
  assert.equal(executable.interpreter?.path, realpathSync('/bin/sh'))
  executable.close()
  const sleep = await Executable.find('sleep', PATH)
  assert.equal(sleep.start([]).argv0, 'sleep')
  sleep.close()
})

test('a JavaScript runtime is given the real path of its script, since it looks beside it', async () => {
  mkdirSync(join(dir, 'package'))
  file('package/other', 'echo beside')
  const text = '#!/usr/bin/env -S node -e\n. "$(dirname "$0")/other"\n'
  symlinkSync('package/main', join(dir, 'main'))
  const main = file('package/main', text)
  // One that is quickly hashed, and called so.
  copyFileSync('/bin/sh', join(dir, 'node'))
  const executable = await Executable.find(join(dir, 'main'), `${dir}:${PATH}`)
  assert.equal(executable.path, main)
  assert.equal(await output(executable), 'beside\n')
  const changed = await Executable.find(join(dir, 'main'), `${dir}:${PATH}`)
  renameSync(main, `${main}.old`)
  copyFileSync(`${main}.old`, main)
  assert.equal(changed.changed, true)
  changed.close()
})

test('what is no program, and names none, is not run', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [file('plain', 'echo by accident\n'), /neither a program/],
    [file('empty', ''), /neither a program/],
    [file('nameless', '#!\necho x\n'), /names no interpreter/],
    [file('relative', '#!sh\necho x\n'), /names no interpreter/],
    [file('endless', `#!/bin/${'x'.repeat(300)}\n`), /names no interpreter/],
    [file('nested', `#!${file('inner', '#!/bin/sh\n')}\n`), /neither a program/],
    [file('absent', '#!/no/such/interpreter\n'), /not found/],
    [join(dir, 'nothing'), /not found/],
    [dir, /not executable/],
  ]
  for (const [path, says] of cases)
    await assert.rejects(
      Executable.find(path, PATH),
      (error) => error instanceof Unrunnable && says.test(error.message),
      path,
    )
  chmodSync(file('mode', '#!/bin/sh\n'), 0o644)
  await assert.rejects(Executable.find(join(dir, 'mode'), PATH), Unrunnable)
})

test('the first line of a script is read as the kernel and env read it', () => {
  const read = (line: string) => parseShebang(Buffer.from(`${line}\n`))
  assert.deepEqual(read('#! /bin/sh -e  '), { word: '/bin/sh', args: ['-e'] })
  assert.deepEqual(read('#!/bin/sh -e -u')?.args, ['-e -u'])
  assert.deepEqual(read('#!/usr/bin/env sh'), { word: 'sh', args: [] })
  assert.deepEqual(read('#!/usr/bin/env -S sh -e -u'), { word: 'sh', args: ['-e', '-u'] })
  // What env does beyond that it does by itself.
  for (const odd of ['-i sh', 'sh -e', '-S A=1 sh', "-S sh 'a b'", 'A=1 sh', '-S'])
    assert.deepEqual(read(`#!/usr/bin/env ${odd}`), { word: '/usr/bin/env', args: [odd] })
})

test('what root alone can change is told from what others can', () => {
  assert.equal(rootAlone('/bin/sh'), true)
  assert.equal(rootAlone(file('mine', '')), false)
  symlinkSync(file('target', ''), join(dir, 'to-target'))
  assert.equal(rootAlone(join(dir, 'to-target')), false)
})
