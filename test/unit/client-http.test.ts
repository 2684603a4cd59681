/** Guards of express and fastify, in front of the real ones: a handler runs on a yes, and on nothing else. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import express from 'express'
import fastify, { type FastifyRequest } from 'fastify'
import { expressGuard, fastifyGuard, Mesh, type Question } from '../../src/client/index.ts'
import { ALLOW, DENY, FalseDaemon, ID } from './false-daemon.ts'

const ask = (id: string): Question => {
  if (id === 'none') throw new TypeError('no such document')
  return { action: 'doc:read', resource: `doc:${id}` }
}

interface Site extends AsyncDisposable {
  readonly port: number
  /** Documents that a handler gave away. */
  readonly given: readonly string[]
}

async function expressSite(mesh: Mesh): Promise<Site> {
  const given: string[] = []
  const app = express()
  const guard = expressGuard(mesh, (request: express.Request) => ask(String(request.params['id'])))
  app.get('/docs/:id', guard, (request, response) => {
    given.push(String(request.params['id']))
    response.send('the document')
  })
  const server = createServer(app)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    ...{ port, given },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

type Params = { Params: { id: string } }

async function fastifySite(mesh: Mesh): Promise<Site> {
  const given: string[] = []
  const app = fastify()
  const guard = fastifyGuard(mesh, (request: FastifyRequest<Params>) => ask(request.params.id))
  app.get<Params>('/docs/:id', { preHandler: guard }, async (request) => {
    given.push(request.params.id)
    return 'the document'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return { port, given, [Symbol.asyncDispose]: () => app.close() }
}

for (const [name, open] of [
  ['express', expressSite],
  ['fastify', fastifySite],
] as const) {
  test(`${name} hands a request on when it is allowed, and only then`, async () => {
    await using daemon = await FalseDaemon.open({ 'POST /v1/decisions': ALLOW })
    await using site = await open(new Mesh({ socket: daemon.socket }))
    const get = async (id: string) => {
      const response = await fetch(`http://127.0.0.1:${site.port}/docs/${id}`)
      return [response.status, await response.text()] as const
    }
    assert.deepEqual(await get('a%2Fb'), [200, 'the document'])
    assert.deepEqual(daemon.asked[0]?.body.resource, { type: 'doc', id: 'a/b' })
    assert.deepEqual(await get('none'), [403, '{"code":"REQUEST_MALFORMED","id":null}'])
    daemon.answers = { 'POST /v1/decisions': DENY }
    assert.deepEqual(await get('a'), [403, `{"code":"REVOKED","id":"${ID}"}`])
    daemon.answers = { 'POST /v1/decisions': { ...ALLOW, decision: 'true' } }
    assert.deepEqual(await get('a'), [503, '{"code":"INVALID_ANSWER","id":null}'])
    await daemon.kill()
    assert.deepEqual(await get('a'), [503, '{"code":"UNREACHABLE","id":null}'])
    assert.deepEqual(site.given, ['a/b'])
  })
}
