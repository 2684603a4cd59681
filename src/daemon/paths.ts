/** Every path of a node, in one place. */
import { join } from 'node:path'
import type { Config } from './schema.ts'

export interface Paths {
  readonly dataDir: string
  readonly keysDir: string
  readonly identityKey: string
  readonly logKey: string
  readonly witnessKey: string
  /** Present where invites are made. */
  readonly admitterKey: string
  readonly socketsDir: string
  readonly decideSocket: string
  readonly readSocket: string
  readonly adminSocket: string
}

export function pathsOf(config: Config): Paths {
  const { keysDir, dataDir } = config.node
  return {
    dataDir,
    keysDir,
    identityKey: join(keysDir, 'identity.key'),
    logKey: join(keysDir, 'log.key'),
    witnessKey: join(keysDir, 'witness.key'),
    admitterKey: join(keysDir, 'admitter.key'),
    socketsDir: config.api.dir,
    decideSocket: join(config.api.dir, 'meshd.sock'),
    readSocket: join(config.api.dir, 'read.sock'),
    adminSocket: join(config.api.dir, 'admin.sock'),
  }
}
