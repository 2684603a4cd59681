/** `meshd mcp` with a client, a server and a daemon that are written by hand: what passes, what does not, and what is cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MCP_CALLS_MAX, MCP_MESSAGE_BYTES_MAX } from '../../src/core/limits.ts'
import { MeshError } from '../../src/core/problems.ts'
import { ALLOW, call, ID, PING, RUNNING, result, type Said, STOP, Stand } from './mcp.ts'

/** That nothing was sent before it: what comes next is a ping. */
async function nothingButPing(stand: Stand): Promise<void> {
  stand.asks(PING)
  assert.deepEqual(await stand.server.next(), PING)
}

test('a call that is allowed reaches the server, its answer the client, its outcome the record', async () => {
  const stand = new Stand()
  stand.asks(call(3, 'may-read', { path: 'a', depth: 2 }))
  assert.deepEqual(await stand.server.next(), call(3, 'may-read', { path: 'a', depth: 2 }))
  stand.answers(result(3, { structuredContent: { read: true } }))
  assert.deepEqual(await stand.client.next(), result(3, { structuredContent: { read: true } }))
  await stand.session.settled()
  assert.deepEqual(stand.daemon.asked, [
    {
      action: { name: 'tools/call', properties: { path: 'a', depth: 2 } },
      resource: { type: 'tool', id: 'may-read' },
    },
  ])
  assert.deepEqual(stand.daemon.outcomes, ['ok'])
})

test('what a tool says to have failed is recorded so', async () => {
  for (const answer of [
    result(1, { isError: true }),
    { jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'no' } },
  ]) {
    const stand = new Stand()
    stand.asks(call(1, 'may-read'))
    await stand.server.next()
    stand.answers(answer)
    assert.deepEqual(await stand.client.next(), answer)
    await stand.session.settled()
    assert.deepEqual(stand.daemon.outcomes, ['failed'])
  }
})

test('a call that is denied never reaches the server; the model reads why', async () => {
  const stand = new Stand()
  stand.asks(call('x', 'delete'))
  const { id, result: denied } = await stand.client.next()
  assert.deepEqual([id, denied.isError, denied.resultType], ['x', true, 'complete'])
  assert.deepEqual(denied._meta['meshd/decision'], { code: 'SCOPE_EXCEEDED', id: ID })
  assert.match(denied.content[0].text, /^meshd denied delete: SCOPE_EXCEEDED: granted less\. /)
  assert.match(denied.content[0].text, /meshd explain dec_00000000 \[sha256:0{64}\]$/)
  await nothingButPing(stand)
})

test('--deny-as=error: the same as an error of the protocol', async () => {
  const stand = new Stand({ denyAs: 'error' })
  stand.asks(call(1, 'delete'))
  const { error } = await stand.client.next()
  assert.equal(error.code, -32001)
  assert.deepEqual(error.data, { code: 'SCOPE_EXCEEDED', id: ID })
})

test('a server with a name has it in the names of its tools', async () => {
  const stand = new Stand({ server: 'files' })
  stand.asks(call(1, 'may-read'))
  await stand.server.next()
  assert.deepEqual(stand.daemon.asked[0]?.['resource'], { type: 'tool', id: 'files/may-read' })
})

test('a daemon that cannot be asked, fails, or answers garbage: nothing is called, nothing listed', async () => {
  const broken: readonly (() => Promise<typeof ALLOW>)[] = [
    () => Promise.reject(new MeshError('UNREACHABLE', 'nobody listens')),
    () => Promise.reject(new Error('surprise')),
    async () => JSON.parse('{}'),
    async () => JSON.parse('null'),
    async () => JSON.parse('{"decision":"true"}'),
    async () => JSON.parse(`{"decision":true,"id":"${ID}","leaseRemainingMs":"9"}`),
    async () => JSON.parse('{"decision":true,"id":null,"leaseRemainingMs":9}'),
  ]
  for (const open of broken) {
    const explain = async () => ({ ...(await open()), ...JSON.parse('{"decision":"yes"}') })
    const stand = new Stand({ api: { open, explain } })
    stand.asks(call(1, 'may-read'))
    assert.equal((await stand.client.next())['result'].isError, true)
    stand.asks({ jsonrpc: '2.0', id: 2, method: 'tools/list' })
    assert.equal((await stand.server.next())['method'], 'tools/list')
    stand.answers(result(2, { tools: [{ name: 'may-read', inputSchema: {} }] }))
    assert.deepEqual((await stand.client.next())['result'].tools, [])
    await nothingButPing(stand)
  }
})

