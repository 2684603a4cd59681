/**
 * The table of endpoints in docs/api.md, from the routes that the daemon
 * serves. Every route must be described here, and nothing else may be.
 */
import { artifactRoutes } from '../../src/api/artifacts.ts'
import { authzenRoutes } from '../../src/api/authzen.ts'
import { authzenSearchRoutes } from '../../src/api/authzen-search.ts'
import { callerRoutes } from '../../src/api/callers.ts'
import { decisionRoutes } from '../../src/api/decisions.ts'
import { doctorRoutes } from '../../src/api/doctor.ts'
import { eventRoutes } from '../../src/api/events.ts'
import { executionRoutes } from '../../src/api/executions.ts'
import { gatewayRoutes } from '../../src/api/gateway.ts'
import { governanceRoutes } from '../../src/api/governance.ts'
import { healthRoutes } from '../../src/api/health.ts'
import { inviteRoutes } from '../../src/api/invites.ts'
import { lineageRoutes } from '../../src/api/lineage.ts'
import { meshExecutionRoutes } from '../../src/api/mesh-executions.ts'
import { meshFileRoutes } from '../../src/api/mesh-file.ts'
import { meshRecordRoutes } from '../../src/api/mesh-records.ts'
import { metricsRoutes } from '../../src/api/metrics.ts'
import { operateRoutes } from '../../src/api/operate.ts'
import { peerRoutes } from '../../src/api/peers.ts'
import { policyRoutes } from '../../src/api/policies.ts'
import { pruneRoutes } from '../../src/api/prune.ts'
import { receiptRoutes } from '../../src/api/receipts.ts'
import { recordRoutes } from '../../src/api/records.ts'
import { redactRoutes } from '../../src/api/redact.ts'
import type { Route, SocketRole } from '../../src/api/router.ts'
import { statementRoutes } from '../../src/api/statements.ts'
import { statusRoutes } from '../../src/api/status.ts'
import { tileRoutes } from '../../src/api/tiles.ts'
import { toolRoutes } from '../../src/api/tools.ts'
import { walletRoutes } from '../../src/api/wallet.ts'
import { walletRequestRoutes } from '../../src/api/wallet-requests.ts'
import { row } from './reasons.ts'

/** Stands for every service: routes are only listed here, and none is called. */
const nothing: object = new Proxy(() => nothing, { get: () => nothing, apply: () => nothing })
const unused = nothing as never

const SEARCHED = '`{results: […], page, context}`: what would be allowed, and no authorization'

