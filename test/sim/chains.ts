/**
 * Chains link by link, as somebody wants them to be: signed as nobody of ours
 * would sign them, closed as nobody would close them, and asked with.
 */
import { toBase64Url } from '../../src/core/bytes.ts'
import { encodeCbor } from '../../src/core/cbor.ts'
import { closeWith } from '../../src/core/closing.ts'
import { type Cid, cidOf } from '../../src/core/id.ts'
import { objectOf } from '../../src/core/ipld.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import type { Did, Signer } from '../../src/core/keys.ts'
import { signToken } from '../../src/core/ucan.ts'
import { ana } from '../unit/statements.ts'
import { Calls, INVOCATION_MS } from './calls.ts'
import { BEGINNING_MS, type Dice } from './clock.ts'
import type { Said } from './history.ts'
import type { Host } from './host.ts'
import { FOREVER_S } from './laws.ts'
import type { MeshWorld } from './mesh-world.ts'
import type { Process } from './processes.ts'

/** One link, before it is signed. */
export interface Step {
  readonly from: Signer
  readonly to: Signer
  /** Who signs it, if that is not whom it names. */
  readonly by?: Signer
  readonly sub: Did
  readonly cmd: string
  readonly pol: readonly Json[]
  readonly nbfS: number | null
  readonly expS: number
  readonly meta: { readonly [key: string]: Json }
  readonly odd: boolean
}

type Signed = Said & { readonly bytes: Uint8Array }

/** A chain and its closing, before they are signed. */
export interface Plan {
  readonly steps: readonly Step[]
  readonly closer: Signer
  readonly aud: Did
  readonly sub: Did
  readonly prf: (links: readonly Cid[]) => readonly Cid[]
  /** As it is asked. */
  readonly action: string
  readonly args: JsonObject
  /** As it is signed. */
  readonly signs: { readonly action: string; readonly args: JsonObject }
}

/** A plain one, of what ana gives. */
export function linkOf(from: Signer, to: Signer, pol: readonly Json[]): Step {
  const common = { sub: ana.did, nbfS: null, expS: FOREVER_S, meta: {}, odd: false }
  return { ...common, from, to, cmd: '/tool', pol }
}

/** What is asked, and signed. */
export function asks(action: string, args: JsonObject): Pick<Plan, 'action' | 'args' | 'signs'> {
  return { action, args, signs: { action, args } }
}

export class Chains {
  readonly #world: MeshWorld
  readonly #dice: Dice
  readonly #calls: Calls
  #next: number

  /** @param first number of its requests */
  constructor(world: MeshWorld, dice: Dice, first: number) {
    this.#world = world
    this.#dice = dice
    this.#calls = new Calls(world, dice)
    this.#next = first
  }

  /** @param gains how it tries to gain; null for one that is in order. @param process who asks, where that matters */
  send(host: Host, plan: Plan, gains: string | null, process: Process | null = null): void {
    const req = this.#next++
    const resource = `r${req}`
    const links = plan.steps.map((step) => this.#sign(step))
    const [first] = links
    if (first === undefined) throw new Error('a plan has steps')
    const { closer, aud, sub, action, args, signs } = plan
    const cids = links.map(({ cid }) => cid)
    const prf = plan.prf(cids)
    const invocation = closeWith(
      {
        ...{ aud, sub, prf, iatS: null, cause: null, meta: objectOf([]) },
        asked: { ...signs, resource: { type: 'doc', id: resource }, subject: null },
        nonce: this.#dice.bytes(12),
        expS: Math.ceil((BEGINNING_MS + this.#world.clock.monotonicMs() + INVOCATION_MS) / 1000),
      },
      closer,
    )
    const closing = { by: closer.did, aud, sub, prf, ...signs }
    this.#calls.send({
      asked: {
        ...{ req, action, resource, cause: null, invocation: invocation.cid },
        ...{ links: cids, issuer: first.iss, once: links.find(({ once }) => once)?.cid ?? null },
        principals: [...links.map(({ iss }) => iss), closer.did],
        brought: { node: host.did, closing, args, gains, process: process?.number ?? null },
      },
      artifact: lineOf([...links, invocation]),
      node: host.place,
      ...(process === null ? {} : { caller: process.caller }),
    })
  }

  /** Bytes as nobody of ours would sign them. */
  #sign({ from, to, by = from, sub, cmd, pol, nbfS, expS, meta, odd }: Step): Signed {
    const [iss, aud, nonce] = [from.did, to.did, this.#dice.bytes(12)]
    const bytes = signToken(
      'dlg',
      {
        ...{ iss, aud, sub, cmd, pol, nonce, exp: expS },
        ...(nbfS === null ? {} : { nbf: nbfS }),
        ...(Object.keys(meta).length === 0 ? {} : { meta }),
        ...(odd ? { also: true } : {}),
      },
      by,
    )
    const depth = typeof meta['depth'] === 'number' ? meta['depth'] : null
    const once = meta['once'] === true
    const said = {
      cid: cidOf(bytes),
      by: by.did,
      iss,
      aud,
      sub,
      cmd,
      pol,
      nbfS,
      expS,
      depth,
      once,
      odd,
    }
    this.#world.laws.said(said)
    return { ...said, bytes }
  }
}

function lineOf(tokens: readonly { readonly bytes: Uint8Array }[]): string {
  return `C${toBase64Url(encodeCbor({ 'ctn-v1': tokens.map(({ bytes }) => bytes) }))}`
}
