/**
 * `meshd audit export`: evidence for somebody who has no daemon. The log comes
 * by its tiles, as any tool could fetch it; nothing is taken on the daemon's
 * word that its reader could not check again.
 */
import type { RecordListView } from '../client/search-types.ts'
import type { StatementView, TrustView, View } from '../client/types.ts'
import { fromBase64, textOf, utf8 } from '../core/bytes.ts'
import { belongingTo, type Case, caseJson } from '../core/case.ts'
import { readCheckpoint } from '../core/checkpoint.ts'
import { invocationTells } from '../core/disclosure.ts'
import {
  CHECKPOINT,
  disclosureName,
  formatManifest,
  MANIFEST,
  POLICY,
  receiptName,
  recordName,
  statementName,
  tokenName,
  WITNESSED,
} from '../core/evidence-bundle.ts'
import { causeOf, isBroken, readExhibit } from '../core/exhibit.ts'
import { type Cid, isSha256Id, type RecordId, sha256Hex } from '../core/id.ts'
import { parseInvocation } from '../core/invocation.ts'
import { type Did, isDid } from '../core/keys.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import type { LogRecord } from '../core/record.ts'
import { leafOf } from '../core/terms.ts'
import { placePath, TILE_WIDTH, type TilePlace } from '../core/tile.ts'
import { authorityOf } from '../core/verify/authority.ts'
import { policyOf } from '../core/verify/evidence-bundle.ts'
import { openHead } from '../core/verify/head.ts'
import { parseTrust, type TrustRoot } from '../core/verify/trust.ts'
import { recordNamed } from './audit.ts'
import type { Client } from './connect.ts'
import type { Context } from './context.ts'
import { folderSink, type Sink, tarSink } from './evidence-files.ts'
import { type Format, writeLines } from './export-lines.ts'
import { type Listed, pagesOf } from './log-pages.ts'
import { printItem } from './output.ts'
import { timeOf } from './parse.ts'
import { resolvePrincipal } from './principals.ts'
import { type Command, type Options, textOption } from './spec.ts'
import { count, plural } from './text.ts'

export const auditExport: Command = {
  name: 'audit export',
  group: 'PROVE',
  says: 'evidence in one file: the log, who signed it, and what decided; all of it, or a case',
  examples: [
    'meshd audit export -f q3.evidence',
    'meshd audit export --principal planner --since 72h -f inc9.evidence',
    'meshd audit export --execution dec_9b31c07d --dir inc9',
    'meshd audit export --format ocsf --since 1h -f -',
  ],
  options: [
    { flags: '-f, --file <file>', says: 'a tar; with another format lines, - is stdout' },
    { flags: '--format <format>', says: 'evidence; ndjson, one record a line; ocsf, one decision' },
    { flags: '--dir <folder>', says: 'the same files, unpacked' },
    { flags: '--principal <principal>', says: 'a case: who acted' },
    { flags: '--execution <decision>', says: 'a case: one execution and all that descend from it' },
    { flags: '--since <time>', says: 'a case: RFC 3339, or 2h' },
    { flags: '--until <time>', says: 'a case: RFC 3339, or 2h' },
    { flags: '--no-disclosures', says: 'leave out what records only commit to' },
  ],
  run: async (context, _args, options) => {
    const format = formatOf(options)
    const disclosing = options['disclosures'] !== false
    if (format !== 'evidence') {
      const file = textOption(options, 'file')
      await writeLines(context, { format, file, disclosing }, await caseOf(context, options))
      return 0
    }
    const [sink, where] = sinkOf(options)
    try {
      const wanted = await caseOf(context, options)
      const made = await new Export(context.client('read'), sink, wanted, disclosing).run()
      sink.finish()
      printItem(context, {
        kind: 'Export',
        seenFrom: '',
        item: { file: where, ...made },
        id: where,
        lines: () => [
          `${where}   ${plural(made.records, 'record')} of ${count(made.size)} · ${plural(made.files, 'file')} · witnessed up to ${count(made.witnessed)}`,
        ],
      })
      return 0
    } catch (error) {
      sink.drop()
      throw error
    }
  },
}

function formatOf(options: Options): Format | 'evidence' {
  const text = textOption(options, 'format') ?? 'evidence'
  const found = (['evidence', 'ndjson', 'ocsf'] as const).find((each) => each === text)
  if (found !== undefined) return found
  throw new MeshError('USAGE', `\`${text}\` is no format`, { hint: 'evidence, ndjson or ocsf' })
}

