/**
 * `--watch`: one view again and again. A terminal is redrawn in place; anything
 * else gets one line of JSON for each change, so that a program reads changes
 * and not the passing of time. A view that fails ends it: nothing old is shown
 * as if it were now.
 */
import { Writable } from 'node:stream'
import { jsonText } from '../core/text.ts'
import type { Globals, Io } from './context.ts'

const PACE_MS = 1_000
const INTERRUPTED = 130
const HOME = '\u001b[H'
const TO_LINE_END = '\u001b[K'
const TO_SCREEN_END = '\u001b[J'
/** What is another in each view although nothing changed. */
const PASSING = [
  'generatedAt',
  'remainingMs',
  'rttMs',
  'lastSeenAt',
  'at',
  'clockOffsetMs',
  'ageMs',
  'leaseRemainingMs',
]

export type Draw = (io: Io, globals: Globals) => Promise<number>

/** Until Ctrl-C. @param draw the command, to any streams */
export async function watch(io: Io, globals: Globals, draw: Draw, signal: AbortSignal) {
  const people = globals.output === 'table' || globals.output === 'wide'
  const redrawn = people && io.stdout.isTTY === true
  let last = ''
  while (!signal.aborted) {
    const page = new Page(io)
    const streams = { ...io, stdout: page, stderr: redrawn ? page : io.stderr }
    await draw(streams, redrawn ? globals : { ...globals, output: 'json' })
    if (redrawn) io.stdout.write(screenOf(page.text, io.stdout.rows))
    else if (page.text !== '') {
      const now = changeable(page.text)
      if (now !== last) io.stdout.write(`${jsonText(JSON.parse(page.text))}\n`)
      last = now
    }
    await passed(PACE_MS, signal)
  }
  return INTERRUPTED
}

/** As much of it as there are rows: one line more would scroll the first away. */
function screenOf(text: string, rows = Number.POSITIVE_INFINITY): string {
  const lines = text
    .split('\n')
    .slice(0, rows)
    .map((line) => `${line}${TO_LINE_END}`)
  return `${HOME}${lines.join('\n')}${TO_SCREEN_END}`
}

function changeable(json: string): string {
  return JSON.stringify(
    JSON.parse(json, (key, value: unknown) => (PASSING.includes(key) ? undefined : value)),
  )
}

function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms)
    const cut = () => {
      clearTimeout(timer)
      done()
    }
    signal.addEventListener('abort', cut, { once: true })
  })
}

/** What one view prints, as wide as the stream it will go to. */
class Page extends Writable {
  readonly isTTY: boolean
  readonly columns: number
  text = ''

  constructor({ stdout }: Io) {
    super()
    this.isTTY = stdout.isTTY === true
    this.columns = stdout.columns ?? 0
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
