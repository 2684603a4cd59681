/** The server on real sockets: what it takes, what it refuses, who it says is calling. */
import assert from 'node:assert/strict'
import { linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Ask, json, type Route, Router } from '../../src/api/router.ts'
import { ApiServer, type SocketSpec } from '../../src/api/server.ts'
import { SUBMIT_BYTES_MAX } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import { callerOf } from '../../src/daemon/caller.ts'
import { groupId } from '../../src/daemon/groups.ts'
import { peerReader } from '../../src/daemon/peer-credentials.ts'
import { row } from '../lab/row.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-api-'))
after(() => rmSync(dir, { recursive: true }))
const reader = await peerReader()
let sockets = 0

interface Served {
  readonly path: string
  readonly asks: Ask[]
  readonly bugs: unknown[]
}

const ROLES = ['decide'] as const

async function serve(
  use: (served: Served) => Promise<void>,
  handle: (ask: Ask) => unknown = () => ({ ok: true }),
  spec: Partial<SocketSpec> = {},
): Promise<void> {
  const path = spec.path ?? join(dir, `${++sockets}.sock`)
  const [asks, bugs]: [Ask[], unknown[]] = [[], []]
  const answer = async (ask: Ask) => {
    asks.push(ask)
    return json((await handle(ask)) as object)
  }
  const routes = (['GET', 'POST'] as const).map(
    (method): Route => ({ method, path: '/v1/thing/{id}', roles: ROLES, handle: answer }),
  )
  const names = { rules: [], keys: [], nameFor: () => null, principalOf: () => null }
  const server = await ApiServer.open(
    [{ path, mode: 0o660, role: 'decide', principal: null, ...spec }],
    {
      router: new Router(routes),
      monotonicMs: () => performance.now(),
      identify: (socket, { path: at, principal }) => {
        const kernel = reader?.credentials(socket) ?? null
        const caller = () => callerOf(kernel, { path: at, principal }, names)
        return { uid: kernel?.uid ?? null, caller }
      },
      bug: (error) => bugs.push(error),
    },
  )
  try {
    await use({ path, asks, bugs })
  } finally {
    await server.close(100)
  }
}

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

function send(
  socketPath: string,
  target: string,
  body: string | null = null,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const method = body === null ? 'GET' : 'POST'
  return new Promise((resolve, reject) => {
    const options = { socketPath, path: target, method, headers, agent: false }
    const request = http.request(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      )
    })
    request.on('error', reject)
    request.end(body ?? undefined)
  })
}

/** Raw bytes, and all that comes back until the server closes. */
function raw(path: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let got = ''
    const socket = net.connect(path, () => socket.write(text))
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      got += chunk
    })
    socket.on('close', () => resolve(got))
    socket.on('error', () => resolve(got))
  })
}

test('a body arrives whole, with its path, query and headers, and the request id comes back', async () => {
  await serve(async ({ path, asks }) => {
    const answer = await send(path, '/v1/thing/sha256:00?ms=7', '{"a":1}', { 'x-request-id': 'r1' })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['x-request-id'], 'r1')
    assert.equal(answer.headers['cache-control'], 'no-store')
    const [ask] = asks
    assert.equal(ask?.parameters.get('id'), 'sha256:00')
    assert.equal(ask?.query.get('ms'), '7')
    assert.equal(Buffer.from(ask?.body ?? []).toString(), '{"a":1}')
    assert.equal((await send(path, '/v1/thing/sha256%3A00')).status, 200)
    assert.equal(asks[1]?.parameters.get('id'), 'sha256:00')
  })
})

test('a path is what stands in the request line, and a header that came twice is two', async () => {
  const handled: Ask[] = []
  await serve(
    async ({ path }) => {
      const head = 'GET /v1/thing/..%2f?b=/../%2e HTTP/1.1\r\nHost: meshd\r\nX-A: 1\r\nX-A: 2\r\n'
      assert.match(await raw(path, `${head}Connection: close\r\n\r\n`), / 200 /)
      assert.doesNotMatch(
        await raw(path, 'GET //v1/thing/1 HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n'),
        / 200 /,
      )
    },
    (ask) => {
      handled.push(ask)
      return {}
    },
  )
  assert.equal(handled.length, 1)
  const [ask] = handled
  assert.equal(ask?.path, '/v1/thing/..%2f')
  assert.equal(ask.search, '?b=/../%2e')
  assert.deepEqual(ask.headers('x-a'), ['1', '2'])
  assert.deepEqual(ask.headers('x-b'), [])
})

test('96: the kernel says who calls', async (t) => {
  await serve(async ({ path, asks }) => {
    await send(path, '/v1/thing/1')
    const [ask] = asks
    if (ask?.caller.identified !== true) return t.skip('this kernel says nothing')
    assert.equal(ask.caller.uid, process.getuid?.())
    assert.equal(ask.caller.pid, process.pid)
    assert.equal(ask.caller.socket, path)
  })
})

test('98: a body beyond its bound is refused while it comes, and the next request is served', async () => {
  await serve(async ({ path, asks }) => {
    const large = await send(path, '/v1/thing/1', 'x'.repeat(SUBMIT_BYTES_MAX + 1)).catch(
      (error: NodeJS.ErrnoException) => ({ status: 413, code: error.code }),
    )
    assert.equal(large.status, 413)
    assert.equal(asks.length, 0)
    assert.equal((await send(path, '/v1/thing/1', 'x'.repeat(SUBMIT_BYTES_MAX))).status, 200)
  })
})

