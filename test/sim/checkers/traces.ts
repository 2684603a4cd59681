/** What denials leave in the log: S20. */
import { DECISION_DEADLINE_MS } from '../../../src/core/limits.ts'
import type { Event, RecordedDecision } from '../history.ts'
import type { Invariant } from './checker.ts'

/** Of clocks that are read in whole milliseconds. */
const MARGIN_MS = 250

/** One life of a node, as far as denials go. */
class Life {
  /** When it denied what no record names, and must count. */
  readonly unnamed: number[] = []
  /** When its disk last refused a batch: what that took of the counter comes back. */
  refusedMs = Number.NEGATIVE_INFINITY
  counted = 0
}

/**
 * A denial without a record is counted by the next decision that was asked
 * later. One that waited for its record until it was late may have it after
 * all; and what a life had counted ends with it.
 */
export const S20: Invariant = {
  id: 'S20',
  says: 'a denial is in the log, or counted by the next decision that is',
  begin({ book, fail, met }) {
    const lives = new Map<number, Life>()
    const effects = new Map<string, string>()
    /** Node → its denials that have a record. */
    const denials = new Map<number, Extract<Event, { ev: 'answer' }>[]>()
    const restores = new Map<object, number>()
    const lifeOf = (node: number) => {
      const life = lives.get(node) ?? new Life()
      lives.set(node, life)
      return life
    }
    const denied = (event: Extract<Event, { ev: 'answer' }>, node: number) => {
      const called = book.calls.get(event.req)?.t ?? Number.NEGATIVE_INFINITY
      const late = event.req >= 0 && event.t - called >= DECISION_DEADLINE_MS - MARGIN_MS
      const { record } = event
      if (record === null) {
        if (!late && event.reason !== 'DEADLINE') lifeOf(node).unnamed.push(event.t)
        return
      }
      if (effects.get(record.id) !== 'deny')
        fail(`n${node} denied ${event.req}, and its record ${record.index} says otherwise`)
      restores.set(event, book.page(node).restores)
      denials.set(node, [...(denials.get(node) ?? []), event])
    }
    const recorded = (decision: RecordedDecision, node: number, nowMs: number) => {
      const { id, effect, unrecorded, req } = decision
      const life = lifeOf(node)
      effects.set(id, effect)
      life.counted += unrecorded
      if (unrecorded > 0) met()
      const asked = book.calls.get(req)?.t
      if (asked === undefined || life.refusedMs >= asked) return
      const before = life.unnamed.filter((t) => t < asked).length
      if (life.counted < before)
        fail(
          `n${node} denied ${before} without a record by ${asked}, and counts ${life.counted} at ${nowMs}`,
        )
    }
    const readBack = (node: number, epoch: number, ids: readonly string[]) => {
      for (const each of denials.get(node) ?? []) {
        if (each.epoch !== epoch || restores.get(each) !== book.page(node).restores) continue
        if (each.record !== null && ids[each.record.index] !== each.record.id)
          fail(`n${node} lost the record ${each.record.index} of a denial`)
      }
    }
    return (event) => {
      const { node } = event
      if (node === null) return
      if (event.ev === 'boot') lives.set(node, new Life())
      if (event.ev === 'unwritten') lifeOf(node).refusedMs = event.t
      if (event.ev === 'recorded') for (const each of event.decisions) recorded(each, node, event.t)
      if (event.ev === 'answer' && event.effect === 'deny') denied(event, node)
      if (event.ev === 'boot' || event.ev === 'readback')
        readBack(node, event.log.epoch, event.log.ids)
    }
  },
}
