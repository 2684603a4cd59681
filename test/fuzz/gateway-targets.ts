/** What gateways, hooks and callers on other hosts ask, and what the client makes of an answer. */
import { readBatch } from '../../src/api/authzen.ts'
import { readQuestion } from '../../src/api/authzen-search.ts'
import { readClaudeCode, readToolUse } from '../../src/api/gateway-hook.ts'
import { readAccessReview, readAdmissionReview } from '../../src/api/gateway-kubernetes.ts'
import { readInput } from '../../src/api/gateway-opa.ts'
import { checkRequest } from '../../src/api/tls-door.ts'
import { decisionOf, objectOf } from '../../src/client/decision.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { parseHost, parsePath, parseQuery, readHttpRequest } from '../../src/core/http-target.ts'
import { formatJson, type Json } from '../../src/core/json.ts'
import { RemoteCallers } from '../../src/daemon/remote-callers.ts'
import { jsonTarget, type Target, target, textTarget } from './target.ts'

const TOOL: Json = { tool_name: 'Bash', tool_input: { command: 'ls', n: 1 }, cwd: '/srv' }
const ACCESS: Json = {
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SubjectAccessReview',
  spec: {
    user: 'alice',
    groups: ['system:authenticated'],
    resourceAttributes: { namespace: 'shop', verb: 'get', resource: 'pods', name: 'web' },
  },
}
const ADMISSION: Json = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    ...{ uid: 'u-1', operation: 'CREATE', namespace: 'shop', name: 'web', object: { a: 1 } },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    userInfo: { username: 'alice', groups: [] },
  },
}
const EVALUATION: Json = {
  subject: { type: 'user', id: 'alice' },
  action: { name: 'tool:read', properties: { method: 'GET' } },
  resource: { type: 'repo', id: 'acme/docs' },
  context: { ip: '::1' },
}
const HOSTS = new Set(['pdp.example', '[::1]'])
const TOKEN = '0123456789abcdef0123456789abcdef'
const remote = new RemoteCallers({
  names: { rules: [], keys: [], nameFor: () => null, principalOf: () => null },
  listed: () => [
    { kind: 'token', digest: `sha256:${'0a'.repeat(32)}`, principal: 'edge', asserts: [] },
  ],
  listen: '127.0.0.1:8443',
})
const DECISION = `sha256:${'0a'.repeat(32)}`
const ANSWERS: readonly Json[] = [
  { decision: true, id: DECISION, code: null, leaseRemainingMs: 10_000 },
  { decision: false, id: DECISION, code: 'FROZEN', detail: 'by ana' },
  { decision: false, id: null, code: 'OVERLOADED' },
]
const MORE = 'what is not judged may say anything'

export const GATEWAY_TARGETS: readonly Target[] = [
  textTarget({
    ...{ name: 'http-path', runs: ['core/http-target.ts parsePath'], parse: parsePath },
    ...{ print: (path: string) => path, corpus: ['/', '/docs/a%20b.html', '/%C3%A9/', '/a/b/c'] },
  }),
  textTarget({
    ...{ name: 'http-host', runs: ['core/http-target.ts parseHost'], parse: parseHost },
    ...{ spellings: 'capitals', corpus: ['app.example', 'APP.example:8443', '[::1]:80'] },
  }),
  textTarget({
    ...{ name: 'http-query', runs: ['core/http-target.ts parseQuery'], parse: parseQuery },
    ...{ spellings: 'escapes', corpus: ['', 'a=1&b=x+y&b=%26', 'flag'] },
  }),
  textTarget({
    ...{ name: 'http-request', runs: ['core/http-target.ts readHttpRequest'] },
    parse: (target) => readHttpRequest({ method: 'GET', host: 'h', target }),
    ...{ spellings: 'escapes', corpus: ['/', '/docs/a?page=2'] },
  }),
  jsonTarget({
    ...{ name: 'hook-claude-code', runs: ['api/gateway-hook.ts readClaudeCode'], spellings: MORE },
    parse: (json) => readClaudeCode(json),
    corpus: [{ ...TOOL, hook_event_name: 'PreToolUse' }],
  }),
  jsonTarget({
    ...{ name: 'hook-generic', runs: ['api/gateway-hook.ts readToolUse'], spellings: MORE },
    ...{ parse: (json) => readToolUse(json), corpus: [TOOL] },
  }),
  jsonTarget({
    ...{ name: 'access-review', runs: ['api/gateway-kubernetes.ts readAccessReview'] },
    ...{ parse: readAccessReview, spellings: MORE, corpus: [ACCESS] },
  }),
  jsonTarget({
    ...{ name: 'admission-review', runs: ['api/gateway-kubernetes.ts readAdmissionReview'] },
    ...{ parse: readAdmissionReview, spellings: MORE, corpus: [ADMISSION] },
  }),
  jsonTarget({
    ...{ name: 'opa-input', runs: ['api/gateway-opa.ts readInput'], spellings: MORE },
    parse: (json) => readInput(json, { cause: null, traceparent: null }),
    corpus: [{ input: EVALUATION }],
  }),
  jsonTarget({
    ...{ name: 'evaluations', runs: ['api/authzen.ts readBatch'], parse: readBatch },
    spellings: MORE,
    corpus: [
      {
        ...EVALUATION,
        evaluations: [{ action: { name: 'a:b' } }, {}],
        options: { evaluations_semantic: 'deny_on_first_deny' },
      },
    ],
  }),
  ...(['subject', 'resource', 'action'] as const).map((kind) =>
    jsonTarget({
      ...{ name: `search-${kind}`, runs: ['api/authzen-search.ts readQuestion'], spellings: MORE },
      parse: (json) => readQuestion(json, kind),
      corpus: [{ ...EVALUATION, page: { limit: 5, token: `0.${'0a'.repeat(16)}` } }],
    }),
  ),
  textTarget({
    ...{ name: 'host-header', runs: ['api/tls-door.ts checkRequest'], spellings: 'capitals' },
    parse: (text) => {
      checkRequest({ headers: {}, headersDistinct: { host: [text] } }, HOSTS)
      return text.toLowerCase()
    },
    corpus: ['pdp.example:8443', 'PDP.example', '[::1]:80'],
  }),
  textTarget({
    ...{ name: 'bearer', runs: [], spellings: 'a caller, or nobody' },
    parse: (text) => ({ caller: remote.byToken(text) }),
    corpus: [`Bearer ${TOKEN}`, `bearer ${TOKEN}`],
  }),
  target({
    ...{ name: 'client-answer', runs: ['client/decision.ts decisionOf'] },
    parse: (bytes) => decisionOf(objectOf(bytes), performance.now()),
    spellings: 'fields that nobody reads, white space, escapes',
    corpus: ANSWERS.map((each) => utf8(formatJson(each))),
  }),
]
