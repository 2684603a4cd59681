/** Words that several parts of the configuration are made of. */
import { z } from 'zod'
import { parseDuration } from '../core/duration.ts'
import { NAME_BYTES_MAX } from '../core/limits.ts'

export const name = z
  .string()
  .max(NAME_BYTES_MAX)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, 'letters, digits, `.`, `_` and `-`, not first')
/** A name without dots: `collected.disk.free_gib` is read from the left. */
export const word = z
  .string()
  .max(NAME_BYTES_MAX)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]*$/, 'letters, digits, `_` and `-`, not first')
export const path = z.string().min(1).startsWith('/', 'an absolute path')
export const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, 'a duration such as 90s, 15m, 2h, 400d')

/** So many keys at most. */
export function bounded<T>(schema: z.ZodRecord<z.ZodString, z.ZodType<T>>, max: number) {
  return schema.refine((map) => Object.keys(map).length <= max, `${max} at most`)
}

export function durationOf(text: string | undefined): number | null {
  return text === undefined ? null : parseDuration(text)
}
