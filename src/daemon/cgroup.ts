/**
 * The systemd unit and the container of a process, from /proc/<pid>/cgroup (cgroups(7)):
 *
 *     0::/system.slice/planner.service                                            unit planner.service
 *     0::/system.slice/docker-<64 hex>.scope                                      and its container
 *     0::/kubepods.slice/kubepods-pod<uid>.slice/cri-containerd-<64 hex>.scope
 *     0::/docker/<64 hex>                                                         a container alone
 *     0::/user.slice/user-1000.slice/user@1000.service/app.slice/planner.service  unit user@1000.service
 *     1:name=systemd:/system.slice/planner.service                                version 1
 *
 * Only what root makes counts: the slices, and what stands first below them.
 * Below that a group may belong to the user who runs it, and a user who may
 * call a group `planner.service` or by a container's id is neither. So a
 * rootless container has no id here, and one inside another is the outer one.
 */

export interface Group {
  /** As systemd calls it. */
  readonly unit: string | null
  /** 64 hex digits. */
  readonly container: string | null
}

export const NO_GROUP: Group = { unit: null, container: null }

export function parseCgroup(text: string): Group {
  const path = pathOf(text)
  if (path === null) return NO_GROUP
  const parts = path.split('/').slice(1)
  const first = parts.findIndex((part) => !SLICE.test(part))
  if (first < 0) return NO_GROUP
  return { unit: unitIn(parts, first), container: containerIn(parts, first) }
}

/**
 * Of the hierarchy that systemd keeps: version 2, or the one named after it.
 * Two of them that disagree say nothing; nor does a group outside of what this process can see, `/../x`.
 */
function pathOf(text: string): string | null {
  const paths = text.split('\n').flatMap((line) => {
    const [, id, controllers, path] = /^(\d+):([^:]*):(\/.*)$/s.exec(line) ?? []
    const kept = (id === '0' && controllers === '') || controllers === 'name=systemd'
    return path !== undefined && kept && path !== '/' ? [path] : []
  })
  const [path, ...others] = new Set(paths)
  return path === undefined || others.length > 0 || path.startsWith('/../') ? null : path
}

const SLICE = /^[^/]+\.slice$/
const UNIT = /^[^/]+\.(service|scope|socket|mount|swap)$/

/** systemd puts `_` before a name that would otherwise be one of the kernel's. */
function unitIn(parts: readonly string[], first: number): string | null {
  const name = parts[first] ?? ''
  return UNIT.test(name) ? name.replace(/^_/, '') : null
}

/** By the systemd driver of each runtime. */
const SCOPE = /^(?:docker|libpod|crio|cri-containerd)-([0-9a-f]{64})\.scope$/
/** By its driver of plain groups: `docker/<id>`, `libpod_parent/libpod-<id>`, `kubepods/burstable/pod<uid>/<id>`. */
const PLAIN =
  /^(?:docker|libpod_parent|kubepods(?:\/(?:burstable|besteffort))?\/pod[0-9a-f-]{36})\/(?:libpod-)?([0-9a-f]{64})$/
const PLAIN_PARTS_MAX = 4

function containerIn(parts: readonly string[], first: number): string | null {
  const [, scope] = SCOPE.exec(parts[first] ?? '') ?? []
  if (scope !== undefined) return scope
  if (first !== 0) return null
  for (let length = 2; length <= PLAIN_PARTS_MAX; length++) {
    const [, id] = PLAIN.exec(parts.slice(0, length).join('/')) ?? []
    if (id !== undefined) return id
  }
  return null
}
