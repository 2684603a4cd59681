/**
 * The facts of one request: what the kernel said of its caller, what the mesh
 * and this host say of the node, and the files that were measured. What could
 * not be measured is absent, and what is bound to it denies.
 */
import { type Facts, NO_PROCESS, type ProcessFacts } from '../core/facts.ts'
import type { Did } from '../core/keys.ts'
import { type Caller, type Governed, socketPath } from '../core/presented.ts'
import { processOf } from './caller.ts'

export interface Host {
  readonly self: Did
  /** This host's own word (configuration): `.meshd.env.labels`. The same map as long as it says the same. */
  labels(): ReadonlyMap<string, string>
  /** Name → sha256 hex, of those that could be measured. The same map as long as it says the same. */
  files(): ReadonlyMap<string, string>
}

interface Known {
  readonly process: ProcessFacts
  readonly facts: Facts
}

export class FactReader {
  readonly #host: Host
  #of: Governed | null = null
  #node: Facts['node']
  #gov: Facts['gov'] = { mesh: null, root: null, digest: '', bundles: new Map() }
  #env: Facts['env'] = { labels: new Map(), files: new Map() }
  /** Of each connection, while nothing changes: what follows from a fact object can be remembered with it. */
  #known = new WeakMap<Caller, Known>()

  constructor(host: Host) {
    this.#host = host
    this.#node = { id: host.self, name: null, labels: new Map() }
  }

  /**
   * What calls, now; a promise only for an executable that was not measured before.
   * @param executable whether what it runs is needed; without that it is absent
   */
  measure(caller: Caller, executable: boolean): ProcessFacts | Promise<ProcessFacts> {
    const process = processOf(caller)
    if (process === null) return NO_PROCESS
    return executable ? process.measure() : process.connected()
  }

  /** @param process what measure gave just now */
  read(caller: Caller, process: ProcessFacts, governance: Governed): Facts {
    this.#follow(governance)
    this.#look()
    const known = this.#known.get(caller)
    if (known?.process === process) return known.facts
    const { uid, gid, pid } = caller
    const facts: Facts = {
      node: this.#node,
      runtime: { ...process, uid, gid, pid, socket: socketPath(caller) },
      env: this.#env,
      gov: this.#gov,
    }
    this.#known.set(caller, { process, facts })
    return facts
  }

  /** Both maps are replaced when something in them changes, never edited. */
  #look(): void {
    const [labels, files] = [this.#host.labels(), this.#host.files()]
    if (labels === this.#env.labels && files === this.#env.files) return
    this.#env = { labels, files }
    this.#known = new WeakMap()
  }

  /** A governance is immutable: what follows from it is made once. */
  #follow(governance: Governed): void {
    if (governance === this.#of) return
    const member = governance.members.get(this.#host.self)
    // Name and labels as they were signed; nothing that this host says of itself passes for them.
    this.#node = {
      id: this.#host.self,
      name: member?.name ?? null,
      labels: member?.labels ?? new Map(),
    }
    this.#gov = {
      mesh: governance.mesh,
      root: governance.root?.version ?? null,
      digest: governance.digest,
      bundles: bundlesOf(governance),
    }
    this.#of = governance
    this.#known = new WeakMap()
  }
}

function bundlesOf({ bundles }: Governed): ReadonlyMap<string, number> {
  const inForce = [...bundles.values()].flatMap(({ bundle, inForce, conflict }) =>
    inForce === null || conflict !== null ? [] : [[bundle, inForce.version] as const],
  )
  return new Map(inForce)
}
