/** What is measured: texts of the kernel, parts of which a process chooses, statements of builders, words of collectors. */
import { utf8 } from '../../src/core/bytes.ts'
import { preAuthentication } from '../../src/core/dsse.ts'
import { type Facts, factsOf, meshdOf } from '../../src/core/facts.ts'
import { parseAttestation } from '../../src/core/in-toto.ts'
import { signerOf } from '../../src/core/keys.ts'
import { parseCgroup } from '../../src/daemon/cgroup.ts'
import { parseCollected } from '../../src/daemon/collector-run.ts'
import { parseImageDigest } from '../../src/daemon/environment.ts'
import { parseLockdown, parseSecureBoot } from '../../src/daemon/host-facts.ts'
import { parsePidfdInfo, parseStarted, parseTracing } from '../../src/daemon/proc.ts'
import { jsonTarget, type Target, target, textTarget } from './target.ts'

const builder = signerOf(new Uint8Array(32).fill(7))
const ATTESTED = 'application/vnd.in-toto+json'
const STATEMENT = `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1","subject":[{"digest":{"sha256":"${'ab'.repeat(32)}"},"name":"x"}]}`
const OUTPUTS = new Map([
  ['free', 'integer'],
  ['tier', 'text'],
] as const)

function attestation(): Uint8Array {
  const payload = utf8(STATEMENT)
  const sig = builder.sign(preAuthentication(ATTESTED, payload))
  const [body, signed] = [payload, sig].map((bytes) => Buffer.from(bytes).toString('base64'))
  return utf8(
    `{"payload":"${body}","payloadType":"${ATTESTED}","signatures":[{"sig":"${signed}"}]}`,
  )
}

const spellings = 'one field of a text that the kernel writes'

const FACTS: Facts = {
  node: { id: builder.did, name: 'atlas', labels: new Map([['zone', 'a']]) },
  runtime: {
    ...{
      uid: 1000,
      gid: 1000,
      pid: 42,
      started: 7,
      socket: '/run/meshd.sock',
      exe: 'ab'.repeat(32),
    },
    ...{ path: '/usr/bin/a', unit: 'a.service', container: null },
    attested: new Map([['slsa', 'https://slsa.dev/provenance/v1']]),
  },
  env: {
    ...{ labels: new Map([['env', 'prod']]), files: new Map([['app', 'cd'.repeat(32)]]) },
    host: { kernel: '6.1', boot: null, lockdown: 'none', secureBoot: true, image: null },
    collected: new Map([['disk', new Map<string, string | number | boolean>([['free', 12]])]]),
  },
  gov: { mesh: null, root: 2, digest: 'ef'.repeat(32), bundles: new Map([['agents', 7]]) },
}

export const PROC_TARGETS: readonly Target[] = [
  jsonTarget({
    ...{ name: 'facts', runs: ['core/facts.ts factsOf'], parse: factsOf, print: meshdOf },
    corpus: [meshdOf(FACTS)],
  }),
  textTarget({
    ...{ name: 'cgroup', runs: ['daemon/cgroup.ts parseCgroup'], parse: parseCgroup, spellings },
    corpus: [
      '1:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n',
      `0::/machine.slice/libpod-${'ab'.repeat(32)}.scope/container\n`,
    ],
  }),
  textTarget({
    ...{ name: 'pidfd-info', runs: ['daemon/proc.ts parsePidfdInfo'], parse: parsePidfdInfo },
    ...{ spellings, corpus: ['pos:\t0\nflags:\t02000002\nPid:\t4242\nNSpid:\t4242\n'] },
  }),
  textTarget({
    ...{ name: 'proc-stat', runs: ['daemon/proc.ts parseStarted'], parse: parseStarted, spellings },
    corpus: ['4242 (a) R 1) S 1 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 2\n'],
  }),
  target({
    ...{ name: 'attestation', runs: ['core/in-toto.ts parseAttestation'], corpus: [attestation()] },
    ...{ parse: (bytes) => parseAttestation(bytes, [builder.did]), spellings: 'others print it' },
  }),
  target({
    ...{ name: 'collected', runs: ['daemon/collector-run.ts parseCollected'] },
    parse: (bytes) => parseCollected(bytes, OUTPUTS),
    ...{ spellings: 'others print it', corpus: [utf8('{"free":12,"tier":"gold"}')] },
  }),
  textTarget({
    ...{ name: 'image-digest', runs: ['daemon/environment.ts parseImageDigest'] },
    ...{ parse: parseImageDigest, spellings: 'with the end of a line, or without' },
    corpus: [`sha256:${'ab'.repeat(32)}\n`],
  }),
  textTarget({
    ...{ name: 'lockdown', runs: ['daemon/host-facts.ts parseLockdown'], parse: parseLockdown },
    ...{ spellings, corpus: ['none [integrity] confidentiality\n'] },
  }),
  target({
    ...{ name: 'secure-boot', runs: ['daemon/host-facts.ts parseSecureBoot'], spellings },
    ...{ parse: parseSecureBoot, corpus: [Uint8Array.of(6, 0, 0, 0, 1)] },
  }),
  textTarget({
    ...{ name: 'capabilities', runs: ['daemon/proc.ts parseTracing'], parse: parseTracing },
    ...{ spellings, corpus: ['CapPrm:\t0\nCapEff:\t000001ffffffffff\n'] },
  }),
]
