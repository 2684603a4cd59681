/** Chains: who gives what to whom, for how long, on which node. */
import { cidOf, sha256 } from '../../src/core/id.ts'
import { cidLink } from '../../src/core/ipld.ts'
import type { Vector } from './artifact.ts'
import {
  ARGS,
  atlas,
  borealis,
  close,
  closed,
  edit,
  type Fields,
  line,
  link,
  NOW_S,
  person,
  TTL_MS,
} from './tokens.ts'

const NODE = ['==', '.meshd.node.id', atlas.did]
const chain = (length: number) => Array.from({ length }, (_, i) => link(i))

export function narrowing(): readonly Vector[] {
  return [...good(), ...scopes(), ...times(), ...signatures(), ...continuity(), ...once()]
}

function good(): readonly Vector[] {
  const scattered = chain(3)
  return [
    { comment: 'one link', expect: 'OK', artifact: closed(chain(1)) },
    { comment: 'eight links, the most there may be', expect: 'OK', artifact: closed(chain(8)) },
    {
      comment: 'the order of tokens in the container means nothing',
      expect: 'OK',
      artifact: line([scattered[2], close(scattered), scattered[0], scattered[1]]),
    },
    {
      comment: 'a link without nbf, an invocation without iat',
      expect: 'OK',
      artifact: closed([link(0, { nbf: undefined })], { iat: undefined }),
    },
    {
      comment: 'all that meta may hold',
      expect: 'OK',
      artifact: closed([
        link(0, {
          pol: [NODE],
          meta: {
            once: true,
            depth: 0,
            gov: { mesh: 'prod', root: 3, ticket: 'CHG-790', purpose: 'docs' },
            by: { person: 'alice', team: 'platform' },
          },
        }),
      ]),
    },
  ]
}

function scopes(): readonly Vector[] {
  const cmd = (...commands: string[]) => closed(commands.map((each, i) => link(i, { cmd: each })))
  const depth = (...depths: (number | undefined)[]) =>
    closed(depths.map((each, i) => link(i, each === undefined ? {} : { meta: { depth: each } })))
  const denied = (comment: string, artifact: string): Vector => {
    return { comment, expect: 'SCOPE_EXCEEDED', artifact }
  }
  const callback = { cmd: '/tool/readwrite', args: { ...ARGS, action: 'tool:readwrite' } }
  return [
    {
      comment: 'each command is below the last',
      expect: 'OK',
      artifact: cmd('/', '/tool', '/tool/read'),
    },
    denied('a sibling command', cmd('/tool/write')),
    denied('a command below the one asked', cmd('/tool/read/all')),
    denied(
      '/tool/read does not cover /tool/readwrite',
      closed([link(0, { cmd: '/tool/read' })], callback),
    ),
    denied(
      'a child with a wider command, though what is asked is inside both',
      cmd('/tool/read', '/tool'),
    ),
    { comment: 'depth counts down', expect: 'OK', artifact: depth(2, 1, 0) },
    {
      comment: 'depth may be left to the links above',
      expect: 'OK',
      artifact: depth(2, undefined, undefined),
    },
    denied('a delegation after depth 0', depth(0, undefined)),
    denied('three delegations where two were granted', depth(2, undefined, undefined, undefined)),
    denied('a child that raises the depth', depth(1, 1)),
  ]
}

function times(): readonly Vector[] {
  const two = (more: Fields) => closed([link(0), link(1, more)])
  const ttlS = TTL_MS / 1000
  return [
    { comment: 'in the last second of a link', expect: 'OK', artifact: two({ exp: NOW_S + 1 }) },
    {
      comment: 'exp is the first moment that is too late',
      expect: 'EXPIRED',
      artifact: two({ exp: NOW_S }),
    },
    {
      comment: 'an expired parent ends its child',
      expect: 'EXPIRED',
      artifact: closed([link(0, { exp: NOW_S }), link(1)]),
    },
    { comment: 'nbf now', expect: 'OK', artifact: two({ nbf: NOW_S }) },
    { comment: 'nbf within the skew of clocks', expect: 'OK', artifact: two({ nbf: NOW_S + 2 }) },
    { comment: 'nbf beyond it', expect: 'NOT_YET_VALID', artifact: two({ nbf: NOW_S + 3 }) },
    {
      comment: 'a window that opens and is over, seen later',
      expect: 'EXPIRED',
      artifact: closed(chain(1)),
      later: 3600,
    },
    {
      comment: 'an expired invocation',
      expect: 'EXPIRED',
      artifact: closed(chain(1), { exp: NOW_S }),
    },
    {
      comment: 'an invocation of the future',
      expect: 'NOT_YET_VALID',
      artifact: closed(chain(1), { iat: NOW_S + 3 }),
    },
    {
      comment: 'an invocation for five minutes, the most there may be',
      expect: 'OK',
      artifact: closed(chain(1), { iat: NOW_S, exp: NOW_S + 300 }),
    },
    {
      comment: 'an invocation for an hour, without iat',
      expect: 'NOT_YET_VALID',
      artifact: closed(chain(1), { iat: undefined, exp: NOW_S + 3600 }),
    },
    {
      comment: 'a link for as long as the root allows',
      expect: 'OK',
      artifact: two({ exp: NOW_S + ttlS }),
    },
    {
      comment: 'a link for longer',
      expect: 'NOT_YET_VALID',
      artifact: two({ exp: NOW_S + ttlS + 3 }),
    },
  ]
}

