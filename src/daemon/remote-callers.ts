/**
 * Callers on other hosts (`api.tcp`): whoever shows a certificate or a token is
 * the principal that the operator wrote beside its sha256. The daemon keeps
 * that principal's key and signs for it, as it does for a local caller.
 *
 *     api.tcp.clients        { certificate: sha256:9f86…, principal: edge, asserts: ["user:*"] }
 *     a line of tokens_file  sha256:2c26… edge user:*
 *
 * The kernel says nothing of them: no uid, no process, no socket. What is
 * bound to such a fact denies.
 */
import { timingSafeEqual } from 'node:crypto'
import { sha256 } from '../core/id.ts'
import { REMOTE_CALLERS_MAX } from '../core/limits.ts'
import { Malformed } from '../core/malformed.ts'
import { type Caller, tcpSocket } from '../core/presented.ts'
import type { CallerNames } from './caller.ts'
import type { TcpConfig } from './schema.ts'

export interface RemoteCaller {
  readonly kind: 'certificate' | 'token'
  /** sha256 of the certificate (DER), or of the token: `sha256:` and 64 hex digits. */
  readonly digest: string
  readonly principal: string
  /** Subjects it may speak for. */
  readonly asserts: readonly string[]
}

/** Letters that need no quotes anywhere, and 32 of them: less could be guessed. */
const BEARER = /^Bearer ([A-Za-z0-9._~+/=-]{32,512})$/i
const LINE = /^(sha256:[0-9a-f]{64})[ \t]+([a-zA-Z0-9][a-zA-Z0-9._-]*)((?:[ \t]+[!-~]+)*)$/

/** One caller a line; `#` begins a comment. @throws Malformed naming the line */
export function parseTokens(text: string): readonly RemoteCaller[] {
  const found = text.split('\n').flatMap((line, i) => {
    const kept = line.trim()
    return kept === '' || kept.startsWith('#') ? [] : [parseToken(kept, i + 1)]
  })
  return distinct(found)
}

function parseToken(line: string, number: number): RemoteCaller {
  const [, digest, principal, rest = ''] = LINE.exec(line) ?? []
  if (digest === undefined || principal === undefined)
    throw new Malformed(
      `line ${number}: must be sha256:… and a principal, and whom it may speak for`,
    )
  const asserts = rest.split(/[ \t]+/).filter((each) => each !== '')
  return { kind: 'token', digest, principal, asserts }
}

/** Who shows one thing is one caller. @throws Malformed */
export function distinct(callers: readonly RemoteCaller[]): readonly RemoteCaller[] {
  if (callers.length > REMOTE_CALLERS_MAX)
    throw new Malformed(`there are more than ${REMOTE_CALLERS_MAX} callers`)
  const seen = new Set<string>()
  for (const { digest } of callers) {
    if (seen.has(digest)) throw new Malformed(`${digest.slice(0, 15)}… is there twice`)
    seen.add(digest)
  }
  return callers
}

/** Certificates as they stand in the configuration. */
export function certifiedCallers({ clients }: TcpConfig): readonly RemoteCaller[] {
  return clients.map(({ certificate, principal, asserts }) => ({
    ...{ kind: 'certificate' as const, digest: certificate },
    ...{ principal, asserts },
  }))
}

export interface RemotePorts {
  readonly names: CallerNames
  /** As the configuration of now has them: a caller that was taken out is nobody at once. */
  listed(): readonly RemoteCaller[]
  /** `127.0.0.1:8443` */
  readonly listen: string
}

export class RemoteCallers {
  readonly #ports: RemotePorts
  /** The same caller as long as its key is: what follows from one can be remembered with it. */
  #known = new WeakMap<RemoteCaller, Caller>()

  constructor(ports: RemotePorts) {
    this.#ports = ports
  }

  /** @param fingerprint sha256 of the certificate in DER */
  byCertificate(fingerprint: Uint8Array): Caller | null {
    return this.#callerOf(this.#find('certificate', fingerprint))
  }

  /** @param authorization the header: `Bearer …` */
  byToken(authorization: string): Caller | null {
    const token = BEARER.exec(authorization)?.[1]
    if (token === undefined) return null
    return this.#callerOf(this.#find('token', sha256(Buffer.from(token))))
  }

  /** All are compared, whichever it is: the time tells nothing. */
  #find(kind: RemoteCaller['kind'], digest: Uint8Array): RemoteCaller | null {
    let found: RemoteCaller | null = null
    for (const each of this.#ports.listed()) {
      const equal = timingSafeEqual(Buffer.from(each.digest.slice('sha256:'.length), 'hex'), digest)
      if (equal && each.kind === kind) found = each
    }
    return found
  }

  /** null without a key: two such callers could not be told apart. */
  #callerOf(remote: RemoteCaller | null): Caller | null {
    if (remote === null) return null
    const { principal: name, asserts } = remote
    const principal = this.#ports.names.principalOf(name)
    if (principal === null) return null
    const known = this.#known.get(remote)
    if (known !== undefined && known.principal === principal) return known
    const caller: Caller = {
      ...{ principal, name, asserts, identified: true },
      ...{ uid: null, gid: null, pid: null },
      socket: tcpSocket(this.#ports.listen),
    }
    this.#known.set(remote, caller)
    return caller
  }
}
