/**
 * The files that `api.tcp` names, read and checked whole: a certificate with
 * its key, the authority of client certificates, the digests of tokens. A
 * reload reads them again and takes over all of it or nothing.
 */
import { X509Certificate } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { TLS_FILE_BYTES_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { MeshError } from '../core/problems.ts'
import { readPrivate } from './key-file.ts'
import { certifiedCallers, distinct, parseTokens, type RemoteCaller } from './remote-callers.ts'
import type { TcpConfig } from './schema.ts'

/** What a TLS server is made of. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** Who signed certificates of clients; null where none is asked for. */
  readonly ca: string | null
}

export interface TcpFiles {
  readonly tls: TlsFiles
  /** When the certificate ends. */
  readonly certUntilMs: number
  readonly callers: readonly RemoteCaller[]
}

/** null where nothing listens. @throws MeshError CONFIG_INVALID, KEY_UNAVAILABLE */
export function readTcpFiles(tcp: TcpConfig | null): TcpFiles | null {
  if (tcp === null) return null
  const tls = {
    cert: readBounded(tcp.cert),
    key: readPrivate(tcp.key, TLS_FILE_BYTES_MAX),
    ca: tcp.clientCa === null ? null : readBounded(tcp.clientCa),
  }
  checkTls(tls, tcp)
  const certUntilMs = new X509Certificate(tls.cert).validToDate.getTime()
  return { tls, certUntilMs, callers: callersOf(tcp) }
}

function callersOf(tcp: TcpConfig): readonly RemoteCaller[] {
  const { tokensFile } = tcp
  const text = tokensFile === null ? '' : readPrivate(tokensFile, TLS_FILE_BYTES_MAX)
  try {
    return distinct([...certifiedCallers(tcp), ...parseTokens(text)])
  } catch (error) {
    // A person wrote it, and is told where.
    if (!(error instanceof Malformed)) throw error
    throw new MeshError('CONFIG_INVALID', `${tokensFile ?? 'api.tcp.clients'}: ${error.message}`)
  }
}

function checkTls({ cert, key, ca }: TlsFiles, { cert: path, clientCa }: TcpConfig): void {
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw new MeshError('CONFIG_INVALID', `${path}: it is no certificate of the key beside it`, {
      hint: 'PEM: the certificate first, then those between it and its root',
      cause,
    })
  }
  try {
    if (ca !== null) new X509Certificate(ca)
  } catch (cause) {
    throw new MeshError('CONFIG_INVALID', `${clientCa}: it is no certificate`, { cause })
  }
}

function readBounded(path: string): string {
  let file: number | null = null
  try {
    file = openSync(path, 'r')
    const { size, mode } = fstatSync(file)
    if (size > TLS_FILE_BYTES_MAX) throw new MeshError('CONFIG_INVALID', `${path}: it is too large`)
    if ((mode & 0o002) !== 0)
      throw new MeshError('CONFIG_INVALID', `${path}: everybody may write it`, {
        hint: `chmod o-w ${path}`,
      })
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause instanceof MeshError) throw cause
    // Whatever the system says about it: a reload must not end the daemon.
    const { code = 'it' } = cause as NodeJS.ErrnoException
    throw new MeshError('CONFIG_INVALID', `${path}: ${code}, cannot be read`, { cause })
  } finally {
    if (file !== null) closeSync(file)
  }
}
