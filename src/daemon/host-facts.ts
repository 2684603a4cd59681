/**
 * What the kernel of this host says of itself, `.meshd.env.host`:
 *
 *     kernel      /proc/sys/kernel/osrelease             6.12.30-1
 *     boot        /proc/sys/kernel/random/boot_id        another one after each boot
 *     lockdown    /sys/kernel/security/lockdown          none [integrity] confidentiality
 *     secureBoot  the EFI variable SecureBoot            four bytes of attributes, and 1 or 0
 *
 * What is not there (no EFI, no security file system, a container that hides
 * it) is absent.
 */
import { readFileSync } from 'node:fs'
import type { HostFacts } from '../core/facts.ts'

const SECURE_BOOT = '/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c'

/** @param bytesOf of a file; null when it cannot be read */
export function hostFacts(bytesOf = readOrNull): Omit<HostFacts, 'image'> {
  const text = (path: string) => bytesOf(path)?.toString('latin1') ?? ''
  return {
    kernel: oneLine(text('/proc/sys/kernel/osrelease')),
    boot: oneLine(text('/proc/sys/kernel/random/boot_id')),
    lockdown: parseLockdown(text('/sys/kernel/security/lockdown')),
    secureBoot: parseSecureBoot(bytesOf(SECURE_BOOT)),
  }
}

/** The level in brackets. */
export function parseLockdown(text: string): string | null {
  const [, level] = /\[(none|integrity|confidentiality)\]/.exec(text) ?? []
  return level ?? null
}

export function parseSecureBoot(bytes: Uint8Array | null): boolean | null {
  const [, , , , value] = bytes?.length === 5 ? bytes : []
  return value === 0 || value === 1 ? value === 1 : null
}

/** Printable, one line. */
function oneLine(text: string): string | null {
  const [, line] = /^([!-~]{1,128})\n?$/.exec(text) ?? []
  return line ?? null
}

function readOrNull(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch {
    return null // absent
  }
}
