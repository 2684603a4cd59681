/**
 * What `meshd gateway show` prints: every snippet is read by the parser of its
 * format, and holds the words without which it would let things pass. nginx
 * runs in test/long/nginx.test.ts.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { registerHooks } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { TABLE } from '../../src/cli/main.ts'
import { run } from '../../src/cli/run.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-snippets-'))
after(() => rmSync(dir, { recursive: true }))

async function typed(...words: readonly string[]): Promise<{ status: number; text: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const env = { MESHD_API_DIR: '/run/meshd', LANG: 'C.UTF-8' }
  const status = await run(words, { stdin: stdin as never, stdout, stderr, env }, TABLE)
  for (const stream of [stdout, stderr]) stream.end()
  return { status, text: `${await textOf(stdout)}${await textOf(stderr)}` }
}

async function shown(name: string, ...words: readonly string[]): Promise<string> {
  const { status, text } = await typed('gateway', 'show', name, ...words)
  assert.equal(status, 0, text)
  return text
}

// biome-ignore lint/suspicious/noExplicitAny: another product's configuration, as its parser gives it
async function yaml(name: string): Promise<any[]> {
  return parseAllDocuments(await shown(name)).map((document) => {
    assert.deepEqual([document.errors, document.warnings], [[], []])
    return document.toJS()
  })
}

test('every snippet is listed, and every file is a snippet; nothing is left to fill in', async () => {
  const { text } = await typed('gateway', 'list', '-o', 'id')
  const names = text.trim().split('\n')
  const { text: table } = await typed('gateway', 'list', '--json')
  for (const file of globSync('config/gateways/*')) assert.ok(table.includes(basename(file)), file)
  assert.equal(names.length, globSync('config/gateways/*').length)
  for (const name of names) assert.doesNotMatch(await shown(name), /\{\{[a-z]+\}\}/, name)
})

test('what is filled in cannot end a directive, and an unknown name is none', async () => {
  const wrong = ['a;b', 'a b', 'a\nb', '$x', 'a"', "a'", '{', '']
  for (const host of wrong) {
    const { status, text } = await typed('gateway', 'show', 'nginx', `--host=${host}`)
    assert.deepEqual([status, text.includes('[USAGE]')], [64, true], JSON.stringify(host))
  }
  const unknown = await typed('gateway', 'show', 'ngnix')
  assert.match(unknown.text, /no gateway `ngnix`; did you mean `nginx`\?/)
})

test('envoy: what fails is denied, the path is behind ours, and the daemon is asked over its socket', async () => {
  const [config] = await yaml('envoy')
  const [{ typed_config: filter }] = config.http_filters
  assert.equal(filter.failure_mode_allow, false)
  assert.equal(filter.http_service.path_prefix, '/v1/gateway/envoy')
  const [{ lb_endpoints: endpoints }] = config.clusters[0].load_assignment.endpoints
  assert.equal(endpoints[0].endpoint.address.pipe.path, '/run/meshd/meshd.sock')
})

test('traefik: a client’s own headers are not trusted', async () => {
  const [{ http }] = await yaml('traefik')
  assert.equal(http.middlewares.meshd.forwardAuth.trustForwardHeader, false)
  assert.deepEqual(http.routers.app.middlewares, ['meshd'])
})

test('caddy: every request is asked about, over the socket', async () => {
  const text = await shown('caddy')
  assert.match(
    text,
    /^app\.example \{\n\tforward_auth unix\/\/run\/meshd\/meshd\.sock \{\n\t\turi \/v1\/gateway\/caddy\n/m,
  )
  assert.doesNotMatch(text.replaceAll(/^#.*$/gm, ''), /trusted_proxies/)
})

test('kubernetes: what fails is denied, and no answer is kept', async () => {
  const [authorization, kubeconfig, admission] = await yaml('kubernetes')
  const { webhook } = authorization.authorizers.at(-1)
  assert.equal(webhook.failurePolicy, 'Deny')
  assert.equal(webhook.cacheAuthorizedRequests, false)
  assert.match(
    kubeconfig.clusters[0].cluster.server,
    /^https:.*\/v1\/gateway\/kubernetes\/authorize$/,
  )
  const [hook] = admission.webhooks
  assert.equal(hook.failurePolicy, 'Fail')
  assert.match(hook.clientConfig.url, /\/v1\/gateway\/kubernetes\/admit$/)
})

test('claude code: every tool is asked about, and a hook that fails blocks', async () => {
  const settings = JSON.parse(await shown('claude-code'))
  const [{ matcher, hooks }] = settings.hooks.PreToolUse
  assert.equal(matcher, '*')
  assert.deepEqual([hooks[0].onFailure, hooks[0].type], ['block', 'command'])
  assert.match(hooks[0].command, /^meshd hook claude-code \|\| exit 2$/)
})

test('mcp: the server is behind meshd', async () => {
  const { mcpServers } = JSON.parse(await shown('mcp'))
  assert.deepEqual(
    [mcpServers.files.command, mcpServers.files.args.slice(0, 2)],
    ['meshd', ['mcp', '--']],
  )
})

test('CI: the deployment is what meshd runs, and what fails is not passed over', async () => {
  const [github] = await yaml('github-actions')
  const [gitlab] = await yaml('gitlab-ci')
  const step = github.jobs.deploy.steps.at(-1)
  assert.equal(step['continue-on-error'], undefined)
  assert.equal(gitlab.deploy.allow_failure, false)
  for (const script of [step.run, gitlab.deploy.script.join('\n')])
    assert.match(
      script,
      /^meshd exec --action job:deploy --resource env:staging [^|]* -- \.\/deploy\.sh$/,
    )
})

/** What a daemon, or what stands in its place, answers to the question about a tool of that name. */
const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  allowed: (response) =>
    response.end(JSON.stringify({ decision: true, id: ID, code: null, leaseRemainingMs: 60_000 })),
  denied: (response) =>
    response.end(JSON.stringify({ decision: false, id: ID, code: 'REVOKED', detail: 'gone' })),
  garbage: (response) => response.end('<html>'),
  missing: (response) => response.end('{}'),
  error: (response) => response.writeHead(500).end('{"decision":true}'),
  gone: (response) => response.destroy(),
}
interface Asked {
  readonly resource: { readonly id: string }
}