function signatures(): readonly Vector[] {
  const [first, second] = [link(0), link(1)]
  const closing = close([first, second])
  const bad = (comment: string, tokens: readonly unknown[]): Vector => {
    return { comment, expect: 'SIGNATURE_INVALID', artifact: line(tokens) }
  }
  const flipped = edit(second, 40, 1, [(second[40] ?? 0) ^ 1])
  const forged = link(0, {}, person(3))
  const identity = edit(first, 3, 32, [1, ...new Array<number>(31).fill(0)])
  const short = edit(edit(first, 66, 1, []), 2, 1, [63])
  return [
    bad('one bit of a signature', [first, flipped, close([first, flipped])]),
    bad('a link signed by another key than its iss', [forged, second, close([forged, second])]),
    bad('a signature whose R is the identity', [identity, second, close([identity, second])]),
    bad('a signature of 63 bytes', [short, second, close([short, second])]),
    bad('one bit of the signature of the invocation', [
      first,
      second,
      edit(closing, 9, 1, [(closing[9] ?? 0) ^ 1]),
    ]),
    {
      comment: 'a chain that begins at a key that is no issuer',
      expect: 'ISSUER_UNTRUSTED',
      artifact: closed([link(0, { iss: person(5).did, sub: person(5).did }, person(5))], {
        sub: person(5).did,
      }),
    },
  ]
}

function continuity(): readonly Vector[] {
  const [first, second, third] = [link(0), link(1), link(2)]
  const broken = (comment: string, artifact: string): Vector => {
    return { comment, expect: 'LINEAGE_BROKEN', artifact }
  }
  const prf = (...links: Uint8Array[]) => links.map((each) => cidLink(cidOf(each)))
  const back = link(2, { aud: person(1).did })
  return [
    broken(
      'an invocation by a key in the middle of the chain',
      line([first, second, close([first], { prf: prf(first, second) })]),
    ),
    broken(
      'a proof that is missing from the invocation',
      line([first, second, close([first, second], { prf: prf(first) })]),
    ),
    broken(
      'proofs in the wrong order',
      line([first, second, close([first, second], { prf: prf(second, first) })]),
    ),
    broken('another token as proof', line([first, close([first], { prf: prf(third) })])),
    broken('a link about another issuer', closed([first, link(1, { sub: person(1).did })])),
    broken('an invocation about another issuer', closed([first], { sub: person(1).did })),
    broken(
      'a first link about another issuer',
      closed([link(0, { sub: person(4).did })], { sub: person(4).did }),
    ),
    broken(
      'a chain that comes back to one of its keys',
      line([first, second, back, close([first, second, back], { iss: person(1).did }, person(1))]),
    ),
    {
      comment: 'an action is lower case, as its command is',
      expect: 'AUTHORIZATION_MALFORMED',
      artifact: closed(chain(1), { args: { ...ARGS, action: 'Tool:Read' } }),
    },
    {
      comment: 'a link to oneself, which begins no chain',
      expect: 'AUTHORIZATION_MALFORMED',
      artifact: closed([link(0, { aud: person(0).did })]),
    },
    {
      comment: 'links that do not meet',
      expect: 'AUTHORIZATION_MALFORMED',
      artifact: line([first, third, close([first, third], { prf: prf(first, third) })]),
    },
    {
      comment: 'an invocation for another node',
      expect: 'RUNTIME_MISMATCH',
      artifact: closed([first], { aud: borealis.did }),
    },
  ]
}

function once(): readonly Vector[] {
  const meta = { once: true }
  const refused = (comment: string, artifact: string): Vector => {
    return { comment, expect: 'AUTHORIZATION_MALFORMED', artifact }
  }
  return [
    {
      comment: 'single use, bound by a link above',
      expect: 'OK',
      artifact: closed([link(0, { pol: [NODE] }), link(1, { meta })]),
    },
    refused('single use without a node', closed([link(0, { meta })])),
    refused(
      'single use bound only below: each child could name another node',
      closed([link(0, { meta }), link(1, { pol: [NODE] })]),
    ),
    refused('single use bound under an or', closed([link(0, { meta, pol: [['or', [NODE]]] })])),
    {
      comment: 'bound to another node',
      expect: 'RUNTIME_MISMATCH',
      artifact: closed([link(0, { meta, pol: [['==', '.meshd.node.id', borealis.did]] })]),
    },
    refused('once that is false', closed([link(0, { meta: { once: false }, pol: [NODE] })])),
    refused(
      'a nonce of 11 bytes',
      closed([link(0, { nonce: sha256(new Uint8Array()).subarray(0, 11) })]),
    ),
  ]
}
