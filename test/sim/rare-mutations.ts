/** Planted bugs whose situation no world draws within its seeds: unit tests set it up. */
import { edit, type Mutation } from './mutation.ts'

export const RARE: readonly Mutation[] = [
  {
    id: 'N35',
    name: 'on its own account a node compares with the same neighbour each time',
    edits: [edit('mesh/sync.ts', 'rota.next()', '(rota.next(), network.peers()[0]?.peer ?? null)')],
    by: {
      test: 'test/unit/rota.test.ts',
      name: 'sync asks in turn: each of seven neighbours within seven turns, though none of them answers',
    },
    quick: false,
  },
  {
    id: 'N36',
    name: 'what a peer serves after it started again proves what it answered before',
    edits: [
      edit('mesh/challenge.ts', '(await pulling) !== incarnation', '(await pulling) === null'),
    ],
    by: {
      test: 'test/unit/challenge.test.ts',
      name: 'a peer whose disk was set back after its answer proves nothing by what it still serves',
    },
    quick: false,
  },
  {
    id: 'N37',
    name: 'what is kept beside one log is left out of the log that follows it',
    edits: [
      edit(
        'mesh/exhibits.ts',
        'chunk !== this.#chunk)',
        "chunk.split(' ')[1] !== this.#chunk.split(' ')[1])",
      ),
    ],
    by: {
      test: 'test/unit/exhibits.test.ts',
      name: 'of a link that stands beside another log nothing is left out',
    },
    quick: false,
  },
  {
    id: 'N38',
    name: 'a link is left out behind what may be pruned without it',
    edits: [edit('mesh/exhibits.ts', 'Math.floor(index / INDEX_RECORDS)', '0')],
    by: {
      test: 'test/unit/exhibits.test.ts',
      name: 'of a link that stands in a part of the log that may be pruned alone nothing is left out behind it',
    },
    quick: false,
  },
  {
    id: 'N39',
    name: 'what proves again what is proven is taken again',
    edits: [
      edit('core/revocation-quotas.ts', 'if (this.#over.size === 0) return false', 'return false'),
    ],
    by: {
      test: 'test/unit/statements-flood.test.ts',
      name: 'a thousand and one are ever taken, so no log tells of more: by falling ids',
    },
    quick: false,
  },
  {
    id: 'N40',
    name: 'a peer is believed a conclusion that it does not prove',
    edits: [edit('mesh/pull.ts', 'if (!proof.proves(key))', 'if (false)')],
    by: {
      test: 'test/unit/statements-flood.test.ts',
      name: 'a peer that says more are over than it shows is not believed, and the next one is',
    },
    quick: false,
  },
  {
    id: 'N41',
    name: 'the own word of a witness counts for the time before its boot check was over',
    edits: [edit('mesh/spread-view.ts', 'return sinceMs < last.sinceMs', 'return true')],
    by: {
      test: 'test/unit/lease-spread.test.ts',
      name: 'what a witness accepted before its boot check was over counts from then on, and not before',
    },
    quick: false,
  },
]