test('an answer that came after its own end is no allow', async () => {
  let nowMs = 0
  const open = async () => {
    nowMs += 60_000
    return ALLOW
  }
  const stand = new Stand({ api: { open }, monotonicMs: () => nowMs })
  stand.asks(call(1, 'may-read'))
  const { result: denied } = await stand.client.next()
  assert.equal(denied._meta['meshd/decision'].code, 'GOVERNANCE_STALE')
  await nothingButPing(stand)
})

test('a list shows what may be called, with its cursor and all else', async () => {
  const stand = new Stand()
  stand.asks({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { cursor: 'b' } })
  assert.deepEqual((await stand.server.next())['params'], { cursor: 'b' })
  const tools = [{ name: 'may-read', title: 'Read' }, { name: 'delete' }, { title: 'nameless' }, 7]
  stand.answers(result(1, { tools, nextCursor: 'c', resultType: 'complete' }))
  const { result: shown } = await stand.client.next()
  assert.deepEqual(shown.tools, [tools[0]])
  assert.deepEqual([shown.nextCursor, shown.resultType], ['c', 'complete'])
})

test('a stop cuts the call: the client is told at once, the server to cancel, and its late answer is dropped', async () => {
  const stand = new Stand()
  stand.asks(call(7, 'may-run'))
  await stand.server.next()
  stand.daemon.poll.resolve(STOP)
  const { id, result: cut } = await stand.client.next()
  assert.deepEqual([id, cut.isError], [7, true])
  assert.match(cut.content[0].text, /^meshd stopped may-run: REVOKED: rev_0a77e4c1\./)
  const told = await stand.server.next()
  assert.deepEqual([told['method'], told['params'].requestId], ['notifications/cancelled', 7])
  // Until it has answered nobody else may have that id.
  stand.asks(call(7, 'may-run'))
  assert.match((await stand.client.next())['error'].message, /the id 7 is in use/)
  stand.answers(result(7, { late: true }))
  stand.answers({ jsonrpc: '2.0', method: 'notifications/message', params: {} })
  assert.equal((await stand.client.next())['method'], 'notifications/message')
  await stand.session.settled()
  assert.deepEqual(stand.daemon.outcomes, ['stopped'])
})

test('a daemon that was restarted, or falls silent until the lease ends, cuts it too', async () => {
  let nowMs = 0
  const forgot = () => Promise.reject(new MeshError('NOT_FOUND', 'no execution runs here'))
  const silent = () => {
    nowMs += 40_000
    return Promise.reject(new MeshError('UNREACHABLE', 'nobody listens'))
  }
  const lost = async () => {
    nowMs += 1_000
    return { ...RUNNING, leaseRemainingMs: 0 }
  }
  for (const [watch, code] of [
    [forgot, 'INTERNAL'],
    [silent, 'GOVERNANCE_STALE'],
    [lost, 'GOVERNANCE_STALE'],
  ] as const) {
    const stand = new Stand({ api: { watch }, monotonicMs: () => nowMs })
    stand.asks(call(1, 'may-run'))
    const { result: cut } = await stand.client.next()
    assert.equal(cut._meta['meshd/decision'].code, code)
  }
})

test('an answer to something else does not end the watch of a call', async () => {
  const stand = new Stand()
  stand.asks(call(5, 'may-run'))
  await stand.server.next()
  // The same id under another method would be answered, and the call taken for ended.
  stand.asks({ jsonrpc: '2.0', id: 5, method: 'ping' })
  assert.match((await stand.client.next())['error'].message, /in use/)
  stand.answers(result('5'))
  stand.daemon.poll.resolve(STOP)
  assert.equal((await stand.client.next())['result'].isError, true)
})

test('a call that its client cancels is told to the server, and nobody is answered', async () => {
  const stand = new Stand()
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
  stand.asks(call(1, 'may-run'))
  await stand.server.next()
  stand.asks(cancel)
  assert.deepEqual(await stand.server.next(), cancel)
  stand.answers(result(1))
  await stand.session.settled()
  assert.deepEqual(stand.daemon.outcomes, ['unknown'])
})

