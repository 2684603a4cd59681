/**
 * Webhooks of a Kubernetes API server (authorization.k8s.io/v1, admission.k8s.io/v1).
 *
 *     SubjectAccessReview   {"status":{"allowed":false,"denied":true,"reason":…}}
 *     AdmissionReview       {"response":{"uid":…,"allowed":false,"status":{"code":403,"message":…}}}
 *
 * To an API server `allowed: false` alone means "no opinion", and the next
 * authorizer is asked: a denial always says `denied: true` with it. A review
 * that cannot be read is answered the same way.
 *
 *     get pods/log web in ns shop   →   k8s:get, k8s:shop/pods:log/web          of the core group, in a namespace
 *     list deployments.apps         →   k8s:list, k8s:-/deployments.apps        of the whole cluster
 *     get /healthz                  →   k8s:get, k8s_path:/healthz
 *
 * Who asks the API server is the subject, `user:<name>`: the API server's rule
 * in `api.callers` must let it assert that.
 */
import type { DecisionView } from '../client/types.ts'
import { objectOf } from '../core/ipld.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { SUBMIT_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { type Request, readRequest } from '../core/request.ts'
import { isList, isMap } from '../core/selector.ts'
import { readJson } from './bodies.ts'
import type { Deciding } from './deciding.ts'
import { type Ask, json, REMOTE, type Reply, type Route } from './router.ts'

const ACCESS = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' } as const
const ADMISSION = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' } as const

export function kubernetesRoutes(deciding: Deciding): readonly Route[] {
  const decide = (ask: Ask, read: (body: Json) => Request) =>
    deciding.decide(ask, readJson(ask, read), false, 'kubernetes')
  return [
    {
      method: 'POST',
      path: '/v1/gateway/kubernetes/authorize',
      roles: REMOTE,
      handle: async (ask) => accessReply(await decide(ask, readAccessReview)),
    },
    {
      method: 'POST',
      path: '/v1/gateway/kubernetes/admit',
      roles: REMOTE,
      handle: async (ask) => {
        // It is echoed, of what could not be judged too; without one there is nothing to answer to.
        const uid = readJson(ask, uidOf, SUBMIT_BYTES_MAX)
        return admissionReply(
          typeof uid === 'string' ? uid : '',
          await decide(ask, readAdmissionReview),
        )
      },
    },
  ]
}

function accessReply(view: DecisionView): Reply {
  const allowed = view.decision === true
  const status = allowed ? { allowed } : { allowed, denied: true, reason: reasonOf(view) }
  return json({ ...ACCESS, status })
}

function admissionReply(uid: string, view: DecisionView): Reply {
  const allowed = view.decision === true && uid !== ''
  const status = { code: 403, reason: 'Forbidden', message: reasonOf(view) }
  const response = allowed ? { uid, allowed } : { uid, allowed, status }
  return json({ ...ADMISSION, response })
}

function reasonOf({ code, id }: DecisionView): string {
  return `meshd: ${code ?? 'denied'}${id === null ? '' : `, ${id}`}`
}

/** @throws Malformed */
export function readAccessReview(body: Json): Request {
  const { apiVersion, kind, spec } = mapOf(body, 'the review')
  if (apiVersion !== ACCESS.apiVersion || kind !== ACCESS.kind)
    throw new Malformed(`the review is no ${ACCESS.kind} of ${ACCESS.apiVersion}`)
  const { user, groups, resourceAttributes, nonResourceAttributes } = mapOf(spec, '`spec`')
  const [of, path] = [resourceAttributes, nonResourceAttributes]
  if ((of === undefined) === (path === undefined))
    throw new Malformed('a review is of a resource or of a path')
  const asked = of === undefined ? pathAsked(path) : resourceAsked(mapOf(of, 'the resource'))
  return requestOf({ ...asked, user, groups, args: objectOf([]) })
}