/** Body or query, and what is answered. */
const SAYS: Readonly<Record<string, readonly [asks: string, answers: string]>> = {
  'POST /access/v1/evaluation': ['an AuthZEN evaluation', '`{decision, context}`'],
  'POST /access/v1/evaluations': ['an AuthZEN batch', '`{evaluations: […]}`'],
  'POST /access/v1/search/subject': ['an evaluation without its subject’s id', SEARCHED],
  'POST /access/v1/search/resource': ['an evaluation without its resource’s id', SEARCHED],
  'POST /access/v1/search/action': ['an evaluation without its action', SEARCHED],
  'GET /.well-known/authzen-configuration': ['-', 'only with `api.public_url`'],
  'ANY /v1/gateway/nginx': ['the headers that auth_request sends', '200, or 403 with Meshd-Reason'],
  'ANY /v1/gateway/traefik': ['the headers of forwardAuth', '200, or 403 with Meshd-Reason'],
  'ANY /v1/gateway/caddy': ['the headers of forward_auth', '200, or 403 with Meshd-Reason'],
  'ANY /v1/gateway/envoy/{target*}': [
    'the request itself, behind this path',
    '200, or 403 with Meshd-Reason',
  ],
  'POST /v1/gateway/claude-code': ['a PreToolUse event; `?approve=true`', '`{hookSpecificOutput}`'],
  'POST /v1/gateway/generic': [
    '`{tool_name, tool_input}`',
    '`{decision, id, code, reason}`: allow or deny',
  ],
  'POST /v1/gateway/kubernetes/authorize': [
    'a SubjectAccessReview',
    'allowed, or denied and not allowed',
  ],
  'POST /v1/gateway/kubernetes/admit': ['an AdmissionReview', 'an AdmissionReview'],
  'POST /v1/data/meshd/allow': ['`{input}`, a request', '`{result}`: true or false'],
  'POST /v1/executions': ['a request', 'DecisionView; an allow opens an execution'],
  'GET /v1/executions': ['-', 'ExecutionList: the caller’s own; on `read` and `admin` all'],
  'POST /v1/executions/{id}/process': ['`{pid, command}`, to be shown', '`{id}`'],
  'GET /v1/mesh/executions': ['-', 'MeshExecutionList, and who did not answer'],
  'GET /v1/executions/{id}': ['-', 'ExecutionView'],
  'GET /v1/executions/{id}/watch': [
    '`?ms=` up to 10000',
    'ExecutionView, at a change or after that time',
  ],
  'POST /v1/executions/{id}/outcome': ['`{kind, status}`', '`{id}` of the outcome record'],
  'POST /v1/decisions': ['a request', 'DecisionView; a deny is 200'],
  'POST /v1/explain': ['a request', 'DecisionView; nothing is recorded or used up'],
  'GET /v1/decisions/{id}': ['an id or `last`', 'View of a Record'],
  'POST /v1/wallet/requests': [
    '`{to, actions, resource, ttlMs, message}`',
    'DelegationRequest: waits for that caller',
  ],
  'GET /v1/wallet/requests': ['-', 'DelegationRequestList: what the caller asked, and is asked'],
  'POST /v1/wallet/requests/{id}/grant': [
    '`{artifact, ttlMs}`, each or null',
    'DelegationRequest; the delegation is held for who asked',
  ],
  'POST /v1/wallet/requests/{id}/decline': ['-', 'DelegationRequest'],
  'DELETE /v1/wallet/requests/{id}': ['-', '`{id}`, taken back by who asked'],
  'GET /v1/wallet': ['`?for=` a caller (admin)', 'HeldArtifactList'],
  'PUT /v1/wallet': ['`{artifact}`', '`{caller, cid}`'],
  'DELETE /v1/wallet/{cid}': ['`?for=` a caller (admin)', '`{caller, cid}`'],
  'GET /v1/callers': ['-', 'CallerList'],
  'POST /v1/callers': ['`{name, caller}`', '201, CallerView'],
  'POST /v1/artifacts/record': ['`{artifact, event}`', '201, `{id}` of the record'],
  'POST /v1/artifacts/delegate': [
    '`{artifact, to, grant, expiresMs}`',
    "201, `{artifact, id}`, signed with the caller's key",
  ],
  'POST /v1/tools/changed': [
    '`{server, tools: [{tool, before, after}]}`',
    '`{ids}`: a record each',
  ],
  'POST /v1/artifacts/verify': ['`{artifact}`', '`{valid, code, detail, revocations}`'],
  'GET /v1/status': ['-', 'View of Status'],
  'GET /v1/peers': ['-', 'PeerList; the first is this node'],
  'GET /v1/peers/{node}': ['a name or a did', 'View of a Peer'],
  'POST /v1/peers': ['`{target, mesh}`', '`{result, …}`: admitted, pending or unconfirmed'],
  'DELETE /v1/peers/{node}': ['-', '`{did}`: its addresses are forgotten'],
  'GET /v1/invites': ['-', 'InviteList, without lines'],
  'POST /v1/invites': ['`{name, ttlMs, labels}`', '201, InviteView with its line, once'],
  'DELETE /v1/invites/{id}': ['-', '`{id}`'],
  'GET /v1/governance': ['-', 'View of Governance'],
  'GET /v1/root': ['-', 'View of Root'],
  'GET /v1/statements': ['`?type=` `&state=`', 'StatementList'],
  'GET /v1/statements/{id}': ['-', 'View of a Statement'],
  'POST /v1/statements': ['an envelope, canonical', 'View of a Statement; idempotent'],
  'GET /v1/spread': ['`?id=` `&wait=` none, committed, all `&ms=`', 'SpreadView'],
  'GET /v1/drift': ['-', 'DriftList'],
  'GET /v1/records': [
    '`?` filters: `type= outcome= observed=differs code= principal= action= resource= artifact= execution= trace= since= until=`; `before=` an index `&limit=`',
    'RecordList, newest first, with `next` and `stopped`',
  ],
  'GET /v1/records/tail': [
    '`?after=` an index `&ms=`, and filters',
    'RecordList, oldest first, with `next`; long poll',
  ],
  'GET /v1/records/stats': [
    '`?by=` a list of code, principal, action, resource, type, outcome, and filters',
    'View of RecordStats',
  ],
  'GET /v1/records/{id}': ['-', 'View of a Record'],
  'GET /v1/records/{id}/receipt': ['`?ms=` to wait', 'View of a Receipt: C2SP tlog-proof'],
  'GET /v1/log/checkpoint.witnessed': ['-', 'the newest that a quorum cosigned, text/plain'],
  'GET /v1/trust': ['-', 'View of the file for `meshd verify --trust`'],
  'GET /v1/log/exhibits': [
    '`?first=` an index',
    'ExhibitList: what up to 256 decisions were asked with, in base64',
  ],
  'GET /v1/log/tile/{place+}': ['-', 'a tile or entry bundle, as C2SP tlog-tiles has it'],
  'GET /v1/lineage/{id}': [
    '`?direction=` up, down `&ms=`',
    'View of a Lineage: each hop verified for this answer',
  ],
  'GET /v1/log/verify': [
    '`peers=true`',
    'View of LogVerify: every record re-hashed, and with `peers` what others hold of it',
  ],
  'GET /v1/log/checkpoint': ['-', 'the signed note, text/plain'],
  'GET /v1/mesh/records': [
    '`?` filters, `limit=` up to 256',
    'MeshRecordList: of every node that lets us look, each proven; and `nodes`, who did not',
  ],
  'GET /v1/mesh/export': ['-', 'all statements and heads in one file, text/plain'],
  'POST /v1/mesh/import': [
    '`{mesh, statements, heads}`, a part of such a file',
    'MeshImportView: of each whether it is new, known, held or refused',
  ],
  'POST /v1/log/prune': [
    '`{before, to}`; without `to` only a plan',
    'View of Prune: which records would go, or went',
  ],
  'POST /v1/log/redact': [
    '`{record, principal, before, fields, message}`; without `message` only a count',
    'View of Redaction: how many records and values would be given up, or were',
  ],
  'GET /v1/events': [
    '`?types=` a list, `filter=` a kind and a value, `after=` an event; `Last-Event-ID`',
    'text/event-stream, without an end; on `meshd` what is the caller’s own',
  ],
  'POST /v1/policies/check': ['a bundle', 'PolicyCheckView'],
  'GET /v1/doctor': ['`?with=` a node', 'View of Doctor'],
  'POST /v1/isolation': ['`{isolated}`', '`{isolated}`'],
  'POST /v1/config/reload': ['-', 'ReloadView'],
  'GET /livez': ['-', '`{live}`'],
  'GET /readyz': ['`?verbose`', '200 or 503, `{ready, reasons}`'],
  'GET /metrics': ['-', 'Prometheus text'],
}