test('a call that is cancelled while it is decided never reaches the server', async () => {
  const decided = Promise.withResolvers<typeof ALLOW>()
  const stand = new Stand({ api: { open: () => decided.promise } })
  stand.asks(call(1, 'may-run'))
  stand.asks({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
  await nothingButPing(stand)
  decided.resolve(ALLOW)
  stand.answers(result('p'))
  assert.equal((await stand.client.next())['id'], 'p')
  await stand.session.settled()
  assert.deepEqual(stand.daemon.outcomes, ['failed'])
})

test('batches, doubled keys, calls without an id, and what is no message reach nobody', async () => {
  const stand = new Stand()
  const hostile = [
    `[${JSON.stringify(call(1, 'may-delete'))}]`,
    '{"jsonrpc":"2.0","id":2,"method":"tools/call","method":"ping","params":{"name":"may-delete"}}',
    '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"may","name":"may-delete"}}',
    'not json',
    '{"jsonrpc":"1.0","id":4,"method":"ping"}',
    '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":["may-delete"]}',
    '{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{"name":"may-delete"}}',
    '{"jsonrpc":"2.0","id":6,"method":"tools/call","result":{},"params":{"name":"may-delete"}}',
    JSON.stringify(call(7, 'may-delete', [] as never)),
    '{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":7}}',
    '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"may-run","task":{}}}',
  ]
  for (const line of hostile) {
    stand.asks(line)
    const { error } = await stand.client.next()
    assert.ok(error.code <= -32600, line)
  }
  stand.asks('{"jsonrpc":"2.0","method":"tools/call","params":{"name":"may-delete"}}')
  await nothingButPing(stand)
  assert.match(stand.said.join('\n'), /`tools\/call` without an id is not passed on/)
  assert.deepEqual(stand.daemon.asked, [])
})

test('what cannot be read is answered under the id that it seems to have', async () => {
  const stand = new Stand()
  stand.asks('{"jsonrpc":"2.0","id":2,"id":2,"method":"ping"}')
  assert.equal((await stand.client.next())['id'], 2)
  stand.asks('nothing')
  assert.equal((await stand.client.next())['id'], null)
})

test('what travels is what was judged: fields that nobody reads stay behind, numbers keep their digits', async () => {
  const stand = new Stand()
  const { promise, resolve } = Promise.withResolvers<string>()
  const raw = new Stand({
    api: {
      open: async (body) => {
        resolve(body)
        return ALLOW
      },
    },
  })
  stand.asks('{"jsonrpc":"2.0","extra":1,"id":1,"method":"ping","params":{"b":1,"a":2.50}}')
  assert.deepEqual(await stand.server.next(), {
    ...{ jsonrpc: '2.0', id: 1, method: 'ping', params: { b: 1, a: 2.5 } },
  })
  const line = '"row":1267650600228229401496703205376,"zero":-0,"half":0.5'
  raw.asks(
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"may","arguments":{${line}}}}`,
  )
  // Whoever decides sees the number as it is, and refuses it.
  assert.ok((await promise).includes(`"properties":{${line}}`))
})

test('arguments that no request holds are denied, and asked of nobody', async () => {
  const stand = new Stand()
  stand.asks(call(1, 'may-write', { text: 'x'.repeat(1_000_000) }))
  const { result: denied } = await stand.client.next()
  assert.equal(denied._meta['meshd/decision'].code, 'TOO_LARGE')
  await nothingButPing(stand)
  assert.deepEqual(stand.daemon.asked, [])
})

test('a line without an end, and one that is too long, are refused, and the next one is read', async () => {
  const stand = new Stand()
  const chunk = Buffer.alloc(1 << 20, 'x')
  for (let sent = 0; sent <= MCP_MESSAGE_BYTES_MAX; sent += chunk.length)
    stand.fromClient.write(chunk)
  stand.fromClient.write('\n')
  assert.match((await stand.client.next())['error'].message, /larger than/)
  await nothingButPing(stand)
})

test('a server that says more than a message may be is done: whoever waits is told', async () => {
  const stand = new Stand()
  stand.asks(call(1, 'may-run'))
  await stand.server.next()
  stand.fromServer.write(Buffer.alloc(MCP_MESSAGE_BYTES_MAX + 1, 'x'))
  stand.fromServer.write('\n')
  assert.match((await stand.client.next())['error'].message, /larger than/)
  stand.asks(call(2, 'may-run'))
  assert.match((await stand.client.next())['error'].message, /larger than/)
  await stand.session.settled()
  assert.deepEqual(stand.daemon.outcomes, ['unknown', 'unknown'])
})

test('an answer that cannot be read ends its call, and is not passed on', async () => {
  const stand = new Stand()
  stand.asks(call(1, 'may-run'))
  await stand.server.next()
  stand.answers('{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}')
  assert.match((await stand.client.next())['error'].message, /a key is there twice/)
})

test('a ticket for work that nobody would watch is not passed on', async () => {
  const stand = new Stand()
  stand.asks(call(1, 'may-run'))
  await stand.server.next()
  stand.answers(result(1, { resultType: 'task', taskId: 't' }))
  assert.match((await stand.client.next())['error'].message, /a ticket for work/)
  await stand.session.settled()
  assert.deepEqual(stand.daemon.outcomes, ['unknown'])
})

test('--strict: resources and prompts are decided too, and what is not known is refused', async () => {
  const stand = new Stand({ strict: true })
  const ask = (id: number, method: string, params: Said) =>
    stand.asks({ jsonrpc: '2.0', id, method, params })
  ask(1, 'resources/read', { uri: 'file:///may/a' })
  assert.equal((await stand.server.next())['method'], 'resources/read')
  ask(2, 'prompts/get', { name: 'may-greet', arguments: { who: 'ana' } })
  assert.equal((await stand.server.next())['method'], 'prompts/get')
  assert.deepEqual(
    stand.daemon.asked.map(({ action, resource }) => [action.name, resource.type, resource.id]),
    [
      ['resources/read', 'resource', 'file:///may/a'],
      ['prompts/get', 'prompt', 'may-greet'],
    ],
  )
  ask(3, 'prompts/get', { name: 'other' })
  assert.equal((await stand.client.next())['error'].code, -32001)
  ask(4, 'tasks/result', { taskId: 't' })
  assert.equal((await stand.client.next())['error'].code, -32601)
  stand.asks({ jsonrpc: '2.0', method: 'notifications/secret' })
  await nothingButPing(stand)
})

test('requests of the server, and their answers, pass', async () => {
  const stand = new Stand()
  const sampling = { jsonrpc: '2.0', id: 0, method: 'sampling/createMessage', params: { a: 1.5 } }
  stand.answers(sampling)
  assert.deepEqual(await stand.client.next(), sampling)
  stand.asks({ jsonrpc: '2.0', id: 0, result: { role: 'assistant' } })
  assert.deepEqual((await stand.server.next())['result'], { role: 'assistant' })
})

test('so many calls at once and no more', async () => {
  const stand = new Stand()
  for (let id = 0; id < MCP_CALLS_MAX; id++) stand.asks(call(id, 'may-run'))
  for (let id = 0; id < MCP_CALLS_MAX; id++) await stand.server.next()
  stand.asks(call('more', 'may-run'))
  const { result: denied } = await stand.client.next()
  assert.equal(denied._meta['meshd/decision'].code, 'TOO_MANY')
  stand.answers(result(0))
  await stand.client.next()
  stand.asks(call('again', 'may-run'))
  assert.equal((await stand.server.next())['id'], 'again')
})

test('a client that hangs up is decided for first; a server that ends is told of', async () => {
  const decided = Promise.withResolvers<typeof ALLOW>()
  const stand = new Stand({ api: { open: () => decided.promise } })
  stand.asks(call(1, 'may-run'))
  stand.fromClient.end()
  await new Promise((done) => stand.fromClient.once('end', done))
  decided.resolve(ALLOW)
  assert.equal((await stand.server.next())['id'], 1)
  stand.session.fail('it ended')
  assert.match((await stand.client.next())['error'].message, /it ended/)
  await stand.session.settled()
  assert.deepEqual(stand.daemon.outcomes, ['unknown'])
})
