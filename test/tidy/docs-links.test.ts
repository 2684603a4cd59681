/** What the pages name exists: files, headings, codes, commands, bounds, and the lines that signatures begin with. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { routes } from '../../scripts/docs/api.ts'
import { TABLE } from '../../src/cli/main.ts'
import * as limits from '../../src/core/limits.ts'
import { PROBLEMS } from '../../src/core/problems.ts'
import { REASONS } from '../../src/core/reasons.ts'

const PAGES = ['README.md', 'CHANGELOG.md', 'SECURITY.md', ...globSync('docs/**/*.md').sort()]
const CODE = readFileSync('src/mesh/hello-frames.ts', 'utf8')
const read = (file: string) => readFileSync(file, 'utf8')
/** Without blocks of code, where brackets and hashes mean other things. */
const prose = (file: string) => read(file).replaceAll(/^```[\s\S]*?^```/gm, '')

/** As GitHub makes them from headings. */
function anchorsOf(file: string): readonly string[] {
  return [...prose(file).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  )
}

test('every link inside of the repository leads somewhere', () => {
  let count = 0
  for (const page of PAGES) {
    for (const [, target = ''] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      assert.ok(existsSync(file), `${page}: ${target}`)
      if (anchor !== undefined)
        assert.ok(anchorsOf(file).includes(anchor), `${page}: no heading for ${target}`)
      count += 1
    }
  }
  assert.ok(count >= 20, `${count} links`)
})

test('every page says in its first line what it is for, and is linked from somewhere', () => {
  const everything = PAGES.map(read).join('\n')
  for (const page of globSync('docs/**/*.md')) {
    const [title = '', empty, first = ''] = read(page).split('\n')
    assert.match(title, /^# \S/, page)
    assert.equal(empty, '', page)
    assert.match(first, /^[A-Z`].*[a-z]/, page)
    assert.ok(everything.includes(page.split('/').at(-1) ?? page), `${page} is linked`)
  }
})

test('every code in capitals is a reason, a problem, a refusal, a bound or a name that is known', () => {
  // The last ones are of the kernel, and of files and columns of ours.
  const known = new Set([
    ...[...Object.keys(REASONS), ...Object.keys(PROBLEMS), ...Object.keys(limits)],
    ...(/REFUSALS = \[([^\]]*)\]/.exec(CODE)?.[1]?.match(/[A-Z_]+/g) ?? []),
    ...[
      'INITIALIZED',
      'READY',
      'ALLOW',
      'DENY',
      'STOPPED',
      'SO_PEERCRED',
      'SO_PEERPIDFD',
      'CAP_SYS_PTRACE',
      'AF_UNIX',
      'F_SETLEASE',
      'LD_PRELOAD',
      'NODE_OPTIONS',
      'XDG_RUNTIME_DIR',
    ],
  ])
  for (const page of PAGES)
    for (const [code] of read(page).matchAll(/\b[A-Z]{2,}(?:_[A-Z]+)+\b|(?<=`)[A-Z]{4,}(?=`)/g))
      assert.ok(known.has(code) || code.startsWith('MESHD_'), `${page}: ${code}`)
})

test('every command that the README and the guides show is one', async () => {
  const commands = await TABLE.all()
  const words = commands.flatMap(({ name, aliases = [] }) => {
    const noun = name.split(' ').slice(0, -1)
    return [name, ...aliases.map((alias) => [...noun, alias].join(' '))]
  })
  const nouns = new Set(
    words.filter((name) => name.includes(' ')).map((name) => name.split(' ')[0]),
  )
  let count = 0
  // One is generated from the table itself, the other shows what is hashed.
  const others = ['docs/cli.md', 'docs/protocol.md']
  for (const page of PAGES.filter((file) => !others.includes(file))) {
    for (const line of typedIn(page)) {
      const [first = '', second = ''] = line.split(' ')
      const name = nouns.has(first) ? `${first} ${second}`.trim() : first
      assert.ok(words.includes(name) || nouns.has(name), `${page}: meshd ${line}`)
      count += 1
    }
  }
  assert.ok(count >= 60, `${count} commands`)
})

/** Typed rather than told: in backticks, or first in a line of a block. */
function typedIn(page: string): readonly string[] {
  const blocks = [...read(page).matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  const lines = [...blocks.join('\n').matchAll(/(?:^|&& |\| )meshd ([a-z][a-z -]*)/gm)]
  const told = [...prose(page).matchAll(/`meshd ([a-z][a-z -]*)(?=[^a-z -])/g)]
  return [...lines, ...told].map(([, line = '']) => line)
}

test('every path that a page asks for is served', () => {
  const served = routes().map(({ path }) => new RegExp(`^${path.replaceAll(/{\w+}/g, '[^/]+')}$`))
  let count = 0
  for (const page of PAGES) {
    for (const [, path = ''] of read(page).matchAll(/http:\/\/meshd(\/[^\s'"?]*)/g)) {
      if (path === '/v1/nothing') continue // what an error looks like
      assert.ok(
        served.some((each) => each.test(path)),
        `${page}: ${path}`,
      )
      count += 1
    }
  }
  assert.ok(count >= 8, `${count} paths`)
})

test('every metric that a page names is served', () => {
  const made = read('src/api/metrics.ts').matchAll(/#(?:gauge|counter|histogram)\(\s*'(\w+)'/g)
  const served = new Set([...made].map(([, name]) => `meshd_${name}`))
  let count = 0
  for (const page of PAGES)
    for (const [name] of read(page).matchAll(/\bmeshd_[a-z_]+/g)) {
      assert.ok(served.has(name), `${page}: ${name}`)
      count += 1
    }
  assert.ok(count >= 10, `${count} metrics`)
})

test('the design names every dependency with its version', () => {
  const { dependencies } = JSON.parse(read('package.json')) as {
    dependencies: Readonly<Record<string, string>>
  }
  const page = read('docs/design.md')
  for (const [name, version] of Object.entries(dependencies))
    assert.ok(page.includes(`\n| ${name} | ${version} |`), `${name} ${version}`)
})

test('no two signatures begin alike, and the page of the protocol names every beginning', () => {
  const sources = globSync('src/**/*.ts').map(read).join('\n')
  const lines = [...sources.matchAll(/utf8\('(meshd\/[^']*\\n)'\)/g)].map(([, line = '']) => line)
  assert.equal(lines.length, 6)
  const page = read('docs/protocol.md')
  for (const line of lines) assert.ok(page.includes(`\`${line.replace('\\n', '⏎')}\``), line)
  // Of cosignatures, of envelopes, of checkpoints by the first digit of a mesh, of tokens.
  const origins = [...'0123456789abcdef'].map((digit) => `meshd/${digit.repeat(16)}/`)
  const all = [...lines, ...origins, 'cosignature/v1\\n', 'DSSEv1 ', '\xa2ah']
  for (const a of all)
    for (const b of all) assert.ok(a === b || !a.startsWith(b), `${a} begins with ${b}`)
})
