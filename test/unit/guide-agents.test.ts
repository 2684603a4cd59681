/** The Python of docs/guides/agents.md, as it stands: an allow is the value true in a good answer, and nothing else. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'

const directory = mkdtempSync(join(tmpdir(), 'meshd-agents-'))
after(() => rmSync(directory, { recursive: true }))
const socket = join(directory, 'meshd.sock')

const page = readFileSync('docs/guides/agents.md', 'utf8')
const [, block = ''] = /```python\n([\s\S]*?)```/.exec(page) ?? []

/** What is asked for → how it is answered. */
const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  allowed: (response) => response.end('{"decision":true}'),
  denied: (response) => response.end('{"decision":false}'),
  text: (response) => response.end('{"decision":"true"}'),
  number: (response) => response.end('{"decision":1}'),
  missing: (response) => response.end('{}'),
  error: (response) => response.writeHead(503).end('{"decision":true}'),
  garbage: (response) => response.end('<html>'),
  cut: (response) => {
    response.writeHead(200, { 'content-length': 99 })
    response.write('{"decision":true}', () => response.destroy())
  },
  gone: (response) => response.destroy(),
}

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false // then the test is skipped, and says so
  }
}

test('an agent acts on the value true alone', { skip: !hasPython() }, async () => {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const { resource } = JSON.parse(body) as { resource: { id: string } }
      ANSWERS[resource.id]?.(response)
    })
  })
  await new Promise<void>((done) => server.listen(socket, done))
  try {
    const names = JSON.stringify(Object.keys(ANSWERS))
    const calls = `print([name for name in ${names} if allowed("job:deploy", "env", name)])`
    const file = join(directory, 'agent.py')
    writeFileSync(file, `${block.replace('/run/meshd/meshd.sock', socket)}\n${calls}\n`)
    const { stdout } = await promisify(execFile)('python3', [file])
    assert.equal(stdout.trim(), "['allowed']")
  } finally {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
})

test('an agent without a daemon is denied', { skip: !hasPython() }, () => {
  const file = join(directory, 'alone.py')
  const nowhere = block.replace('/run/meshd/meshd.sock', join(directory, 'nobody.sock'))
  writeFileSync(file, `${nowhere}\nprint(allowed("job:deploy", "env", "staging"))\n`)
  assert.equal(execFileSync('python3', [file]).toString().trim(), 'False')
})
