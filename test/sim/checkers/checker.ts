/** What a checker is: it reads every event as it happens, and finds what must not be (FAULTS.md 1.1 to 1.3). */
import type { Event } from '../history.ts'
import type { Book } from './book.ts'

export interface Finding {
  readonly id: string
  readonly t: number
  readonly says: string
}

/** How a checker speaks. */
export interface Say {
  readonly book: Book
  fail(says: string): void
  /** What it is about happened: without that, having found nothing says nothing. */
  met(): void
}

export interface Invariant {
  readonly id: string
  readonly says: string
  /** Called once for each run. */
  begin(say: Say): (event: Event) => void
}

/** Enough of one kind; the first one is what somebody reads. */
const FINDINGS_MAX = 5

export class Checker {
  readonly id: string
  readonly findings: Finding[] = []
  met = 0
  readonly #see: (event: Event) => void
  #nowMs = 0

  constructor({ id, begin }: Invariant, book: Book) {
    this.id = id
    this.#see = begin({
      book,
      fail: (says) => {
        if (this.findings.length < FINDINGS_MAX) this.findings.push({ id, t: this.#nowMs, says })
      },
      met: () => {
        this.met += 1
      },
    })
  }

  see(event: Event): void {
    this.#nowMs = event.t
    this.#see(event)
  }
}
