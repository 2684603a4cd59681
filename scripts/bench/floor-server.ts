/**
 * The least that a daemon of this kind would have to do, in three steps, each
 * a server of its own. What meshd costs is measured against the last one.
 *
 *     echo     node:http answers
 *     cedar    and Cedar is asked, as meshd asks it: parsed beforehand, request validated
 *     audit    and a record of 573 bytes is synced to LevelDB, in groups, before the answer
 *
 *     node scripts/bench/floor-server.ts <echo|cedar|audit> <socket> <folder>
 */
import http from 'node:http'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { Level } from 'level'

const RECORD_BYTES = 573
const SCHEMA = `entity principal; entity repo;
action "tool:search" appliesTo { principal: principal, resource: repo, context: {} };`
const POLICY =
  '@id("agents-search") permit (principal, action == Action::"tool:search", resource is repo);'

const [kind = '', socket = '', folder = ''] = process.argv.slice(2)

cedar.preparseSchema('s', SCHEMA)
cedar.preparsePolicySet('p', { staticPolicies: { 'agents-search': POLICY } })

interface Asked {
  readonly subject: { readonly type: string; readonly id: string }
  readonly action: { readonly name: string }
  readonly resource: { readonly type: string; readonly id: string }
}

function judge({ subject, action, resource }: Asked): boolean {
  const answer = cedar.statefulIsAuthorized({
    principal: subject,
    action: { type: 'Action', id: action.name },
    resource,
    context: {},
    entities: [],
    preparsedSchemaName: 's',
    preparsedPolicySetId: 'p',
    validateRequest: true,
  })
  return answer.type === 'success' && answer.response.decision === 'allow'
}

/** Group commit: all that came while the disk was busy goes in the next batch. */
export class GroupCommit {
  readonly #db: Level<string, Uint8Array>
  #next = 0
  #waiting: { readonly record: Uint8Array; readonly done: () => void }[] = []
  #busy = false

  constructor(db: Level<string, Uint8Array>) {
    this.#db = db
  }

  append(record: Uint8Array): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ record, done })
      if (!this.#busy) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#busy = true
    // What arrives in this turn of the loop goes together.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, 128)
      await this.#db.batch(
        batch.map(({ record }) => ({
          type: 'put',
          key: String(this.#next++).padStart(12, '0'),
          value: record,
        })),
        { sync: true },
      )
      for (const { done } of batch) done()
    }
    this.#busy = false
  }
}

if (import.meta.main) {
  const db = new Level<string, Uint8Array>(folder, { valueEncoding: 'view' })
  await db.open()
  const log = new GroupCommit(db)
  const record = new Uint8Array(RECORD_BYTES).fill(97)
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      void answer(Buffer.concat(chunks)).then((body) => {
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': body.length,
        })
        response.end(body)
      })
    })
  })
  const answer = async (body: Buffer): Promise<string> => {
    if (kind === 'echo') return '{"decision":true}'
    const decision = judge(JSON.parse(body.toString()) as Asked)
    if (kind === 'audit') await log.append(record)
    return `{"decision":${decision}}`
  }
  server.listen(socket, () => console.log('ready'))
  process.on('SIGTERM', () => {
    server.close()
    server.closeAllConnections()
    void db.close()
  })
}
