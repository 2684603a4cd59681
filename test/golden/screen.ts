/**
 * One command as it is typed, against a daemon that gives prepared answers on
 * a real socket: the real client, the real rendering, a clock that stands still.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { main } from '../../src/cli/main.ts'

/** `GET /v1/status` → its answer; a function is called for it. */
export type Answers = Readonly<Record<string, unknown>>

export interface Screen {
  readonly env?: Readonly<Record<string, string>>
  /** Width of the terminal; none without. */
  readonly columns?: number
  /** Answered to everything. */
  readonly problem?: { readonly status: number; readonly body: object }
}

export class Desk {
  readonly dir = mkdtempSync(join(tmpdir(), 'meshd-golden-'))
  readonly keyStore = join(this.dir, 'keys')
  #answers: Answers = {}
  #problem: Screen['problem'] = undefined
  readonly #server = http.createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const answer = this.#answers[`${request.method} ${path}`]
    const value = typeof answer === 'function' ? answer() : answer
    response.statusCode = this.#problem?.status ?? (answer === undefined ? 404 : 200)
    response.end(
      JSON.stringify(this.#problem?.body ?? value ?? missing(`${request.method} ${path}`)),
    )
  })
  readonly #now: Date

  constructor(now: Date) {
    this.#now = now
  }

  async open(): Promise<void> {
    const path = join(this.dir, 'sock')
    await new Promise<void>((done) => this.#server.listen(path, done))
  }

  close(): void {
    this.#server.close()
    rmSync(this.dir, { recursive: true })
  }

  /** stdout, stderr and the exit status, as one text. */
  async type(words: readonly string[], answers: Answers, screen: Screen = {}): Promise<string> {
    this.#answers = answers
    this.#problem = screen.problem
    const stdout = new Paper(screen.columns ?? null)
    const stderr = new Paper(null)
    const io = {
      stdout,
      stderr,
      stdin: process.stdin,
      env: {
        HOME: this.dir,
        LANG: 'C.UTF-8',
        MESHD_KEY_STORE: this.keyStore,
        ...screen.env,
      },
      now: () => this.#now,
    }
    const socket = ['--socket', join(this.dir, 'sock'), '--no-input']
    const status = await main([...words, ...socket], io)
    const said = stderr.text === '' ? '' : `-- stderr --\n${stderr.text}`
    return `${stdout.text}${said}-- exit ${status} --\n`.replaceAll(this.dir, '<dir>')
  }
}

function missing(what: string): object {
  return { code: 'NOT_FOUND', detail: `no answer was prepared for ${what}`, hint: 'add one' }
}

class Paper extends Writable {
  readonly isTTY: boolean
  readonly columns: number
  text = ''

  constructor(columns: number | null) {
    super()
    this.isTTY = columns !== null
    this.columns = columns ?? 0
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
