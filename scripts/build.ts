/**
 * `npm run build`: what the npm package ships, in dist/.
 *
 *     dist/src/…         the sources as readable JavaScript with types (tsc), for `meshd/client`
 *     dist/meshd.js      the command line and, in chunks it loads lazily, the daemon (esbuild)
 *
 * Packages stay outside, but for commander: a client command opens three files;
 * and for zod, of which the daemon needs a twentieth.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { build } from 'esbuild'
import { builtins, together } from './build/bundling.ts'

const manifest: { dependencies: Record<string, string> } = JSON.parse(
  readFileSync('package.json', 'utf8'),
)
const BUNDLED = new Set(['commander', 'zod'])

rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', '.'], { stdio: 'inherit' })
await build({
  entryPoints: { meshd: 'src/cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  platform: 'node',
  format: 'esm',
  target: 'node26',
  external: Object.keys(manifest.dependencies).filter((name) => !BUNDLED.has(name)),
  chunkNames: 'chunk-[hash]',
  plugins: [builtins, together('src/cli/run.ts', 'src/cli/commands.ts')],
})