function sinkOf(options: Options): [Sink, string] {
  const [file, folder] = [textOption(options, 'file'), textOption(options, 'dir')]
  if (file !== null && folder === null) return [tarSink(file), file]
  if (folder !== null && file === null) return [folderSink(folder), folder]
  throw new MeshError('USAGE', 'evidence goes to one place', {
    hint: '-f <file>, or --dir <folder>',
  })
}

async function caseOf(context: Context, options: Options): Promise<Case> {
  const principal = textOption(options, 'principal')
  const execution = textOption(options, 'execution')
  const time = (name: string) => {
    const text = textOption(options, name)
    return text === null ? null : Math.floor(timeOf(text, `--${name}`, context.now().getTime()))
  }
  return {
    principal: principal === null ? null : await didNamed(context, principal),
    execution: execution === null ? null : await executionNamed(context, execution),
    sinceMs: time('since'),
    untilMs: time('until'),
  }
}

async function didNamed(context: Context, text: string): Promise<Did> {
  const { did } = await resolvePrincipal(context, text)
  if (!isDid(did)) throw new MeshError('USAGE', `\`${text}\` names no key`)
  return did
}

async function executionNamed(context: Context, text: string): Promise<RecordId> {
  const id = await recordNamed(context, text)
  if (!isSha256Id(id)) throw new MeshError('USAGE', `\`${text}\` names no decision`)
  return id
}

/** Longer than a log waits to be published and cosigned, while its witnesses are there. */
const SETTLE_MS = 4_000
const SETTLE_POLL_MS = 50

function notYet(error: unknown): null {
  if (error instanceof MeshError && error.code === 'NOT_READY') return null
  throw error
}

interface Made {
  readonly records: number
  readonly size: number
  readonly witnessed: number
  readonly files: number
}

/** One export as it goes: what was written, and its hashes. */
class Export {
  readonly #client: Client
  readonly #sink: Sink
  readonly #case: Case
  /** Whether values that records only commit to go along. */
  readonly #disclosing: boolean
  readonly #hashes = new Map<string, string>()
  /** That exhibits so far held. */
  readonly #links = new Map<Cid, Uint8Array>()

  constructor(client: Client, sink: Sink, wanted: Case, disclosing: boolean) {
    this.#client = client
    this.#sink = sink
    this.#case = wanted
    this.#disclosing = disclosing
  }

