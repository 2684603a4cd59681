/**
 * The facts of one request: what the kernel said of its caller, what the mesh
 * and this host say of the node, and the files that were measured. What could
 * not be measured is absent, and what is bound to it denies.
 */
import { type Facts, NO_PROCESS, type ProcessFacts } from '../core/facts.ts'
import type { Did } from '../core/keys.ts'
import { type Caller, type Governed, socketPath } from '../core/presented.ts'
import { attestedBy } from './attestations.ts'
import { processOf } from './caller.ts'
import type { Measured } from './environment.ts'

export interface Host {
  readonly self: Did
  /** The same object as long as it says the same. */
  measured(): Measured
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
  #measured: Measured | null = null
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
    const { env, attestations } = this.#look()
    const known = this.#known.get(caller)
    if (known?.process === process) return known.facts
    const { uid, gid, pid } = caller
    const facts: Facts = {
      node: this.#node,
      runtime: {
        ...process,
        ...{ uid, gid, pid, socket: socketPath(caller) },
        attested: attestedBy(process.exe, attestations),
      },
      env,
      gov: this.#gov,
    }
    this.#known.set(caller, { process, facts })
    return facts
  }

  #look(): Measured {
    const measured = this.#host.measured()
    if (measured !== this.#measured) {
      this.#measured = measured
      this.#known = new WeakMap()
    }
    return measured
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
