/** The daemon as a process: what `meshd start` runs until a signal ends it. */

export interface DaemonOptions {
  /** The file that --config names. */
  readonly config: string | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  readonly version: string
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
}

/** Gives the exit status. */
export declare function runDaemon(options: DaemonOptions): Promise<number>
