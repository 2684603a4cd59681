/** The JavaScript of docs/guides/client-library.md, as it stands, with a daemon that allows and one that denies. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import * as client from '../../src/client/index.ts'
import { ALLOW, DENY, FalseDaemon, ID } from './false-daemon.ts'

const page = readFileSync('docs/guides/client-library.md', 'utf8')
const blocks = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, block = '']) => block)
const AsyncFunction: FunctionConstructor = Object.getPrototypeOf(async () => {}).constructor

/** Runs a block with what it imports, and with what its reader has: gives what was called, in order. */
async function run(block: string, socket: string): Promise<readonly string[]> {
  const did: string[] = []
  const does =
    (name: string) =>
    (...given: readonly unknown[]) =>
      void did.push(typeof given[0] === 'string' ? `${name} ${given[0]}` : name)
  const scope = {
    ...client,
    Mesh: class extends client.Mesh {
      constructor() {
        super({ socket })
      }

      /** The first alone: what follows has no end. */
      override async *events(options?: client.EventOptions): AsyncGenerator<client.MeshEvent> {
        for await (const event of super.events(options)) {
          yield event
          return
        }
      }
    },
    ...{ read: does('read'), report: does('report'), removeFile: does('remove') },
    show: does('show'),
    steps: [does('build'), does('copy')],
  }
  const code = block.replace(/^import .*\n/m, '')
  await AsyncFunction(...Object.keys(scope), code)(...Object.values(scope))
  return did
}

const ANSWERS = { 'POST /v1/executions/{id}/outcome': { id: ID } }
const allowing = {
  ...ANSWERS,
  ...{ 'POST /v1/decisions': ALLOW, 'POST /v1/executions': ALLOW },
  'GET /v1/executions/{id}/watch': () => {},
  'GET /v1/events': (response: ServerResponse) =>
    void response.write('id: 1.7\nevent: decision\ndata: {}\n\n'),
}
const denying = { ...ANSWERS, 'POST /v1/decisions': DENY, 'POST /v1/executions': DENY }

test('the guide tells the truth: its blocks act when allowed, and report when denied', async () => {
  const [ask = '', guard = '', listen = '', tool = ''] = blocks
  assert.equal(blocks.length, 4)
  await using daemon = await FalseDaemon.open(allowing)
  assert.deepEqual(await run(ask, daemon.socket), ['read'])
  assert.deepEqual(await run(guard, daemon.socket), ['build', 'copy'])
  assert.deepEqual(await run(tool, daemon.socket), ['remove'])
  assert.deepEqual(await run(listen, daemon.socket), ['show 1.7'])
  daemon.answers = denying
  assert.deepEqual(await run(ask, daemon.socket), ['report REVOKED'])
  assert.deepEqual(await run(guard, daemon.socket), ['report REVOKED'])
  await assert.rejects(run(tool, daemon.socket), client.Denied)
})
