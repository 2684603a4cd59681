/** What the pages promise is tested: each test that they name exists, and each promise is linked from where it is made. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const PROMISES = 'docs/promises.md'
const PAGES = ['README.md', 'SECURITY.md', ...globSync('docs/**/*.md').sort()]
/** Pages that are made from tables, or that tell what changed, promise nothing of their own. */
const WITHOUT = ['docs/cli.md', 'docs/config.md', 'docs/performance.md', 'docs/reasons.md']

const read = (file: string) => readFileSync(file, 'utf8')
const sources = new Map(globSync('test/**/*.ts').map((file) => [file, read(file)]))
/** Of this page the names would be found in itself. */
const everything = [...sources]
  .flatMap(([file, text]) => (file.includes('tidy') ? [] : [text]))
  .join('\n')

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The strings of a file that could be names of tests: what a call begins with. */
function namesIn(file: string): readonly string[] {
  const strings = /[([]\s*(?:'((?:\\.|[^'\\\n])+)'|"((?:\\.|[^"\\\n])+)"|`((?:\\.|[^`\\])+)`)/g
  return [...(sources.get(file) ?? '').matchAll(strings)].map(([, a, b, c]) =>
    (a ?? b ?? c ?? '').replaceAll("\\'", "'"),
  )
}

/** Whether a test goes by that name; what a template fills in is `…`, or stands somewhere in the tests itself. */
function named(file: string, name: string): boolean {
  return namesIn(file).some((raw) => {
    const parts = raw.split(/\$\{[^}]*\}/)
    if (parts.join('…') === name) return true
    if (parts.length === 1 || parts.join('').length < 3) return false
    const filled = new RegExp(`^${parts.map(escaped).join('(.+)')}$`).exec(name)
    return filled?.slice(1).every((value) => everything.includes(value)) ?? false
  })
}

test('every test that a page names is there', () => {
  let count = 0
  for (const page of PAGES)
    for (const [, name = '', target = ''] of read(page).matchAll(
      /\[([^\]\n]+)\]\(([^)\s]+\.ts)\)/g,
    )) {
      const file = join(dirname(page), target)
      // A file may be named as a whole, by its place.
      if (!file.endsWith('.test.ts') || file === `test/${name}.test.ts`) continue
      assert.ok(named(file, name), `${page}: no test of ${file} is called: ${name}`)
      count += 1
    }
  assert.ok(count >= 150, `${count} tests`)
})

test('a name that no test has is found out', () => {
  assert.equal(named('test/tidy/docs-tests.test.ts', 'a name that no test has is found out'), true)
  assert.equal(named('test/tidy/docs-tests.test.ts', 'a name that no test has'), false)
  assert.equal(named('test/sim/lease.test.ts', 'the bound holds with no such witnesses'), false)
  assert.equal(named('test/sim/lease.test.ts', 'the bound holds with …'), true)
})

test('every promise has its tests, and is linked from where it is made', () => {
  const [, ...promises] = read(PROMISES).split(/^### /m)
  const others = PAGES.filter((page) => page !== PROMISES)
    .map(read)
    .join('\n')
  for (const promise of promises) {
    const [heading = ''] = promise.split('\n')
    const anchor = heading.toLowerCase().replaceAll(' ', '-')
    assert.match(promise, /^- \[/m, `${heading}: no test`)
    assert.ok(others.includes(`promises.md#${anchor})`), `nothing links to ${heading}`)
  }
  assert.ok(promises.length >= 40, `${promises.length} promises`)
  const headings = promises.map((promise) => promise.split('\n')[0])
  assert.equal(new Set(headings).size, headings.length, 'a link leads to one promise')
})

test('every page says where what it promises is tested', () => {
  for (const page of PAGES.filter((file) => file !== PROMISES && !WITHOUT.includes(file)))
    assert.match(read(page), /promises\.md#|\.test\.ts\)/, page)
})

/** Sections that promise nothing of the program, though they say more than one paragraph; each with its reason. */
const SILENT: Readonly<Record<string, string>> = {
  'SECURITY.md#Report it in private': 'what people do',
  'SECURITY.md#What you may expect': 'what people do',
  'SECURITY.md#Supported versions': 'what people do',
  'docs/design.md#Nouns': 'words',
  'docs/design.md#Not built yet': 'what is not there',
  'docs/guides/joining-a-second-host.md#Joining a second host': 'what is needed',
  'docs/guides/operating.md#Something broke': 'leads to the sections below',
  'docs/threat-model.md#Threat model': 'leads to the sections below',
}
/** These hold the links themselves. */
const HOLDERS = [PROMISES, 'docs/reliability.md']

/** What stands below each heading, up to the next one of any level; without blocks of code. */
function sectionsOf(page: string): readonly (readonly [heading: string, text: string])[] {
  const prose = read(page).replaceAll(/^```[\s\S]*?^```/gm, '')
  const [, ...parts] = prose.split(/^#+ /m)
  return parts.map((part) => {
    const [heading = '', ...lines] = part.split('\n')
    return [
      heading,
      lines
        .join('\n')
        .replaceAll(/<!--.*?-->/g, '')
        .trim(),
    ]
  })
}

/** One paragraph below the title, or above sections of its own, says what a page or a part of it is about. */
const introduces = (text: string, first: boolean, parent: boolean) =>
  text === '' || ((first || parent) && !text.includes('\n\n'))

test('every section that promises something leads to what would notice', () => {
  const leads = /\]\([^)\s]*(?:(?:promises|threat-model)\.md#|reliability\.md[#)]|\.test\.ts\))/
  const silent = new Set<string>()
  let count = 0
  for (const page of PAGES.filter((file) => ![...HOLDERS, ...WITHOUT].includes(file))) {
    const depths = [
      ...read(page)
        .replaceAll(/^```[\s\S]*?^```/gm, '')
        .matchAll(/^#+(?= )/gm),
    ]
    for (const [at, [heading, text]] of sectionsOf(page).entries()) {
      const parent = (depths[at + 1]?.[0].length ?? 0) > (depths[at]?.[0].length ?? 0)
      count += 1
      if (leads.test(text) || introduces(text, at === 0, parent)) continue
      const name = `${page}#${heading}`
      assert.ok(name in SILENT, `${name}: no link to a test, and not said to promise nothing`)
      silent.add(name)
    }
  }
  assert.deepEqual([...silent].sort(), Object.keys(SILENT).sort(), 'none is said in vain')
  assert.ok(count >= 150, `${count} sections`)
})
