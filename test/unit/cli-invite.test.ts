/** What `meshd invite revoke` makes of what is pasted: a secret goes no further and is not repeated. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { formatInvite, inviteId } from '../../src/core/invite.ts'
import { signerOf } from '../../src/core/keys.ts'
import { Desk } from '../golden/screen.ts'
import { NOW } from '../golden/story.ts'
import { addressOf } from '../sim/join-world.ts'
import { keyOf, World } from './statements.ts'

const desk = new Desk(NOW)
before(() => desk.open())
after(() => desk.close())

const secret = new Uint8Array(32).fill(7)
const id = inviteId(signerOf(secret).did)
const { mesh } = new World()
const line = formatInvite({ addresses: [addressOf(keyOf('a').did)], mesh, root: 1, secret })
const [head = ''] = line.split('eyJ')
const answers = { [`DELETE /v1/invites/${id}`]: { id } }

test('an invite is revoked by its id or by its line, of which the id alone leaves', async () => {
  for (const text of [id, line]) {
    const said = await desk.type(['invite', 'revoke', text], answers)
    assert.match(said, /exit 0 --\n$/, said)
  }
})

test('what is no id and no whole line is refused and not repeated', async () => {
  for (const text of [line.slice(0, -1), line.slice(head.length), `${id}0`, `x${line}`, 'AA==']) {
    const said = await desk.type(['invite', 'revoke', text], answers)
    assert.match(said, /\[USAGE\]/)
    assert.match(said, /exit 64 --\n$/)
    assert.ok(!said.includes(text), said)
  }
})
