/**
 * The situations of the lease: those in which the bound holds, and those that
 * lack one of the rules that carry it, in which runs past the bound are found.
 */
import type { Situation } from './lease-runs.ts'

export interface Row {
  readonly name: string
  readonly situation: Situation
  /** Runs in every test; the proof has many more. */
  readonly seeds: number
}

export const HOLDS: readonly Row[] = [
  { name: 'two witnesses 1/2', situation: { n: 2, read: 1, write: 2 }, seeds: 30 },
  { name: 'three witnesses 2/2', situation: { n: 3, read: 2, write: 2 }, seeds: 40 },
  { name: 'four witnesses 2/3', situation: { n: 4, read: 2, write: 3 }, seeds: 10 },
  { name: 'five witnesses 3/3', situation: { n: 5, read: 3, write: 3 }, seeds: 8 },
  { name: 'five witnesses 2/4', situation: { n: 5, read: 2, write: 4 }, seeds: 8 },
  {
    name: 'restored disks 1/2',
    situation: { n: 2, read: 1, write: 2, restores: true },
    seeds: 30,
  },
  {
    name: 'restored disks 2/2',
    situation: { n: 3, read: 2, write: 2, restores: true },
    seeds: 30,
  },
  {
    name: 'all witnesses replaced 2/2',
    situation: { n: 3, read: 2, write: 2, rotation: true },
    seeds: 15,
  },
  {
    name: 'one witness replaced and disks restored 2/2',
    situation: { n: 3, read: 2, write: 2, rotation: true, kept: 2, restores: true },
    seeds: 15,
  },
  {
    name: 'a shorter staleness by a new root 2/2',
    situation: { n: 3, read: 2, write: 2, rotation: true, kept: 3, stalenessMs: 1_000 },
    seeds: 10,
  },
  {
    name: 'a longer staleness by a new root 2/2',
    situation: { n: 3, read: 2, write: 2, rotation: true, kept: 3, stalenessMs: 4_000 },
    seeds: 10,
  },
  {
    name: 'one lying witness 3/4 of five',
    situation: { n: 5, read: 3, write: 4, liars: 1 },
    seeds: 8,
  },
  {
    name: 'two lying witnesses 4/4 of five',
    situation: { n: 5, read: 4, write: 4, liars: 2 },
    seeds: 8,
  },
  {
    name: 'a clock that is far behind 2/2',
    situation: { n: 3, read: 2, write: 2, behindMs: 3_000 },
    seeds: 10,
  },
]

/** A seed that showed it once; some more, should the world have changed. */
export const BREAKS: readonly (Row & { readonly first: number })[] = [
  {
    name: 'read + write = n, 1/1 of two',
    situation: { n: 2, read: 1, write: 1 },
    ...{ first: 4, seeds: 60 },
  },
  {
    name: 'read + write = n, 1/2 of three',
    situation: { n: 3, read: 1, write: 2 },
    ...{ first: 4, seeds: 60 },
  },
  {
    name: 'restored disks without boot check',
    situation: { n: 2, read: 1, write: 2, restores: true, rules: { bootCheck: false } },
    ...{ first: 6, seeds: 60 },
  },
  {
    name: 'all witnesses replaced without handover',
    situation: { n: 3, read: 2, write: 2, rotation: true, rules: { handover: false } },
    ...{ first: 13, seeds: 60 },
  },
  {
    name: 'one lying witness 3/3 of five',
    situation: { n: 5, read: 3, write: 3, liars: 1 },
    ...{ first: 12, seeds: 60 },
  },
  {
    name: 'two lying witnesses 3/4 of five',
    situation: { n: 5, read: 3, write: 4, liars: 2 },
    ...{ first: 154, seeds: 60 },
  },
]
