/** What of a world is left out, to see whether a finding is there without it. */
import type { Swarm } from './swarm.ts'

export interface Less {
  /** Of faults. */
  readonly kinds: readonly string[]
  /** Single ones, by the numbers under which the history has them. */
  readonly faults: readonly number[]
  /** Requests, by their numbers. */
  readonly calls: readonly number[]
}

export const NOTHING: Less = { kinds: [], faults: [], calls: [] }

/** What is always there, and has no moment: of each, the swarm without it. */
const WEATHERS: Readonly<Record<string, (swarm: Swarm) => Partial<Swarm>>> = {
  delay: ({ weather }) => ({ weather: { ...weather, delayMsMax: weather.delayMsMin + 2 } }),
  loss: ({ weather }) => ({ weather: { ...weather, loss: 0 } }),
  'gossip loss': ({ weather }) => ({ weather: { ...weather, gossipLoss: 0 } }),
  duplicates: ({ weather }) => ({ weather: { ...weather, duplicates: 0 } }),
  reorder: ({ weather }) => ({ weather: { ...weather, reorder: 0 } }),
  'slow disks': () => ({ diskMsMax: 5 }),
  'storage errors': () => ({ storageError: 0 }),
  invites: () => ({ invites: 0 }),
  'fresh bundles': () => ({ fresh: 0 }),
  watchers: () => ({ watchers: 0 }),
  bindings: () => ({ bindings: 0 }),
  climbers: () => ({ climbers: 0 }),
  outsider: () => ({ outsider: null }),
  hostile: () => ({ hostile: null }),
  'late crash': () => ({ lateCrash: 0 }),
  'wrong clocks': () => ({ offset: 0 }),
}

export const WEATHER_KINDS: readonly string[] = Object.keys(WEATHERS)

export function calmed(swarm: Swarm, { kinds }: Less): Swarm {
  let calmer = swarm
  for (const kind of kinds) calmer = { ...calmer, ...WEATHERS[kind]?.(calmer) }
  return calmer
}

/** One argument of a command line, empty for nothing. */
export function formatLess(less: Less): string {
  return JSON.stringify(less)
}

export function parseLess(text: string): Less {
  return { ...NOTHING, ...JSON.parse(text) }
}