test('98: two lengths, a length beside chunks, and a request that is none get no answer of ours', async () => {
  await serve(async ({ path, asks }) => {
    const head = 'POST /v1/thing/1 HTTP/1.1\r\nHost: meshd\r\n'
    for (const text of [
      `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
      `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      'nonsense\r\n\r\n',
    ]) {
      assert.doesNotMatch(await raw(path, text), / 200 /)
    }
    assert.equal(asks.length, 0)
  })
})

test('who goes away in the middle of a body is no fault of this program', async () => {
  await serve(async ({ path, asks, bugs }) => {
    const head = 'POST /v1/thing/1 HTTP/1.1\r\nHost: meshd\r\nContent-Length: 99\r\n\r\nhalf'
    const socket = net.connect(path, () => socket.write(head))
    // What was sent has arrived once the next one is answered.
    await new Promise((connected) => socket.once('connect', connected))
    await send(path, '/v1/thing/1')
    socket.destroy()
    await new Promise((closed) => socket.once('close', closed))
    await send(path, '/v1/thing/1')
    assert.deepEqual([asks.length, bugs], [2, []])
  })
})

test('a path that is not there, or not one, is a problem', async () => {
  await serve(async ({ path }) => {
    for (const target of ['/', '/v1/thing', '/v1/thing/', '/v1/../v1/thing', '/v1//thing/1']) {
      assert.equal((await send(path, target)).status, 404, target)
    }
  })
})

test('what a handler throws is a problem; what is no MeshError is a bug, and says nothing', async () => {
  const thrown: Error[] = [new MeshError('NOT_READY', 'sealed'), new Error('a secret')]
  await serve(
    async ({ path, bugs }) => {
      const first = await send(path, '/v1/thing/1')
      assert.equal(first.status, 503)
      assert.equal(JSON.parse(first.text).code, 'NOT_READY')
      const second = await send(path, '/v1/thing/1')
      assert.equal(second.status, 500)
      assert.doesNotMatch(second.text, /secret/)
      assert.equal(bugs.length, 1)
    },
    () => {
      throw thrown.shift()
    },
  )
})

test('a client that goes away ends what was waited for', async () => {
  const ended = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  await serve(
    async ({ path }) => {
      const request = http.get({ socketPath: path, path: '/v1/thing/1', agent: false })
      request.on('error', () => undefined)
      await begun.promise
      request.destroy()
      await ended.promise
    },
    ({ signal }) => {
      signal.addEventListener('abort', () => ended.resolve())
      begun.resolve()
      return ended.promise.then(() => ({}))
    },
  )
})

test('a socket has its mode, is not taken from a daemon that lives, and is from one that died', async (t) => {
  const path = join(dir, 'own.sock')
  await serve(
    async () => {
      assert.equal(statSync(path).mode & 0o777, 0o660)
      const second = serve(async () => undefined, undefined, { path })
      await assert.rejects(
        second,
        (error) => error instanceof MeshError && error.code === 'NOT_READY',
      )
      assert.equal((await send(path, '/v1/thing/1')).status, 200, 'the first still serves')
    },
    undefined,
    { path },
  )
  // A second name of a socket's file outlives its server, as the file of a killed process does.
  const [first, stale] = [join(dir, 'first.sock'), join(dir, 'stale.sock')]
  const dead = net.createServer().listen(first)
  await new Promise((listening) => dead.once('listening', listening))
  linkSync(first, stale)
  await new Promise((closed) => dead.close(closed))
  await serve(async () => assert.equal((await send(stale, '/v1/thing/1')).status, 200), undefined, {
    path: stale,
  })
  writeFileSync(path, '')
  const onFile = serve(async () => undefined, undefined, { path })
  await assert.rejects(
    onFile,
    (error) => error instanceof MeshError && error.code === 'CONFIG_INVALID',
  )
  row(t, 96, '0 wider than 0660')
  row(t, 103, '0 wider than asked at any moment')
})

test('a socket is its group’s before it is wide, and so is the folder that was made for it', {
  skip: process.getuid?.() !== 0 && 'root alone may give files away',
}, async () => {
  const gid = 54_321
  const path = join(dir, 'made', 'a.sock')
  await serve(
    async () => {
      const [socket, folder] = [statSync(path), statSync(join(dir, 'made'))]
      assert.deepEqual([socket.gid, socket.mode & 0o777], [gid, 0o660])
      assert.deepEqual([folder.gid, folder.mode & 0o777], [gid, 0o750])
    },
    undefined,
    { path, gid },
  )
})

test('a socket that cannot be given to its group is not left behind, listening', async () => {
  const path = join(dir, 'ungiven.sock')
  const opened = serve(async () => undefined, undefined, { path, gid: 2 ** 32 })
  await assert.rejects(
    opened,
    (error) => error instanceof MeshError && error.code === 'CONFIG_INVALID',
  )
  await assert.rejects(send(path, '/v1/thing/1'), /ENOENT/)
})

test('a group is found by its whole name, and what is no line of a group is none', () => {
  const text = 'root:x:0:\nmeshd:x:990:dana\n# meshd-read:x:1:\nmeshd-read:x:991:\nbad\nx:y:zz:\n'
  assert.equal(groupId('meshd', text), 990)
  assert.equal(groupId('meshd-read', text), 991)
  for (const name of ['mesh', 'dana', 'bad', 'x', '']) assert.equal(groupId(name, text), null, name)
})
