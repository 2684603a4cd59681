/** A listener of HTTPS with routes of a test, and callers that a test names. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ADMIN,
  ANY,
  type Ask,
  DECIDE,
  json,
  REMOTE,
  type Route,
  Router,
} from '../../src/api/router.ts'
import { ApiServer } from '../../src/api/server.ts'
import { hostsOf } from '../../src/api/tls-door.ts'
import { TlsListener } from '../../src/api/tls-listener.ts'
import { sha256Hex } from '../../src/core/id.ts'
import type { Did } from '../../src/core/keys.ts'
import { type RemoteCaller, RemoteCallers } from '../../src/daemon/remote-callers.ts'
import { readTcpFiles } from '../../src/daemon/tcp-files.ts'
import { ALICE, BOB } from './judgements.ts'
import { type Client, filesIn, fingerprintOf, type Sent } from './tls.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-tls-'))
process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
export const paths = filesIn(dir)

export const TOKEN = 'a-token-of-32-letters-and-a-few-more'
export const tokenOf = (token: string): RemoteCaller => ({
  ...{ kind: 'token', digest: `sha256:${sha256Hex(Buffer.from(token))}` },
  ...{ principal: 'edge', asserts: ['user:*'] },
})
export const certificateOf = (client: Client): RemoteCaller => ({
  ...{ kind: 'certificate', digest: fingerprintOf(client) },
  ...{ principal: 'gate', asserts: [] },
})
const KEYS: Readonly<Record<string, Did>> = { edge: ALICE, gate: BOB }

interface Served {
  readonly port: number
  readonly asks: Ask[]
  readonly listener: TlsListener
  callers: readonly RemoteCaller[]
  refused: number
}

const handle = (asks: Ask[]) => (ask: Ask) => {
  asks.push(ask)
  return json({ ok: true })
}

interface How {
  /** Whether certificates of clients are demanded. */
  readonly mutual?: boolean
  readonly monotonicMs?: () => number
}

export async function serve(use: (served: Served) => Promise<void>, how: How = {}): Promise<void> {
  const { mutual = false, monotonicMs = () => performance.now() } = how
  const asks: Ask[] = []
  const routes = [
    ['POST', '/v1/ask', REMOTE],
    ['GET', '/v1/own', DECIDE],
    ['GET', '/v1/govern', ADMIN],
    ['GET', '/v1/status', ANY],
    ['GET', '/.well-known/authzen-configuration', [...ANY, 'tcp']],
  ] as const
  const router = new Router(
    routes.map(([method, path, roles]): Route => ({ method, path, roles, handle: handle(asks) })),
  )
  const never = () => assert.fail('there are no sockets')
  const bugs: unknown[] = []
  const bug = (error: unknown) => void bugs.push(error)
  const server = await ApiServer.open([], {
    ...{ router, monotonicMs: () => performance.now(), identify: never, bug },
  })
  const clientCa = mutual ? paths.ca : null
  const tcp = { ...paths, hosts: [], clientCa, clients: [], tokensFile: null }
  const files = readTcpFiles(tcp) ?? assert.fail()
  const names = {
    rules: [],
    keys: [],
    nameFor: () => null,
    principalOf: (n: string) => KEYS[n] ?? null,
  }
  const listener = await TlsListener.open('127.0.0.1:0', files.tls, {
    remotes: new RemoteCallers({ names, listed: () => served.callers, listen: '127.0.0.1:0' }),
    hosts: () => hostsOf('127.0.0.1:0', 'https://pdp.example/', ['localhost']),
    answer: (request, response, callerOf) => server.answer(request, response, 'tcp', callerOf),
    monotonicMs,
    refused: () => {
      served.refused += 1
    },
    bug,
  })
  const callers = mutual ? [certificateOf('client')] : [tokenOf(TOKEN)]
  const served: Served = { port: listener.port, asks, listener, callers, refused: 0 }
  try {
    await use(served)
    assert.deepEqual(bugs, [])
  } finally {
    await Promise.all([listener.close(0), server.close(0)])
  }
}

export const ASKED: Sent = { token: TOKEN, body: {} }