export function routes(): readonly Route[] {
  return [
    ...authzenRoutes(unused, 'https://pdp.example'),
    ...authzenSearchRoutes(unused),
    ...gatewayRoutes(unused),
    ...executionRoutes(unused),
    ...decisionRoutes(unused),
    ...walletRoutes(unused),
    ...walletRequestRoutes(unused),
    ...callerRoutes(unused),
    ...artifactRoutes(unused),
    ...toolRoutes(unused),
    ...eventRoutes(unused),
    ...statusRoutes(unused),
    ...peerRoutes(unused),
    ...inviteRoutes(unused),
    ...governanceRoutes(unused),
    ...statementRoutes(unused),
    ...recordRoutes(unused),
    ...receiptRoutes(unused),
    ...tileRoutes(unused),
    ...meshFileRoutes(unused),
    ...meshRecordRoutes(unused),
    ...meshExecutionRoutes(unused),
    ...pruneRoutes(unused),
    ...redactRoutes(unused),
    ...lineageRoutes(unused),
    ...policyRoutes(unused),
    ...doctorRoutes(unused),
    ...operateRoutes(unused),
    ...healthRoutes(unused),
    ...metricsRoutes(unused),
  ]
}

const FILES: Readonly<Record<SocketRole, string>> = {
  decide: '`meshd`',
  read: '`read`',
  admin: '`admin`',
  tcp: '`tcp`',
}

function table(): string {
  const served = routes().map(({ method, path, roles }) => {
    const says = SAYS[`${method} ${path}`]
    if (says === undefined) throw new Error(`${method} ${path} is not described in docs/api.ts`)
    return row(`${method} ${path}`, roles.map((role) => FILES[role]).join(' '), ...says)
  })
  if (served.length < Object.keys(SAYS).length)
    throw new Error('scripts/docs/api.ts describes a route that is not served')
  return ['| endpoint | sockets | asks | answers |', '|---|---|---|---|', ...served].join('\n')
}

/** The page with the table between its marks. */
export function withRoutes(page: string): string {
  return page.replace(
    /<!-- routes -->[\s\S]*<!-- end of routes -->/,
    () => `<!-- routes -->\n${table()}\n<!-- end of routes -->`,
  )
}
