/**
 * What was decided about is what the application gets (FAULTS 94): request
 * targets of all spellings through a real nginx, each compared with the record
 * of its decision.
 */
import assert from 'node:assert/strict'
import net from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { Host } from '../../src/cli/stage.ts'
import { readHttpRequest } from '../../src/core/http-target.ts'
import { Lab } from '../e2e/lab.ts'
import { bodyOf, raw, request, socketOf, statusOf } from '../e2e/raw.ts'
import { row } from '../lab/row.ts'
import { freePort, issuedBy, Nginx, nginxBinary, shownBy } from './nginx.ts'

const binary = nginxBinary()
const options = { skip: binary === null && 'no nginx here, and none could be installed' }
const NAME = 'app.example'
const TARGETS = 400

const lab = new Lab()
let host: Host
let nginx: Nginx | null = null
let front = 0
let artifact = ''

before(async () => {
  if (binary === null) return
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  const app = await freePort()
  front = await freePort()
  const shown = await shownBy(host, NAME, front, app)
  // It says what it was asked for, byte for byte.
  const behind = `server { listen 127.0.0.1:${app}; location / { return 200 "$request_method $request_uri"; } }`
  nginx = await Nginx.open(binary, join(lab.dir, 'nginx'), `${shown}\n${behind}`, [front, app])
  artifact = await issuedBy(host, `url:${NAME}/*`)
})

after(async () => {
  await nginx?.[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
})

/** The answer to a request line with this target, as it stands here. */
function ask(target: string): Promise<string> {
  const lines = [`GET ${target} HTTP/1.1`, `Host: ${NAME}`, `Meshd-Artifact: ${artifact}`]
  return new Promise((done) => {
    let got = ''
    const socket = net.connect(front, '127.0.0.1', () =>
      socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`, 'latin1'),
    )
    socket.on('data', (chunk) => {
      got += chunk.toString('latin1')
    })
    socket.on('error', () => done(got)).on('close', () => done(got))
  })
}

/** Of a decision's record. */
interface Leaf {
  readonly request: {
    readonly action: string
    readonly digest: string
    readonly resource: { readonly type: string; readonly id: string }
  }
}

/** Whatever some server somewhere reads as another path than it is. */
const PIECES = [
  '/ / / // . .. /../ /./ %2e %2E%2e %2f %5c \\ ; ;v=1',
  '? ? & && = # + : @ * ~ % %0 %00 %0a %20 %25 %252e',
  'a b.html public secret %61 %73ecret %c3%a9 e%cc%81 %ff \xe9 %c0%ae " ' + "'",
].flatMap((line) => line.split(' '))
const target = fc
  .array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 9 })
  .map((pieces) => `/${pieces.join('')}`)

test(
  'no spelling of a target gets the application another request than was decided about',
  options,
  async (t) => {
    const seen = { passed: 0, denied: 0, refused: 0 }
    for (const each of fc.sample(target, { numRuns: TARGETS, seed: 94 })) {
      const answer = await ask(each)
      const status = statusOf(answer)
      if (status !== 200) {
        assert.ok([400, 403, 404].includes(status), `${each}: ${status}`)
        seen[status === 403 ? 'denied' : 'refused'] += 1
        continue
      }
      seen.passed += 1
      const id = /^meshd-decision: (\S+)\r$/im.exec(answer)?.[1]
      const record = await raw(socketOf(host, 'read'), request('GET', `/v1/records/${id}`))
      const { leaf } = (JSON.parse(bodyOf(record)) as { item: { leaf: Leaf } }).item
      const [method = '', got = ''] = bodyOf(answer).split(' ')
      // nginx gives the application the target as it came, byte for byte.
      assert.equal(got, each)
      const [path = ''] = got.split('?')
      assert.deepEqual(
        [leaf.request.action, leaf.request.resource],
        [`http:${method.toLowerCase()}`, { type: 'url', id: `${NAME}${path}` }],
      )
      assert.equal(
        leaf.request.digest,
        readHttpRequest({ method, host: NAME, target: got }).digest,
        each,
      )
    }
    const { passed, denied, refused } = seen
    assert.ok(passed > 20 && denied > 20, JSON.stringify(seen))
    row(
      t,
      94,
      `${passed} targets got through nginx as they were decided about, 0 otherwise; ${denied} denied, ${refused} refused by nginx`,
    )
  },
)
