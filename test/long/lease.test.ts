/** The bound of the lease over some thousand seeds; `npm run sim:lease -- --seeds 100000` is the whole proof. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const SEEDS = 4_000

test(`no allow is past the bound in ${SEEDS} runs, and some are where a rule is left out`, {
  timeout: 900_000,
}, (t) => {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'scripts/sim-lease.ts', '--seeds', String(SEEDS)],
    { encoding: 'utf8' },
  )
  for (const line of stdout.trimEnd().split('\n')) t.diagnostic(line)
  assert.equal(status, 0)
})
