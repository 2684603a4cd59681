/** Texts of the kernel, parts of which a process chooses: its name, and its groups. */
import { parseCgroup } from '../../src/daemon/cgroup.ts'
import { parsePidfdInfo, parseStarted, parseTracing } from '../../src/daemon/proc.ts'
import { type Target, textTarget } from './target.ts'

const spellings = 'one field of a text that the kernel writes'

export const PROC_TARGETS: readonly Target[] = [
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
  textTarget({
    ...{ name: 'capabilities', runs: ['daemon/proc.ts parseTracing'], parse: parseTracing },
    ...{ spellings, corpus: ['CapPrm:\t0\nCapEff:\t000001ffffffffff\n'] },
  }),
]
