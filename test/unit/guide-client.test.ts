/** The JavaScript of docs/guides/client-library.md, as it stands, with a daemon that allows and one that denies. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { Denied } from '../../src/client/index.ts'
import { ALLOW, DENY, FalseDaemon, ID } from './false-daemon.ts'
import { javaScriptOf, runBlock } from './guide.ts'

const blocks = javaScriptOf('docs/guides/client-library.md')

/** Runs a block with what its reader has: gives what was called, in order. */
async function run(block: string, socket: string): Promise<readonly string[]> {
  const did: string[] = []
  const does =
    (name: string) =>
    (...given: readonly unknown[]) =>
      void did.push(typeof given[0] === 'string' ? `${name} ${given[0]}` : name)
  const get = async (
    path: string,
    guard: (request: object, response: object, next: () => void) => Promise<void>,
    handle: () => void,
  ) => {
    const status = (code: number) => ({ json: () => does('status')(`${code}`) })
    await guard({ params: { id: path } }, { status }, handle)
  }
  const handled = Promise.withResolvers<void>()
  await runBlock(block, socket, {
    ...{ read: does('read'), report: does('report'), removeFile: does('remove') },
    ...{ show: does('show'), sendDocument: does('send'), steps: [does('build'), does('copy')] },
    express: () => ({
      get: (...route: Parameters<typeof get>) => get(...route).then(handled.resolve),
    }),
  })
  if (block.includes('express(')) await handled.promise
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
  const [ask = '', guard = '', handler = '', listen = '', tool = ''] = blocks
  assert.equal(blocks.length, 5)
  await using daemon = await FalseDaemon.open(allowing)
  assert.deepEqual(await run(ask, daemon.socket), ['read'])
  assert.deepEqual(await run(guard, daemon.socket), ['build', 'copy'])
  assert.deepEqual(await run(handler, daemon.socket), ['send'])
  assert.deepEqual(await run(listen, daemon.socket), ['show 1.7'])
  assert.deepEqual(await run(tool, daemon.socket), ['remove'])
  daemon.answers = denying
  assert.deepEqual(await run(ask, daemon.socket), ['report REVOKED'])
  assert.deepEqual(await run(guard, daemon.socket), ['report REVOKED'])
  assert.deepEqual(await run(handler, daemon.socket), ['status 403'])
  await assert.rejects(run(tool, daemon.socket), Denied)
})
