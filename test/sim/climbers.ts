/**
 * Who brings a chain that would gain something (S12): a link that is wider than
 * the one above, lasts longer, is signed by somebody else or goes round; or a
 * closing by who does not hold it, for another node, of another request. One of
 * some is in order, so that the others have no other reason to be refused.
 */
import { objectOf } from '../../src/core/ipld.ts'
import type { Json } from '../../src/core/json.ts'
import type { Did, Signer } from '../../src/core/keys.ts'
import { LINKS_MAX } from '../../src/core/limits.ts'
import { ana, keyOf } from '../unit/statements.ts'
import { asks, Chains, linkOf, type Plan, type Step } from './chains.ts'
import { BEGINNING_MS, Dice } from './clock.ts'
import type { Host } from './host.ts'
import type { MeshWorld } from './mesh-world.ts'

/** Far from the numbers of other requests. */
const FIRST_REQUEST = 2_000_000
const IN_ORDER = 0.15
/** A beginning that no step of a clock reaches. */
const HOUR_S = 3_600

interface Place {
  readonly host: Did
  readonly elsewhere: Did
  readonly nowS: number
}

type Twist = (plan: Plan, place: Place) => Partial<Plan>

const [team, crew, visitor, stranger] = ['team', 'crew', 'visitor', 'stranger'].map(keyOf) as [
  Signer,
  Signer,
  Signer,
  Signer,
]
const countOf = (count: number) => objectOf([['count', count]])

/** The plan with one link, or all of them, otherwise. */
function at(plan: Plan, place: number | 'all', change: Partial<Step>): Partial<Plan> {
  const steps = plan.steps.map((step, i) =>
    i === place || place === 'all' ? { ...step, ...change } : step,
  )
  return { steps }
}

const boundTo = (node: Did): Json => ['==', '.meshd.node.id', node]
const WRITE = asks('tool:write', countOf(5))

/** Each by what it tries. */
const TWISTS: Readonly<Record<string, Twist>> = {
  'a wider action': (plan) => ({ ...at(plan, 0, { cmd: '/tool/read' }), ...WRITE }),
  'a wider action that nobody needs': (plan) => at(plan, 0, { cmd: '/tool/read' }),
  'the beginning of an action': (plan) => ({
    steps: plan.steps.map((step, i) => ({ ...step, cmd: i === 0 ? '/tool/re' : '/tool/read' })),
  }),
  'an action that nobody gave': (plan) => ({ ...at(plan, 'all', { cmd: '/tool/read' }), ...WRITE }),
  'a wider resource': (plan) => at(plan, 0, { pol: [['==', '.resource.id', 'r0']] }),
  'another type of resource': (plan) => at(plan, 1, { pol: [['==', '.resource.type', 'repo']] }),
  'a wider argument': (plan) => at(plan, 0, { pol: [['<=', '.args.count', 3]] }),
  'a narrower argument': (plan) => at(plan, 2, { pol: [['<=', '.args.count', 3]] }),
  'no argument': () => asks('tool:read', objectOf([])),
  'more time': (plan, { nowS }) => at(plan, 0, { expS: nowS }),
  'time before it': (plan, { nowS }) => at(plan, 0, { nbfS: nowS + HOUR_S }),
  'another node': (_, { elsewhere }) => ({ aud: elsewhere }),
  'a node more': (plan, { host, elsewhere }) => ({
    steps: plan.steps.map((step, i) => ({ ...step, pol: [boundTo(i === 0 ? elsewhere : host)] })),
  }),
  'who does not hold it': () => ({ closer: stranger }),
  'who held it before': () => ({ closer: crew }),
  'the name of another': (plan) => at(plan, 1, { by: stranger }),
  'a gap': (plan) => at(plan, 1, { from: stranger }),
  'no further link': (plan) => at(plan, 1, { meta: { depth: 0 } }),
  'more depth': (plan) => ({
    steps: plan.steps.map((step, i) => ({ ...step, meta: i < 2 ? { depth: 2 } : {} })),
  }),
  'more links than any chain has': (plan) => {
    const first = plan.steps[0] as Step
    const hands = Array.from({ length: LINKS_MAX + 1 }, (_, i) => keyOf(`hand ${i}`))
    const steps = hands.map((to, i) => ({
      ...first,
      from: i === 0 ? ana : (hands[i - 1] as Signer),
      to,
    }))
    return { steps, closer: hands.at(-1) as Signer }
  },
  'a way back': (plan) => ({ ...at(plan, 2, { to: team }), closer: team }),
  'another beginning': (plan) => at(plan, 1, { sub: team.did }),
  'a closing of another beginning': () => ({ sub: team.did }),
  'links in another order': () => ({ prf: (links) => links.toReversed() }),
  'not all of its links': () => ({ prf: (links) => links.slice(1) }),
  'no issuer': (plan) => ({
    steps: plan.steps.map((step, i) => ({
      ...step,
      ...(i === 0 ? { from: stranger } : {}),
      sub: stranger.did,
    })),
    sub: stranger.did,
  }),
  'single use anywhere': (plan) => at(plan, 2, { meta: { once: true } }),
  'single use bound below': (plan, { host }) => ({
    steps: plan.steps.map((step, i) => ({
      ...step,
      ...(i === 1 ? { meta: { once: true } } : {}),
      ...(i === 2 ? { pol: [boundTo(host)] } : {}),
    })),
  }),
  'a field that nobody knows': (plan) => at(plan, 1, { odd: true }),
  'another action than it signed': (plan) => ({ ...WRITE, signs: plan.signs }),
  'another argument than it signed': (plan) => ({ args: countOf(6), signs: plan.signs }),
}
const KINDS = Object.keys(TWISTS)

export class Climbers {
  readonly #world: MeshWorld
  /** Of their own: what others draw stays what it is. */
  readonly #dice: Dice
  readonly #chains: Chains

  constructor(world: MeshWorld) {
    this.#world = world
    this.#dice = new Dice(world.swarm.seed * 89 + 31)
    this.#chains = new Chains(world, this.#dice, FIRST_REQUEST)
  }

  climb(): void {
    const { hosts, clock } = this.#world
    const host = hosts[this.#dice.integer(hosts.length)] as Host
    const kind = this.#dice.unit() < IN_ORDER ? null : this.#dice.integer(KINDS.length)
    const gains = kind === null ? null : (KINDS[kind] as string)
    const nowS = Math.floor((BEGINNING_MS + clock.monotonicMs()) / 1000)
    const other = hosts.find((each) => each !== host)?.did ?? stranger.did
    const straight = planOf(host.did)
    const place = { host: host.did, elsewhere: other, nowS }
    const twisted = gains === null ? {} : TWISTS[gains]?.(straight, place)
    this.#chains.send(host, { ...straight, ...twisted }, gains)
  }
}

/** In order: each link as wide as the one above, or narrower. */
function planOf(host: Did): Plan {
  return {
    steps: [
      linkOf(ana, team, [['like', '.resource.id', 'r*']]),
      linkOf(team, crew, [['<=', '.args.count', 100]]),
      linkOf(crew, visitor, [['<=', '.args.count', 50]]),
    ],
    ...{ closer: visitor, aud: host, sub: ana.did, prf: (links) => links },
    ...asks('tool:read', countOf(5)),
  }
}
