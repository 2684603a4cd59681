/** Governance as this node holds it: what is in force, and the chain of roots that says who may change it. */
import type { GovernanceView, RootView } from '../client/types.ts'
import { MeshError } from '../core/problems.ts'
import { formatTime } from '../core/shape.ts'
import { scopeKey } from '../core/statement/freeze.ts'
import type { Root } from '../core/statement/root.ts'
import { json, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { bundleViews } from './status.ts'
import { itemView } from './view.ts'

export function governanceRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/governance',
      roles: READ,
      handle: () => json(itemView('Governance', governanceView(services), services.seenFrom())),
    },
    {
      method: 'GET',
      path: '/v1/root',
      roles: READ,
      handle: () => json(itemView('Root', rootView(services), services.seenFrom())),
    },
  ]
}

function governanceView({ node, clock }: Services): GovernanceView {
  const { governance } = node.statements
  const { mesh, root, digest, size, disputed, freezes, revocations } = governance
  return {
    mesh: mesh ?? node.statements.mesh,
    meshName: root?.mesh ?? null,
    digest,
    size,
    rootVersion: root?.version ?? null,
    bundles: bundleViews(governance, clock.wallMs()),
    disputed,
    freezes: [...freezes.values()].map(({ scope, version, frozen, id, message }) => ({
      scope: scopeKey(scope),
      version,
      frozen,
      id,
      message,
    })),
    revocations: revocations.size,
    pending: node.pendingCount(),
    opened: node.handover.opened,
    bootCheck: node.boot.why,
  }
}

/** @throws MeshError NOT_ADMITTED before a root is known */
function rootView({ node }: Services): RootView {
  const { mesh, root, roots } = node.statements.governance
  if (mesh === null || root === null)
    throw new MeshError('NOT_ADMITTED', 'this node knows no trust root yet', {
      hint: 'meshd init --mesh <name>, or meshd peer join <multiaddr|invite>',
    })
  const { version, id, previous, roles, witnesses, lease, limits } = root
  return {
    mesh,
    name: root.mesh,
    version,
    id,
    previous,
    issuedAt: formatTime(root.issuedMs),
    expiresAt: formatTime(root.expiresMs),
    roles,
    witnesses,
    lease,
    limits,
    history: roots.map((each) => historyOf(each, node)),
  }
}

function historyOf(root: Root, node: Services['node']): RootView['history'][number] {
  const { version, id, issuedMs, message } = root
  const signatures = node.statements.get(id)?.envelope.signatures.length ?? 0
  return { version, id, issuedAt: formatTime(issuedMs), signatures, message }
}
