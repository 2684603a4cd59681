/** init that is killed at any moment leaves a half that is refused, or made whole by running it again; never a node that forgot. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { after, test } from 'node:test'
import type { Host } from '../../src/cli/stage.ts'
import { authorize, grant, Lab } from '../e2e/lab.ts'
import { row } from './row.ts'
import { LONG } from './shim.ts'

const LAUNCHER = resolve(import.meta.dirname, '../../bin/meshd.js')
const KILLS = LONG ? 60 : 10

const lab = new Lab()
after(() => lab[Symbol.asyncDispose]())

/** How long an init takes that nobody kills; null when it was killed in time. */
async function init(host: Host, killAfterMs: number | null): Promise<number | null> {
  const beganMs = performance.now()
  const child = spawn(process.execPath, [LAUNCHER, 'init', '--mesh', 'prod', '--no-input'], {
    env: host.env,
    stdio: 'ignore',
  })
  const kill =
    killAfterMs === null ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  await once(child, 'close')
  clearTimeout(kill)
  return child.signalCode === null ? performance.now() - beganMs : null
}

test('an init that was killed is run again, and what it then has is one whole node', async (t) => {
  const wholeMs = (await init(lab.host('whole'), null)) ?? 0
  let killed = 0
  let refused = 0
  for (let i = 0; i < KILLS; i += 1) {
    const host = lab.host(`host-${i}`)
    // Node itself takes the first half of the time.
    const atMs = wholeMs * (0.4 + (0.6 * i) / KILLS)
    if ((await init(host, atMs)) !== null) continue
    killed += 1
    const again = await host.run('init', '--mesh', 'prod')
    if (again.status !== 0) {
      // Everything was there already: then it starts as it is.
      assert.match(again.stderr, /CONFLICT|already/, `killed after ${atMs} ms: ${again.stderr}`)
      refused += 1
    }
    host.start()
    await host.do('wait', '--for', 'ready', '--timeout', '30s')
    await host.do('audit', 'verify')
    await host.stop('SIGKILL')
  }
  assert.ok(killed > 0, 'some were killed')
  row(
    t,
    6,
    `${killed} kills of ${KILLS}: ${killed - refused} made whole by a second run, ${refused} whole already, 0 halves`,
  )
  const last = lab.host('after')
  await last.do('init', '--mesh', 'prod')
  last.start()
  await last.do('wait', '--for', 'ready', '--timeout', '30s')
  await grant(last)
  assert.equal((await authorize(last)).code, null)
})
