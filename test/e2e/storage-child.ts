/** Appends for ever, and says each index once it is durable; storage.test.ts kills it in the middle. */
import type { Did } from '../../src/core/keys.ts'
import { Log } from '../../src/mesh/log.ts'
import type { Clock } from '../../src/mesh/ports.ts'
import { LevelStore } from '../../src/storage/level.ts'

const [directory = '', writers = '8'] = process.argv.slice(2)
const clock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}
const store = await LevelStore.open(directory, { bytes: 4096, marginBytes: 0 })
const node = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' as Did
const log = await Log.open({ store, clock, node })
log.openForAppends()
await Promise.all(
  Array.from({ length: Number(writers) }, async (_, writer) => {
    for (let i = 0; ; i += 1) {
      const draft = { type: 'system', event: 'test', detail: `${writer} ${i} ${'x'.repeat(200)}` }
      const { id, index } = await log.append(draft, (own) => [
        { space: 'nonce', key: own, value: new Uint8Array([writer]) },
      ])
      process.stdout.write(`${index} ${id}\n`)
    }
  }),
)
