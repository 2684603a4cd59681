/** /v1/events of real daemons, read by `meshd/client`: over a restart nothing is missed, and a caller sees its own. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { type EventOptions, Mesh, type MeshEvent } from '../../src/client/index.ts'
import { authorize, eventually, grant, Lab } from './lab.ts'

const lab = new Lab()
let host: Host

before(async () => {
  ;[host] = (await lab.mesh(['atlas'])) as [Host]
})

after(() => lab[Symbol.asyncDispose]())

const of = (socket: 'read' | 'meshd') =>
  new Mesh({ socket: join(host.socketsDir, `${socket}.sock`) })

/** Keeps what it is told until it is stopped. */
class Listening {
  readonly told: MeshEvent[] = []
  readonly #over = new AbortController()
  readonly #done: Promise<void>

  constructor(mesh: Mesh, options: EventOptions) {
    this.#done = this.#listen(mesh.events({ ...options, signal: this.#over.signal }))
  }

  async #listen(events: AsyncGenerator<MeshEvent>): Promise<void> {
    for await (const each of events) this.told.push(each)
  }

  /** The indexes of records among them. */
  get indexes(): readonly number[] {
    return this.told.flatMap(({ id }) => (id === null ? [] : [Number(id.split('.')[1])]))
  }

  of(type: string): readonly MeshEvent['data'][] {
    return this.told.flatMap((each) => (each.type === type ? [each.data] : []))
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#done
  }
}

const RECORDS = ['decision', 'outcome', 'statement', 'artifact', 'system', 'epoch']

async function sizeOf(): Promise<number> {
  const { items } = await host.ask<{ items: { index: number }[] }>('audit', 'list', '--limit', '1')
  return (items[0]?.index ?? -1) + 1
}

test('events resume over a restart of the daemon: every record once, in order', async () => {
  const all = new Listening(of('read'), { types: RECORDS, after: '1.0' })
  const denials = new Listening(of('read'), {
    types: ['decision'],
    filter: 'outcome:deny',
    after: '1.0',
  })
  await authorize(host)
  await host.stop('SIGKILL')
  host.start()
  await host.answers()
  await host.do('wait', '--for', 'ready', '--timeout', '30s')
  await authorize(host)
  await grant(host)
  await authorize(host)
  const size = await sizeOf()
  await eventually(
    'all records',
    async () => all.indexes,
    (indexes) => indexes.length >= size - 1,
  )
  assert.deepEqual(
    all.indexes,
    Array.from({ length: size - 1 }, (_, i) => i + 1),
  )
  await eventually(
    'the denials',
    async () => denials.told.length,
    (count) => count === 2,
  )
  await Promise.all([all.stop(), denials.stop()])
  assert.deepEqual(denials.of('gap'), [])
})

test('on its own socket a caller is told its own decisions, their outcomes and executions, and no more', async () => {
  const own = new Listening(of('meshd'), {})
  const all = new Listening(of('read'), {})
  await eventually(
    'a lease',
    async () => all.of('lease').length,
    (count) => count > 0,
  )
  const mesh = of('meshd')
  await mesh.guard({ action: 'job:deploy', resource: 'env:staging' }, () => undefined)
  await host.do('freeze', 'action:other', '--yes')
  await host.do('unfreeze', 'action:other', '--yes')
  await eventually(
    'the outcome',
    async () => own.of('outcome').length,
    (count) => count === 1,
  )
  await eventually(
    'the statements',
    async () => all.of('statement').length,
    (count) => count >= 2,
  )
  assert.deepEqual([...new Set(own.told.map(({ type }) => type))].sort(), [
    ...['decision', 'execution', 'outcome'],
  ])
  const states = own.of('execution').map(({ state }) => state)
  assert.deepEqual(states, ['running', 'ended'])
  await Promise.all([own.stop(), all.stop()])
  await assert.rejects(
    of('meshd')
      .events({ types: ['statement'] })
      .next(),
    /USAGE/,
  )
})

test('a reader that takes nothing holds nothing up, and a daemon that stops ends its streams', async () => {
  const deaf = net.connect(join(host.socketsDir, 'read.sock'))
  deaf.on('error', () => {}) // The daemon cuts it in the end.
  deaf.pause()
  deaf.write('GET /v1/events?after=1.0 HTTP/1.1\r\nhost: meshd\r\n\r\n')
  for (let i = 0; i < 20; i += 1) assert.equal((await authorize(host)).decision, true)
  assert.equal(await host.stop(), 0)
  deaf.destroy()
})