const OPA_ANSWERS: typeof ANSWERS = {
  allowed: (response) => response.end(`{"result":true,"decision_id":"${ID}"}\n`),
  denied: (response) => response.end(`{"result":false,"decision_id":"${ID}"}\n`),
  text: (response) => response.end('{"result":"true"}'),
  undefined: (response) => response.end('{}'),
  longer: (response) => response.end('{"result":trueish}'),
  error: (response) => response.writeHead(500).end('{"result":true}'),
  gone: (response) => response.destroy(),
}
const ID = `sha256:${'0a'.repeat(32)}`
const socket = join(dir, 'meshd.sock')
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString()))
  request.on('end', () => {
    if (request.method === 'GET' || request.url?.endsWith('/outcome') === true)
      return response.end(JSON.stringify({ id: ID, state: 'running', leaseRemainingMs: 60_000 }))
    const { input, resource } = JSON.parse(body) as { input?: Asked; resource?: Asked['resource'] }
    if (input !== undefined) return OPA_ANSWERS[input.resource.id]?.(response)
    return ANSWERS[resource?.id ?? '']?.(response)
  })
})
before(() => new Promise<void>((done) => server.listen(socket, done)))
after(() => {
  server.closeAllConnections()
  return new Promise((done) => server.close(done))
})

/** A recipe as it is printed, with the SDK that it is for played by a few lines of this test. */
async function recipe(name: string, sdk = ''): Promise<Record<string, unknown>> {
  const file = join(dir, `${name}.mjs`)
  writeFileSync(file, await shown(name, '--socket', socket))
  const played: Readonly<Record<string, string>> = {
    'meshd/client': pathToFileURL('src/client/index.ts').href,
    '@openai/agents': `data:text/javascript,${encodeURIComponent(sdk)}`,
  }
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(played[specifier] ?? specifier, context),
  })
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } finally {
    hooks.deregister()
  }
}

/** As @openai/agents-core 0.5 has it; there a missing behavior is an allow. */
const OPENAI = `
export const defineToolInputGuardrail = ({ name, run }) => ({ type: 'tool_input', name, run })
export const ToolGuardrailFunctionOutputFactory = {
  allow: (outputInfo) => ({ behavior: { type: 'allow' }, outputInfo }),
  rejectContent: (message) => ({ behavior: { type: 'rejectContent', message } }),
}`

test('the guardrail for OpenAI Agents rejects whatever is no allow', async () => {
  const { meshd } = (await recipe('openai-agents', OPENAI)) as {
    meshd: { run(data: object): Promise<{ behavior?: { type: string; message?: string } }> }
  }
  const ask = async (name: string, text = '{}') =>
    (await meshd.run({ toolCall: { name, arguments: text } })).behavior
  assert.deepEqual(await ask('allowed'), { type: 'allow' })
  assert.match((await ask('denied'))?.message ?? '', /denied by meshd: REVOKED: gone/)
  for (const name of Object.keys(ANSWERS).filter((each) => each !== 'allowed'))
    assert.equal((await ask(name))?.type, 'rejectContent', name)
  assert.equal((await ask('allowed', '{'))?.type, 'rejectContent')
})

test('a tool of the AI SDK runs only with an allow, and says so otherwise', async () => {
  const { guarded } = (await recipe('ai-sdk')) as {
    guarded(name: string, run: (input: object) => unknown): (input: object) => Promise<unknown>
  }
  for (const name of Object.keys(ANSWERS)) {
    let ran = 0
    const said = await guarded(name, () => (ran += 1))({ path: '/tmp' })
    assert.equal(ran, name === 'allowed' ? 1 : 0, name)
    if (name !== 'allowed') assert.match(String(said), /^denied by meshd: [A-Z_]+: /, name)
  }
})

test('what speaks to OPA takes the value true alone', { skip: !hasCurl() }, async () => {
  const file = join(dir, 'opa.sh')
  writeFileSync(file, await shown('opa', '--socket', socket))
  const asked = (name: string) =>
    new Promise<number | null>((done) => {
      const input = { action: { name: 'job:deploy' }, resource: { type: 'env', id: name } }
      const child = spawn('sh', [file, JSON.stringify({ input })], { stdio: 'ignore' })
      child.on('exit', (status) => done(status))
    })
  for (const name of Object.keys(OPA_ANSWERS))
    assert.equal((await asked(name)) === 0, name === 'allowed', name)
  writeFileSync(file, await shown('opa', '--socket', join(dir, 'nobody.sock')))
  assert.notEqual(await asked('allowed'), 0)
})

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false // then the test is skipped, and says so
  }
}

test('no snippet holds a switch that lets things pass when meshd is away', () => {
  const open =
    /failure_mode_allow: true|trustForwardHeader: true|failurePolicy: (?:Ignore|NoOpinion)|continue-on-error: true|allow_failure: true|\|\| true/
  for (const file of globSync('config/gateways/*')) {
    const text = readFileSync(file, 'utf8').replaceAll(/^\s*#.*$/gm, '')
    assert.doesNotMatch(text, open, file)
  }
})
