/** Texts of /proc, as far as a caller's identity rests on them (proc(5)). What is not as expected is null. */

/**
 * The number of the process behind a pidfd: -1 once it is gone, 0 where it cannot be seen.
 *
 *     pos:	0
 *     Pid:	4242
 *     NSpid:	4242
 */
export function parsePidfdInfo(text: string): number | null {
  const [, pid] = /^Pid:\t(0|-1|[1-9]\d{0,9})$/m.exec(text) ?? []
  return pid === undefined ? null : Number(pid)
}

/** Field 22 of /proc/<pid>/stat. */
const STARTED_FIELD = 22

/**
 * When a process began, in clock ticks since the boot: with its number it names it for ever.
 *
 *     4242 (a) R 1) S 1 4242 …
 *
 * A process calls itself what it likes, also `a) R 1`; what follows the last parenthesis is the kernel's.
 */
export function parseStarted(text: string): number | null {
  const fields = text.slice(text.lastIndexOf(')') + 1).split(' ')
  // The first field after the name is the third, and a space stands before it.
  const ticks = fields[STARTED_FIELD - 2] ?? ''
  return /^(0|[1-9]\d{0,14})$/.test(ticks) ? Number(ticks) : null
}

const CAP_SYS_PTRACE = 19n

/** From /proc/<pid>/status, `CapEff:	00000000a80435fb`: whether it may see what other users' processes run (capabilities(7)). */
export function parseTracing(text: string): boolean {
  const [, mask] = /^CapEff:\t([0-9a-f]{16})$/m.exec(text) ?? []
  return mask !== undefined && ((BigInt(`0x${mask}`) >> CAP_SYS_PTRACE) & 1n) === 1n
}