  async run(): Promise<Made> {
    const client = this.#client
    const { items, pruned: first } = await client.get<RecordListView>('/v1/records?limit=1')
    const witnessed = await this.#settled((items[0]?.index ?? -1) + 1)
    const newest = await client.bytes('/v1/log/checkpoint')
    const { item } = await client.get<View<'Trust', TrustView>>('/v1/trust')
    const trust = parseTrust(utf8(item.trust))
    const { origin, size } = readCheckpoint(newest)
    this.#add(CHECKPOINT, newest)
    if (textOf(witnessed) !== textOf(newest)) this.#add(WITNESSED, witnessed)
    this.#add(POLICY, utf8(policyText(newest, trust, await this.#statements())))
    const records = await this.#log(first, size)
    const files = new Map(this.#hashes)
    const manifest = { origin, first, of: caseJson(this.#case), files }
    this.#sink.add(MANIFEST, formatManifest(manifest))
    return { records, size, witnessed: readCheckpoint(witnessed).size, files: files.size + 1 }
  }

  /** The newest checkpoint that a quorum cosigned; waits a while until it covers the log as it is now. */
  async #settled(size: number): Promise<Uint8Array> {
    const client = this.#client
    const untilMs = performance.now() + SETTLE_MS
    for (;;) {
      const found = await client.bytes('/v1/log/checkpoint.witnessed').catch(notYet)
      const late = performance.now() > untilMs
      // What is not witnessed by now goes as unwitnessed; of what never was, nothing is evidence.
      if (found !== null && (late || readCheckpoint(found).size >= size)) return found
      if (late)
        throw new MeshError('NOT_READY', 'no checkpoint of this log is cosigned by a quorum yet', {
          hint: 'meshd mesh status shows which witnesses are away',
        })
      await new Promise((done) => setTimeout(done, SETTLE_POLL_MS))
    }
  }

  #add(name: string, bytes: Uint8Array): void {
    this.#sink.add(name, bytes)
    this.#hashes.set(name, sha256Hex(bytes))
  }

  /** All that have or had effect; what waits for signatures proves nothing yet. */
  async #statements(): Promise<readonly Uint8Array[]> {
    const envelopes: Uint8Array[] = []
    for (const type of ['root', 'member', 'policy', 'revocation', 'freeze', 'epoch', 'evidence'])
      for (const state of ['effective', 'disarmed', 'conflict']) {
        const { items } = await this.#client.get<{ items: readonly StatementView[] }>(
          `/v1/statements?type=${type}&state=${state}`,
        )
        for (const { id, envelope } of items) {
          if (!isSha256Id(id)) throw new MeshError('INVALID_ANSWER', 'a statement has no id')
          const bytes = utf8(envelope)
          this.#add(statementName(id), bytes)
          envelopes.push(bytes)
        }
      }
    return envelopes
  }

  /** Every tile; and every entry bundle that was not pruned, or the records of the case. Gives how many records. */
  async #log(first: number, size: number): Promise<number> {
    const belongs = belongingTo(this.#case)
    const whole = caseJson(this.#case) === null
    let records = 0
    for await (const { place, bytes, listed } of pagesOf(this.#client, first, size)) {
      if (place.level !== null || whole) this.#add(placePath(place), bytes)
      if (place.level !== null) continue
      const chosen = listed.filter(({ id, record }) => belongs(id, record) || whole)
      records += chosen.length
      if (!whole) for (const { index, bytes: leaf } of chosen) this.#add(recordName(index), leaf)
      await this.#exhibits(place, listed, chosen)
    }
    return records
  }

  /** What these decisions were asked with, as far as it was kept: a link may stand with an earlier one. */
  async #exhibits(
    { n }: TilePlace,
    listed: readonly Listed[],
    chosen: readonly Listed[],
  ): Promise<void> {
    if (listed.every(({ record }) => record.type !== 'decision' && record.type !== 'artifact'))
      return
    const first = n * TILE_WIDTH
    const { items } = await this.#client.get<{ items: readonly (string | null)[] }>(
      `/v1/log/exhibits?first=${first}`,
    )
    const wanted = new Set(chosen.map(({ index }) => index))
    for (const { index, record, bytes } of listed) {
      const exhibit = items[index - first] ?? null
      if (exhibit === null) continue
      const parts = readExhibit(fromBase64(exhibit))
      const disclosure = this.#disclosing && wanted.has(index) ? parts.get('disclosure') : undefined
      if (disclosure !== undefined) this.#add(disclosureName(index), disclosure)
      if (record.type !== 'decision') continue
      for (const cid of record.links) {
        const link = parts.get(cid)
        if (link !== undefined) this.#links.set(cid, link)
      }
      if (wanted.has(index)) this.#exhibit(record, parts, !invocationTells(leafOf(bytes)))
    }
  }

  #exhibit(
    record: LogRecord<'decision'>,
    parts: ReturnType<typeof readExhibit>,
    plain: boolean,
  ): void {
    const { invocation, links } = record
    const closing = invocation === null ? undefined : parts.get(invocation)
    // It says what the record only commits to.
    if (invocation !== null && (plain || this.#disclosing))
      this.#addOnce(tokenName(invocation), closing)
    for (const cid of links) this.#addOnce(tokenName(cid), this.#links.get(cid))
    const cause = causeOf(record, closing === undefined ? null : parseInvocation(closing))
    const receipt = parts.get('receipt')
    if (cause !== null && receipt !== undefined) this.#receipt(cause, receipt, record)
  }

  /** One that proved it is there once for all whom it proved it to; another one, and what was no proof, is its record's own. */
  #receipt(cause: RecordId, receipt: Uint8Array, record: LogRecord<'decision'>): void {
    const shared = receiptName(cause)
    const known = this.#hashes.get(shared)
    const own = isBroken(record) || (known !== undefined && known !== sha256Hex(receipt))
    this.#addOnce(own ? receiptName(cause, record.index) : shared, receipt)
  }

  #addOnce(name: string, bytes: Uint8Array | undefined): void {
    if (bytes !== undefined && !this.#hashes.has(name)) this.#add(name, bytes)
  }
}

/** As the root says it, by the statements that were just written. @throws MeshError INVALID_ANSWER */
function policyText(
  checkpoint: Uint8Array,
  trust: TrustRoot,
  statements: readonly Uint8Array[],
): string {
  try {
    const authority = authorityOf(trust, statements)
    const { logKey, checkpoint: head } = openHead(checkpoint, authority)
    return policyOf(head.origin, logKey, authority)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    throw new MeshError('INVALID_ANSWER', `what the daemon gave proves nothing: ${error.message}`, {
      hint: 'meshd audit verify',
      cause: error,
    })
  }
}
