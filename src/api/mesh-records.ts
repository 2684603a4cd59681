/** Records of the whole mesh: this node's own, and what the others show and prove; who showed nothing is named. */
import type { MeshNodeView, MeshRecordListView, MeshRecordView } from '../client/search-types.ts'
import type { Did } from '../core/keys.ts'
import { MESH_SEARCH_RECORDS_MAX, SEARCHES_MAX } from '../core/limits.ts'
import { disclosedOf } from '../mesh/disclosures.ts'
import type { NodeAnswer, ProvenRecord } from '../mesh/mesh-search.ts'
import { searchRecords } from '../mesh/record-search.ts'
import { Gate } from './gate.ts'
import { filterOf } from './record-filter.ts'
import { type Ask, integerQuery, json, READ, type Route } from './router.ts'
import type { Services } from './services.ts'
import { listView, recordView } from './view.ts'

const LISTED = 50

export function meshRecordRoutes(services: Services): readonly Route[] {
  const searches = new Gate(SEARCHES_MAX)
  return [
    {
      method: 'GET',
      path: '/v1/mesh/records',
      roles: READ,
      handle: async (ask) => json(await searches.through(() => meshRecords(services, ask))),
    },
  ]
}

async function meshRecords(services: Services, ask: Ask): Promise<MeshRecordListView> {
  const { node } = services
  const limit = integerQuery(ask, 'limit', LISTED, MESH_SEARCH_RECORDS_MAX)
  const [filter, { signal }] = [filterOf(ask), ask]
  const [own, others] = await Promise.all([
    searchRecords(node.reader, { filter, before: null, limit, signal }),
    node.meshSearch.search(filter, limit, signal),
  ])
  const nameOf = (did: Did) => ({ did, name: services.nameOf(did) })
  const self = nameOf(node.self)
  const ownViews = own.found.map(async (found) =>
    recordView(found, node.records, await disclosedOf(node.reader, found.leaf)),
  )
  const items: MeshRecordView[] = [
    ...(await Promise.all(ownViews)).map((view) => ({ ...view, node: self })),
    ...others.flatMap(({ records }) => records).map((each) => provenView(services, each)),
  ]
  // Clocks of nodes differ, and one may lie: an order for people, nothing is proven by it.
  items.sort((a, b) => (a.time === b.time ? b.index - a.index : a.time < b.time ? 1 : -1))
  const shown = items.slice(0, limit)
  const nodes = [
    ...[{ ...self, why: null, count: own.found.length, more: own.next !== null }],
    ...others.map((answer) => ({ ...nameOf(answer.node), ...countsOf(answer) })),
  ]
  return { ...listView('MeshRecordList', shown, services.seenFrom()), nodes }
}

function countsOf({ why, records, more }: NodeAnswer): Omit<MeshNodeView, 'did' | 'name'> {
  return { why, count: records.length, more }
}

/** Of a log whose head is all that is known here: it is published at least. What it commits to stays where it is disclosed. */
function provenView(services: Services, record: ProvenRecord): MeshRecordView {
  const { root } = services.node.statements.governance
  const { node: did, cosigned, witnessed } = record
  const state = witnessed ? 'witnessed' : 'published'
  const witnesses = {
    ...{ cosigned, need: root?.lease.write ?? 0, of: root?.witnesses.length ?? 0, mirrors: null },
  }
  const view = recordView(record, { of: () => ({ state, ...witnesses }) })
  return { ...view, node: { did, name: services.nameOf(did) } }
}
