/** The line of an invite: one spelling, and nothing but what it may hold. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toBase64Url, utf8 } from '../../src/core/bytes.ts'
import { idOf, sha256Hex } from '../../src/core/id.ts'
import { formatInvite, inviteId, isInvite, makerOf, parseInvite } from '../../src/core/invite.ts'
import { publicKeyOf } from '../../src/core/keys.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { formatPeerId } from '../../src/core/peer-id.ts'
import { atlas, borealis, keyOf } from './statements.ts'

const mesh = idOf(utf8('mesh'))
const at = (host: number, node = atlas) =>
  `/ip4/10.0.0.${host}/tcp/4717/p2p/${formatPeerId(node.identity.did)}`
const INVITE = { addresses: [at(1), at(2)], mesh, root: 3, secret: new Uint8Array(32).fill(9) }

function lineOf(json: string): string {
  return `meshd-invite:1:${toBase64Url(utf8(json))}`
}

test('a line is read as what was printed, for every invite', () => {
  const invites = fc.record({
    addresses: fc.array(
      fc.integer({ min: 0, max: 255 }).map((host) => at(host)),
      {
        minLength: 1,
        maxLength: 8,
      },
    ),
    mesh: fc.constant(mesh),
    root: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  })
  fc.assert(
    fc.property(invites, (invite) => {
      const line = formatInvite(invite)
      assert.ok(isInvite(line))
      const read = parseInvite(line)
      assert.deepEqual(read, { ...invite })
      assert.equal(formatInvite(read), line)
    }),
    { numRuns: 50 },
  )
})

test('every line that is not one that formatInvite prints is refused', () => {
  const line = formatInvite(INVITE)
  const json = Buffer.from(line.slice('meshd-invite:1:'.length), 'base64url').toString()
  const bad = [
    '',
    'meshd-invite:',
    line.replace(':1:', ':2:'),
    `${line}=`,
    `${line} `,
    line.slice(0, -1),
    lineOf(json.replace(':3,', ':0,')),
    lineOf(json.replace(':3,', ':3, ')),
    lineOf(json.replace('{', '{"a":1,')),
    lineOf(json.replace(/"secret":"[^"]*"/, '"secret":"AAAA"')),
    lineOf(json.replace(/"addrs":\[[^\]]*\]/, '"addrs":[]')),
    lineOf(json.replace(at(2), at(2, borealis))),
    lineOf(json.replace(at(2), '/ip4/10.0.0.2/tcp/4717')),
    `meshd-invite:1:${'A'.repeat(5_000)}`,
  ]
  assert.deepEqual(parseInvite(lineOf(json)), INVITE, 'what is changed is in order')
  for (const each of bad) assert.throws(() => parseInvite(each), Malformed, each.slice(0, 80))
})

test('an invite is called by the key of its secret, and its maker is in every address', () => {
  const { did } = keyOf('secret')
  assert.equal(inviteId(did), sha256Hex(publicKeyOf(did)).slice(0, 8))
  assert.notEqual(inviteId(keyOf('secret').did), inviteId(keyOf('other').did))
  assert.equal(makerOf(INVITE.addresses), atlas.identity.did)
})