/** @throws Malformed */
export function readAdmissionReview(body: Json): Request {
  const { apiVersion, kind, request } = mapOf(body, 'the review')
  if (apiVersion !== ADMISSION.apiVersion || kind !== ADMISSION.kind)
    throw new Malformed(`the review is no ${ADMISSION.kind} of ${ADMISSION.apiVersion}`)
  const { operation, resource, subResource, namespace, name, userInfo, dryRun, object } = mapOf(
    request,
    '`request`',
  )
  if (typeof operation !== 'string' || !/^[A-Z]+$/.test(operation))
    throw new Malformed('`operation` is a word in capitals')
  const { group, resource: plural } = mapOf(resource, '`resource`')
  const { username, groups } = mapOf(userInfo, '`userInfo`')
  const attributes = { group, resource: plural, subresource: subResource, namespace, name }
  const args = objectOf([
    ['dryRun', dryRun === true],
    ['object', object ?? null],
  ])
  const id = resourceId(attributes)
  const verb = operation.toLowerCase()
  return requestOf({ verb: `admit/${verb}`, type: 'k8s', id, user: username, groups, args })
}

interface Asked {
  readonly verb: string
  readonly type: 'k8s' | 'k8s_path'
  readonly id: string
}

interface Review extends Asked {
  readonly user: Json | undefined
  readonly groups: Json | undefined
  readonly args: JsonObject
}

function requestOf({ verb, type, id, user, groups = [], args }: Review): Request {
  if (typeof user !== 'string') throw new Malformed('the user is a text')
  if (!isList(groups)) throw new Malformed('`groups` is a list')
  return readRequest(
    objectOf([
      ['subject', entity('user', user, objectOf([['groups', groups]]))],
      [
        'action',
        objectOf([
          ['name', `k8s:${verb}`],
          ['properties', args],
        ]),
      ],
      ['resource', entity(type, id, objectOf([]))],
    ]),
  )
}

function entity(type: string, id: string, properties: JsonObject): JsonObject {
  return objectOf([
    ['type', type],
    ['id', id],
    ['properties', properties],
  ])
}

function pathAsked(attributes: Json | undefined): Asked {
  const { path, verb } = mapOf(attributes, 'the path')
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw new Malformed('`path` begins with a slash')
  return { verb: verbOf(verb), type: 'k8s_path', id: path }
}

function resourceAsked(attributes: JsonObject): Asked {
  return { verb: verbOf(attributes['verb']), type: 'k8s', id: resourceId(attributes) }
}

function verbOf(verb: Json | undefined): string {
  if (typeof verb !== 'string' || !/^[a-z]+$/.test(verb))
    throw new Malformed('`verb` is a word in lower case')
  return verb
}

/** `shop/pods:log/web`; `-` where there is no namespace; without a name it is all of them. */
function resourceId(attributes: Attributes): string {
  const { group, resource, subresource, namespace, name } = attributes
  const plural = word(resource, 'resource')
  if (plural === '') throw new Malformed('`resource` is missing')
  const [of, below] = [word(group, 'group'), word(subresource, 'subresource')]
  const kind = `${plural}${of === '' ? '' : `.${of}`}${below === '' ? '' : `:${below}`}`
  const own = nameOf(name)
  return [word(namespace, 'namespace') || '-', kind, ...(own === '' ? [] : [own])].join('/')
}

interface Attributes {
  readonly [key: string]: Json | undefined
}

/** Words that hold nothing of what stands between them: no two attributes give the same id. */
function word(value: Json | undefined, what: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string' || !/^(?:[a-z0-9][a-z0-9.-]*)?$/.test(value))
    throw new Malformed(`\`${what}\` is a word of small letters, digits, \`.\` and \`-\``)
  return value
}

/** The last one, which may hold a colon: `system:node`. */
function nameOf(value: Json | undefined): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string' || !/^[!-.0-~]*$/.test(value))
    throw new Malformed('`name` is a text without slashes')
  return value
}

function uidOf(body: Json): string {
  const { uid } = mapOf(mapOf(body, 'the review')['request'], '`request`')
  if (typeof uid !== 'string') throw new Malformed('`uid` is a text')
  return uid
}

function mapOf(value: Json | undefined, what: string): JsonObject {
  if (!isMap(value ?? null)) throw new Malformed(`${what} is an object`)
  return value as JsonObject
}
