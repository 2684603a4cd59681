/** What this node measures of its host: files that say it, and a kernel that does or does not. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { toBase64, utf8 } from '../../src/core/bytes.ts'
import { preAuthentication } from '../../src/core/dsse.ts'
import { signerOf } from '../../src/core/keys.ts'
import { Environment, parseImageDigest } from '../../src/daemon/environment.ts'
import { hostFacts, parseLockdown, parseSecureBoot } from '../../src/daemon/host-facts.ts'
import { type Config, configSchema, withDefaults } from '../../src/daemon/schema.ts'
import { VirtualClock } from '../sim/clock.ts'

const dir = mkdtempSync(join(tmpdir(), 'meshd-environment-'))
after(() => rmSync(dir, { recursive: true }))
const at = (name: string) => join(dir, name)

function configOf(environment: object): Config['environment'] {
  const around = { hostname: 'a', root: true, home: '', configHome: '', stateHome: '' }
  const file = configSchema.parse({ version: 1, environment })
  return withDefaults(file, { ...around, runtimeDir: null }).environment
}

async function opened(environment: object) {
  const told: string[] = []
  const ports = { clock: new VirtualClock(1), tell: (what: string) => void told.push(what) }
  return { of: await Environment.open(configOf(environment), ports), told }
}

const builder = signerOf(new Uint8Array(32).fill(7))
const stranger = signerOf(new Uint8Array(32).fill(8))

test('the image is what the file says, and no fact when it says something else', async () => {
  const digest = `sha256:${'ab'.repeat(32)}`
  for (const text of ['', digest.slice(1), `${digest}\n\n`, ` ${digest}`, digest.toUpperCase()])
    assert.throws(() => parseImageDigest(text))
  writeFileSync(at('image'), `${digest}\n`)
  const { of, told } = await opened({ image_digest_file: at('image') })
  assert.equal(of.measured().env.host.image, digest)
  assert.equal(of.measured(), of.measured())
  writeFileSync(at('other'), 'latest\n')
  await of.use(configOf({ image_digest_file: at('other') }))
  assert.equal(of.measured().env.host.image, null)
  assert.equal(told.length, 1)
  await of.use(configOf({}))
  assert.equal(of.measured().env.host.image, null)
  of.stop()
})

test('a statement counts for the keys that the configuration trusts now', async () => {
  const type = 'application/vnd.in-toto+json'
  const exe = 'ab'.repeat(32)
  const statement = {
    ...{ _type: 'https://in-toto.io/Statement/v1', predicateType: 'https://slsa.dev/x' },
    subject: [{ digest: { sha256: exe } }],
  }
  const payload = utf8(JSON.stringify(statement))
  const sig = toBase64(builder.sign(preAuthentication(type, payload)))
  const envelope = { payloadType: type, payload: toBase64(payload), signatures: [{ sig }] }
  writeFileSync(at('build'), JSON.stringify(envelope))
  const trusting = (did: string) => ({ attestations: { b: { file: at('build'), keys: [did] } } })
  const { of, told } = await opened(trusting(builder.did))
  assert.equal(of.measured().attestations.get('b')?.subjects.has(exe), true)
  await of.use(configOf(trusting(stranger.did)))
  assert.equal(of.measured().attestations.size, 0)
  assert.match(told[0] ?? '', /build, is no fact/)
  of.stop()
})

test('what the configuration cannot mean is refused', () => {
  const collector = { command: ['/bin/x'], every: '5s', outputs: { a: 'text' } }
  const of = (change: object) => ({ collectors: { disk: { ...collector, ...change } } })
  assert.equal(configOf(of({})).collectors.get('disk')?.freshMs, 12_000)
  for (const bad of [
    of({ command: ['x'] }),
    of({ command: [] }),
    of({ command: '/bin/x' }),
    of({ every: '500ms' }),
    of({ fresh_for: '4s' }),
    of({ outputs: { a: 'number' } }),
    of({ shell: true }),
    { collectors: { 'a.b': collector } },
    { attestations: { b: { file: '/x', keys: [] } } },
    { attestations: { b: { file: '/x', keys: ['did:key:zzz'] } } },
    { image_digest_file: 'image' },
  ])
    assert.throws(() => configOf(bad), JSON.stringify(bad))
})

test('a kernel that says nothing of itself leaves it out', () => {
  assert.deepEqual(
    hostFacts(() => null),
    { kernel: null, boot: null, lockdown: null, secureBoot: null },
  )
  const says: Readonly<Record<string, Buffer>> = {
    '/proc/sys/kernel/osrelease': Buffer.from('6.12.30-1\n'),
    '/proc/sys/kernel/random/boot_id': Buffer.from('a b\n'),
    '/sys/kernel/security/lockdown': Buffer.from('none [integrity] confidentiality\n'),
  }
  const { kernel, boot, lockdown } = hostFacts((path) => says[path] ?? null)
  assert.deepEqual([kernel, boot, lockdown], ['6.12.30-1', null, 'integrity'])
  assert.equal(parseLockdown('none integrity confidentiality\n'), null)
  assert.equal(parseSecureBoot(Uint8Array.of(6, 0, 0, 0, 1)), true)
  assert.equal(parseSecureBoot(Uint8Array.of(6, 0, 0, 0, 0)), false)
  for (const bytes of [null, Uint8Array.of(1), Uint8Array.of(6, 0, 0, 0, 2)])
    assert.equal(parseSecureBoot(bytes), null)
})
