/**
 * What the disk says, in our words. LevelDB's errors end here: above this
 * folder there is NOT_READY, which may pass, and LOG_DAMAGED, which does not.
 */
import { MeshError } from '../core/problems.ts'

/** Another process has the directory, the disk is full, the device fails: nothing is known to be wrong with what is stored. */
export function failed(doing: string, cause: unknown): MeshError {
  if (cause instanceof MeshError) return cause
  const text = textsOf(cause)
  if (/LEVEL_LOCKED/.test(text)) {
    return new MeshError('NOT_READY', 'the data directory is in use by another daemon', {
      hint: 'stop the other daemon, or give this one a `data_dir` of its own',
      cause,
    })
  }
  if (/LEVEL_CORRUPTION|Corruption|create_if_missing|No such file|ENOENT/i.test(text)) {
    return damaged(`${doing}: ${lastLine(cause)}`, cause)
  }
  const full = /No space left|ENOSPC/i.test(text)
  const why = full ? 'the disk is full' : lastLine(cause)
  return new MeshError('NOT_READY', `${doing}: ${why}`, {
    hint: full ? 'make room on the disk of the data directory' : 'look at the disk: `dmesg`',
    cause,
  })
}

export function damaged(what: string, cause?: unknown): MeshError {
  return new MeshError('LOG_DAMAGED', what, {
    hint: 'keep the directory as evidence; restore it, or join again with a new log epoch',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Given up on purpose, by an operator: nothing is wrong with the log. */
export function pruned(index: number): MeshError {
  return new MeshError('NOT_FOUND', `record ${index} was pruned`, {
    hint: 'whoever holds an export of it can still prove it',
  })
}

/** Codes and messages of an error and what caused it. */
function textsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  const inner = error.cause === undefined ? '' : textsOf(error.cause)
  return `${code} ${error.message} ${inner}`
}

function lastLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? lastLine(error.cause) : error.message
}
