/** The one port that meshd opens to TCP: loopback, three paths, GET, and no page of a browser. */
import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { test } from 'node:test'
import { Metrics } from '../../src/api/metrics.ts'
import { MetricsServer } from '../../src/api/metrics-server.ts'
import { snapshotOf } from '../../src/api/metrics-snapshot.ts'
import { MeshError } from '../../src/core/problems.ts'
import type { MeshNode } from '../../src/mesh/node.ts'
import { row } from '../lab/row.ts'

const metrics = new Metrics(() => snapshotOf(null, '0.0.0'))
const node = { notReady: () => [{ code: 'GOVERNANCE_STALE', detail: 'x' }] } as never as MeshNode

/** Nobody else's for as long as it matters. */
async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as net.AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

function ask(port: number, path: string, options: http.RequestOptions = {}): Promise<number> {
  return new Promise((done, failed) => {
    const request = http.request({ host: '127.0.0.1', port, path, agent: false, ...options })
    request.on('response', (response) => {
      response.resume()
      response.on('end', () => done(response.statusCode ?? 0))
    })
    request.on('error', failed)
    request.end()
  })
}

test('it serves metrics and health to GET under its own name, and nothing else to anybody', async (t) => {
  const port = await freePort()
  const server = await MetricsServer.open(`127.0.0.1:${port}`, metrics, node)
  try {
    assert.equal(await ask(port, '/metrics'), 200)
    assert.equal(await ask(port, '/livez'), 200)
    assert.equal(await ask(port, '/readyz?verbose'), 503)
    const host = `localhost:${port}`
    assert.equal(await ask(port, '/metrics', { headers: { host } }), 200)
    for (const path of ['/', '//', '/v1/status', '/access/v1/evaluation', '/metrics/'])
      assert.equal(await ask(port, path), 404, path)
    for (const headers of [
      { host: 'evil.example' },
      { host: `evil.example:${port}` },
      { origin: 'http://localhost' },
      { origin: 'null' },
    ])
      assert.equal(await ask(port, '/metrics', { headers }), 404, JSON.stringify(headers))
    for (const method of ['POST', 'PUT', 'OPTIONS', 'HEAD'])
      assert.equal(await ask(port, '/metrics', { method }), 404, method)
  } finally {
    await server.close()
  }
  row(t, 97, 'the port for metrics: foreign Hosts, Origins and other methods refused')
})

test('a port that is taken is said, and ends the start', async () => {
  const port = await freePort()
  const server = await MetricsServer.open(`127.0.0.1:${port}`, metrics, node)
  await assert.rejects(
    MetricsServer.open(`127.0.0.1:${port}`, metrics, node),
    (error) => error instanceof MeshError && error.code === 'NOT_READY',
  )
  await server.close()
})
