/** A debugger reads every key and rewrites every check: a daemon that has one open does not start (FAULTS 104). */
import { url } from 'node:inspector'
import { MeshError } from '../core/problems.ts'

/**
 * The launcher keeps its signal from opening one later (--disable-sigusr1);
 * NODE_OPTIONS may have opened one already.
 * @throws MeshError CONFIG_INVALID
 */
export function refuseDebugger(): void {
  const open = url()
  if (open === undefined) return
  throw new MeshError('CONFIG_INVALID', `a debugger is open at ${new URL(open).host}`, {
    hint: 'take --inspect out of NODE_OPTIONS',
  })
}
