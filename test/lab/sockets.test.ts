/**
 * The local sockets under attack (FAULTS 98, 108): ten thousand connections,
 * requests piled on requests, headers at their limit; and the command line
 * against a daemon that is none: it says too much, never ends, says nothing, or
 * writes to the terminal.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { authorize, eventually, Lab } from '../e2e/lab.ts'
import { type SocketName, socketOf, statusOf } from '../e2e/raw.ts'
import { comparison, handlesOf, honestCaller, rssOf, watched } from './gauges.ts'
import { row } from './row.ts'

const lab = new Lab()
let host: Host
let honest: Awaited<ReturnType<typeof honestCaller>>

before(async () => {
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
  honest = await honestCaller(host)
})

after(() => lab[Symbol.asyncDispose]())

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))
const CONNECTIONS = 10_000
const BODY =
  '{"subject":{"type":"principal","id":"me"},"action":{"name":"job:deploy"},"resource":{"type":"env","id":"staging"}}'

/** Opens it and sends this; what came back when it ended, at most ms later. */
function opened(bytes: string, ms: number, name: SocketName = 'read'): Promise<string> {
  return new Promise((done) => {
    let got = ''
    const socket = net.connect(socketOf(host, name))
    const end = () => {
      clearTimeout(late)
      socket.destroy()
      done(got)
    }
    const late = setTimeout(end, ms)
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk) => {
      got += chunk.toString()
    })
    socket.on('error', end).on('close', end)
  })
}

test('ten thousand connections, pipelines and large headers leave the honest their answers', async (t) => {
  const [quiet, before, rssBefore] = [
    await watched(host, honest, 2_000),
    handlesOf(host),
    rssOf(host),
  ]
  let [tried, most] = [0, 0]
  const storm = async () => {
    const one = async () => {
      while (tried < CONNECTIONS) {
        tried += 1
        const bytes =
          tried % 3 === 0
            ? 'GET /livez HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(200)
            : tried % 3 === 1
              ? `GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(16_000)}\r\n\r\n`
              : 'POST /v1/sta'
        await opened(bytes, 100)
        if (tried % 100 === 0) most = Math.max(most, handlesOf(host) - before)
      }
    }
    await Promise.all(Array.from({ length: 200 }, one))
  }
  const attacked = await watched(host, honest, 4_000, storm)
  assert.equal(attacked.load.allows, attacked.load.answers)
  const left = await eventually(
    'handles',
    async () => handlesOf(host) - before,
    (more) => more < 20,
  )
  row(
    t,
    98,
    `${tried} connections, at most ${most} at once, ${left} left; RSS +${rssOf(host) - rssBefore} MiB; ${comparison(quiet, attacked)}`,
  )
})

test('of requests that are piled on one another each is answered once, and a second one is not smuggled', async (t) => {
  const post = `POST /access/v1/evaluation HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`
  const answer = await opened(post.repeat(50), 3_000, 'meshd')
  const answers = answer.match(/HTTP\/1\.1 200/g)?.length ?? 0
  assert.ok(answers > 0 && answers <= 50, `${answers} answers`)
  const smuggled = await opened(
    `GET /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/peers HTTP/1.1\r\nhost: x\r\n\r\n`,
    2_000,
  )
  // Cut without a word, or told so once.
  assert.ok([0, 400].includes(statusOf(smuggled)), smuggled)
  const said = smuggled.match(/HTTP\/1\.1/g)?.length ?? 0
  assert.ok(said <= 1)
  assert.equal((await authorize(host)).code, null)
  row(
    t,
    98,
    `50 piled requests: ${answers} answers; a length beside chunks: ${said} answers, none of them of the second request`,
  )
})

const ESC = '\u001b[2J\u001b]52;c;bWVzaGQ=\u0007\r\n'
/** What a daemon that is none answers to everything. */
const LIES: Readonly<Record<string, (response: http.ServerResponse) => void>> = {
  'never ends': (response) => {
    const chunk = Buffer.alloc(1 << 20, ' ')
    const pour = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', pour)
    pour()
  },
  drips: (response) => {
    const drip = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(drip))
  },
  'says nothing': () => {},
  'is cut off': (response) => {
    response.writeHead(200, { 'content-length': 1_000 })
    response.write('{"item":')
    setTimeout(() => response.destroy(), 20)
  },
  'is nested without an end': (response) => void response.end('['.repeat(1_000_000)),
  'is another thing': (response) => void response.end('{"items":7,"item":[null,{"x":"y"}]}'),
  'writes to the terminal': (response) => {
    response.writeHead(500, { 'content-type': 'application/problem+json' })
    response.end(
      JSON.stringify({
        title: ESC,
        detail: ESC,
        code: 'NOT_READY',
        hint: ESC,
        status: 500,
        type: 'x',
      }),
    )
  },
}
const isControl = (each: string) => each !== '\n' && (each < ' ' || each === '\u007f')
const WORDS = ['status', 'peer list', 'audit list', 'statement list']
const COMMAND_MS_MAX = 30_000

test('the command line is held by no daemon that lies to it', async (t) => {
  const liar = lab.host('liar')
  mkdirSync(liar.socketsDir, { recursive: true, mode: 0o700 })
  let lie: (response: http.ServerResponse) => void = () => {}
  const servers = (['meshd', 'read', 'admin'] as const).map((name) =>
    http
      .createServer((request, response) => {
        request.resume()
        response.on('error', () => {})
        lie(response)
      })
      .listen(socketOf(liar, name)),
  )
  await Promise.all(servers.map((server) => once(server, 'listening')))
  let [commands, longest, controls] = [0, 0, 0]
  try {
    for (const [what, answer] of Object.entries(LIES)) {
      lie = answer
      for (const words of WORDS.slice(0, what === 'says nothing' || what === 'drips' ? 1 : 4)) {
        const beganMs = performance.now()
        const said = await Promise.race([
          liar.run(...words.split(' ')),
          pause(COMMAND_MS_MAX).then(() => assert.fail(`${words}: held by one that ${what}`)),
        ])
        longest = Math.max(longest, performance.now() - beganMs)
        commands += 1
        assert.notEqual(said.status, 0, `${words}: one that ${what}`)
        controls += [...said.stdout, ...said.stderr].filter(isControl).length
      }
    }
  } finally {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  }
  assert.equal(controls, 0)
  row(
    t,
    108,
    `${commands} commands against ${Object.keys(LIES).length} lies: all end, the longest in ${(longest / 1000).toFixed(1)} s, ${controls} raw control bytes`,
  )
})
