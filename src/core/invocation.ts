/**
 * The closing of an artifact: a UCAN 1.0 invocation, by which the last
 * audience says what it asks for, of which node, and proves that it has its key.
 *
 *   {iss, aud, sub, cmd, args, prf, nonce, exp, iat?, cause?, meta?}
 *   args: {"action": "tool:read", "resource": {"type", "id"}, "subject"?: {"type", "id"}, "args": {…}}
 */
import { commandOf, type Entity, parseAction, parseEntity } from './command.ts'
import type { Cid, RecordId } from './id.ts'
import { cidOfLink, jsonOf, recordOfLink } from './ipld.ts'
import type { Json, JsonObject } from './json.ts'
import type { Did } from './keys.ts'
import { INVOCATION_TTL_MS_MAX, LINKS_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'
import { TokenMemo } from './memo.ts'
import { commandAt, didAt, metaAt, nonceAt, timeAt } from './payload.ts'
import { isMap } from './selector.ts'
import { checkFields, parseToken } from './ucan.ts'

/** What is asked: the `args` of the token, read. */
export interface Asked {
  readonly action: string
  readonly resource: Entity
  /** For whom, when that is not the one who signs. */
  readonly subject: Entity | null
  readonly args: JsonObject
}

export interface Invocation {
  readonly cid: Cid
  readonly bytes: Uint8Array
  readonly iss: Did
  /** The node that shall decide; no other does. */
  readonly aud: Did
  readonly sub: Did
  readonly cmd: string
  /** As signed. */
  readonly args: JsonObject
  readonly asked: Asked
  /** The links, root first. */
  readonly prf: readonly Cid[]
  readonly nonce: Uint8Array
  readonly expS: number
  readonly iatS: number | null
  /** The execution that this one descends from: a link to its record, by the same hash. */
  readonly cause: RecordId | null
  readonly meta: JsonObject
}

const REQUIRED = ['iss', 'aud', 'sub', 'cmd', 'args', 'prf', 'nonce', 'exp']
const OPTIONAL = ['iat', 'cause', 'meta']

const remembered = new TokenMemo<Invocation>()

/** Reads an invocation; its signature is not looked at. Equal bytes may give the same object. @throws Malformed */
export function parseInvocation(bytes: Uint8Array): Invocation {
  return remembered.read(bytes, read)
}

function read(bytes: Uint8Array): Invocation {
  const { cid, payload } = parseToken(bytes, 'inv')
  checkFields(payload, REQUIRED, OPTIONAL)
  const args = jsonOf(payload.get('args'), 'args')
  if (!isMap(args)) throw new Malformed('`args` is a map')
  const invocation: Invocation = {
    cid,
    bytes,
    iss: didAt(payload, 'iss'),
    aud: didAt(payload, 'aud'),
    sub: didAt(payload, 'sub'),
    cmd: commandAt(payload),
    args,
    asked: readAsked(args),
    prf: readProofs(payload.get('prf')),
    nonce: nonceAt(payload),
    expS: timeAt(payload, 'exp'),
    iatS: payload.has('iat') ? timeAt(payload, 'iat') : null,
    cause: payload.has('cause') ? recordOfLink(payload.get('cause')) : null,
    meta: metaAt(payload, 'inv').json,
  }
  checkInvocation(invocation)
  return invocation
}

function checkInvocation({ cmd, asked, iatS, expS }: Invocation): void {
  // Two names for one thing would let one check read the first and another the second.
  if (cmd !== commandOf(asked.action)) throw new Malformed('`cmd` is not that of the action')
  if (iatS === null) return
  if (iatS >= expS) throw new Malformed('`exp` is not after `iat`')
  if ((expS - iatS) * 1000 > INVOCATION_TTL_MS_MAX) {
    throw new Malformed('the invocation lives too long')
  }
}

function readAsked(args: JsonObject): Asked {
  const { action, resource, subject, args: inner, ...others } = args
  // Only the deciding node writes `.meshd` (design 3).
  if (Object.keys(others).length > 0) throw new Malformed('`args` holds what is not known')
  if (typeof action !== 'string') throw new Malformed('the action is a text')
  if (!isMap(inner ?? null)) throw new Malformed('the inner `args` is a map')
  const asked = inner as JsonObject
  if (Object.hasOwn(asked, 'meshd')) throw new Malformed('`meshd` belongs to the node')
  return {
    action: parseAction(action),
    resource: readEntity(resource, 'resource'),
    subject: subject === undefined ? null : readEntity(subject, 'subject'),
    args: asked,
  }
}

function readEntity(value: Json | undefined, what: string): Entity {
  if (value === undefined || !isMap(value)) throw new Malformed(`the ${what} is a map`)
  const { type, id, ...others } = value
  if (typeof type !== 'string' || typeof id !== 'string' || Object.keys(others).length > 0) {
    throw new Malformed(`the ${what} is a type and an id`)
  }
  return parseEntity(type, id, what)
}

function readProofs(value: unknown): readonly Cid[] {
  if (!Array.isArray(value) || value.length === 0) throw new Malformed('`prf` is a list of links')
  if (value.length > LINKS_MAX) throw new Malformed('there are too many links')
  const proofs = value.map(cidOfLink)
  if (new Set(proofs).size !== proofs.length) throw new Malformed('a link is named twice')
  return proofs
}
