/** What `meshd start` says on stdout: who this node is, where it listens, and whether it may allow. */
import type { Denial } from '../core/reasons.ts'
import type { Daemon } from '../daemon/daemon.ts'
import type { SocketSpec } from './server.ts'
import { bundleViews } from './status.ts'

export function banner(
  daemon: Daemon,
  { sockets, https }: { readonly sockets: readonly SocketSpec[]; readonly https: string | null },
  version: string,
): readonly string[] {
  const { node, network, clock } = daemon
  const { governance, mesh } = node.statements
  const { root, revocations, freezes, digest, size } = governance
  const member = governance.members.get(node.self)
  const name = member?.name ?? `${daemon.name} (not yet a member)`
  const bundles = bundleViews(governance, clock.wallMs()).map(
    ({ bundle, version: v, revoked }) =>
      `${bundle}@${v ?? '-'}${revoked === null ? '' : ' (revoked)'}`,
  )
  const frozen = [...freezes.values()].filter((each) => each.frozen).length
  const paths = sockets.map(({ path }) => path)
  const inMesh =
    mesh === null
      ? 'none: every request is denied'
      : root === null
        ? `${mesh.slice(0, 15)}…  its root is not known yet`
        : `${root.mesh}  root v${root.version}  ${mesh.slice(0, 15)}…`
  return [
    `meshd ${version}   node ${name}   ${node.self.slice(0, 14)}…${node.self.slice(-4)}   pid ${process.pid}`,
    `  mesh        ${inMesh}`,
    `  listen      ${network.addresses().join('  ') || 'nowhere'}`,
    `  sockets     ${paths[0] ?? ''}  ${paths
      .slice(1)
      .map((path) => path.split('/').at(-1))
      .join('  ')}`,
    ...(https === null ? [] : [`  https       ${https}`]),
    `  governance  ${counted(size, 'statement')}, digest ${digest.slice(0, 8)}   ${bundles.join(' ') || 'no policy'}   ${counted(revocations.size, 'revocation')}, ${counted(frozen, 'freeze')}`,
    `  log         epoch ${node.log.epoch}, ${counted(node.log.tree.size, 'record')}`,
  ]
}

function counted(n: number, one: string): string {
  return `${n} ${n === 1 ? one : `${one}s`}`
}

/** @param ms since the start, for the first time it is ready; null later */
export function readyLine(reasons: readonly Denial[], ms: number | null): string {
  const [first] = reasons
  if (first === undefined) return ms === null ? 'READY' : `READY in ${Math.round(ms)} ms`
  return `NOT READY: ${first.code}: ${first.detail}`
}
