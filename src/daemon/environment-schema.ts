/** What a node measures of its host, as the configuration names it. */
import { z } from 'zod'
import { parseDuration } from '../core/duration.ts'
import { isDid } from '../core/keys.ts'
import {
  ATTESTATION_KEYS_MAX,
  ATTESTATIONS_MAX,
  COLLECTOR_ARGUMENTS_MAX,
  COLLECTOR_EVERY_MS_MIN,
  COLLECTOR_OUTPUTS_MAX,
  COLLECTOR_TIMEOUT_MS,
  COLLECTORS_MAX,
  LABELS_MAX,
} from '../core/limits.ts'
import type { AttestationSpec } from './attestations.ts'
import type { CollectorSpec } from './collectors.ts'
import { bounded, duration, durationOf, name, path, word } from './schema-words.ts'

const keys = z.array(z.string().refine(isDid, 'a did:key')).min(1).max(ATTESTATION_KEYS_MAX)

const collectorSchema = z
  .strictObject({
    command: z.tuple([path]).rest(z.string()),
    every: duration,
    timeout: duration.optional(),
    fresh_for: duration.optional(),
    outputs: bounded(z.record(name, z.enum(['text', 'integer', 'boolean'])), COLLECTOR_OUTPUTS_MAX),
  })
  .refine(({ command }) => command.length <= COLLECTOR_ARGUMENTS_MAX, 'too many arguments')
  .refine(
    ({ every }) => Number(parseDuration(every)) >= COLLECTOR_EVERY_MS_MIN,
    `every ${COLLECTOR_EVERY_MS_MIN / 1000} s at most`,
  )
  .refine(
    ({ every, fresh_for: fresh = every }) =>
      Number(parseDuration(fresh)) >= Number(parseDuration(every)),
    'fresh_for is shorter than every: its facts would come and go',
  )

export const environmentSchema = z.strictObject({
  labels: z
    .record(name, z.string().max(256))
    .refine((labels) => Object.keys(labels).length <= LABELS_MAX, `${LABELS_MAX} at most`)
    .optional(),
  files: z.record(name, path).optional(),
  image_digest_file: path.optional(),
  attestations: bounded(
    z.record(name, z.strictObject({ file: path, keys: keys })),
    ATTESTATIONS_MAX,
  ).optional(),
  collectors: bounded(z.record(word, collectorSchema), COLLECTORS_MAX).optional(),
})

export interface EnvironmentConfig {
  readonly labels: ReadonlyMap<string, string>
  readonly files: ReadonlyMap<string, string>
  /** Who builds or starts the image writes its digest there. */
  readonly imageDigestFile: string | null
  readonly attestations: ReadonlyMap<string, AttestationSpec>
  readonly collectors: ReadonlyMap<string, CollectorSpec>
}

export function environmentOf(from: z.infer<typeof environmentSchema>): EnvironmentConfig {
  const { labels = {}, files = {}, attestations = {}, collectors = {} } = from
  return {
    labels: new Map(Object.entries(labels)),
    files: new Map(Object.entries(files)),
    imageDigestFile: from.image_digest_file ?? null,
    attestations: new Map(
      Object.entries(attestations).map(([name, { file: path, keys }]) => [name, { path, keys }]),
    ),
    collectors: new Map(
      Object.entries(collectors).map(([name, each]) => [name, collectorOf(each)]),
    ),
  }
}

function collectorOf(from: z.infer<typeof collectorSchema>): CollectorSpec {
  const everyMs = Number(parseDuration(from.every))
  const timeoutMs = durationOf(from.timeout) ?? COLLECTOR_TIMEOUT_MS
  return {
    ...{ command: from.command, everyMs, timeoutMs },
    // One run may be late.
    freshMs: durationOf(from.fresh_for) ?? 2 * everyMs + timeoutMs,
    outputs: new Map(Object.entries(from.outputs)),
  }
}
