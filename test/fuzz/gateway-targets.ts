/** What gateways and hooks ask: request lines, events of agents, reviews of Kubernetes. */
import { readClaudeCode, readToolUse } from '../../src/api/gateway-hook.ts'
import { readAccessReview, readAdmissionReview } from '../../src/api/gateway-kubernetes.ts'
import { parseHost, parsePath, parseQuery, readHttpRequest } from '../../src/core/http-target.ts'
import type { Json } from '../../src/core/json.ts'
import { jsonTarget, type Target, textTarget } from './target.ts'

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
]
