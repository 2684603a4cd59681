/** How the command line is bundled, so that a command starts in little more than Node itself does. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Plugin } from 'esbuild'

const NAME = /^[A-Za-z_$][\w$]*$/

/**
 * Node's own modules are taken as objects, and of each only what is used. An
 * `import` reads every export, also those that load half of Node when they are
 * read: `WebSocket` of node:http, `diff` of node:util. That was half of a start.
 */
export const builtins: Plugin = {
  name: 'builtins',
  setup: ({ onResolve, onLoad }) => {
    // Experimental, and warns whoever looks at it: it stays outside.
    onResolve({ filter: /^node:ffi$/ }, ({ path }) => ({ path, external: true }))
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }))
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: lazily(path) }))
  },
}

/** A module of the same names, none of which is read before it is used. */
function lazily(path: string): string {
  const from = `process.getBuiltinModule(${JSON.stringify(path)})`
  const all: object = process.getBuiltinModule(path) ?? {}
  const names = Object.keys(all).filter((name) => NAME.test(name) && name !== 'default')
  // `process` and what is a function in itself are used as they are.
  const whole = typeof all !== 'object' || path === 'node:process'
  const getters = names.map((name) => `get ${name}() { return ${from}.${name} },`)
  const named = names.map(
    (name) => `const $${name} = /* @__PURE__ */ (() => ${from}.${name})()
export { $${name} as ${name} }`,
  )
  return `export default ${whole ? from : `{\n${getters.join('\n')}\n}`}\n${named.join('\n')}`
}

/**
 * What every command needs goes into one file: whatever is loaded later is told
 * that it needs that too, which is true, since the entry is always there first.
 * Otherwise each set of commands that share something would share a file of its own.
 */
export function together(...needed: readonly string[]): Plugin {
  const imports = needed.map((path) => `import ${JSON.stringify(resolve(path))}`).join('\n')
  const later = new Set(lazyModules())
  return {
    name: 'together',
    setup: ({ onLoad }) => {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!later.has(path)) return null
        const own = readFileSync(path, 'utf8')
        return { contents: `${own}\n${imports}`, loader: 'ts' }
      })
    },
  }
}

/** All that a source takes by `await import()`. */
function lazyModules(): readonly string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const path = resolve('src', name)
      const found = readFileSync(path, 'utf8').matchAll(/\bimport\('(\.[^']+)'\)/g)
      return [...found].map(([, target = '']) => resolve(dirname(path), target))
    })
}
