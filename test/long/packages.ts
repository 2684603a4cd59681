/** Programs that some tests need and a machine may not have: brought from the distribution where that may be done. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const INSTALL_MS = 120_000

/** Tries with the lists of packages that are here, then with new ones. @throws when neither serves */
export function fetched(get: () => void): void {
  try {
    get()
  } catch {
    // No lists yet, or old ones: only root may ask for new ones.
    execFileSync('apt-get', ['update'], { stdio: 'ignore', timeout: INSTALL_MS })
    get()
  }
}

/** The first of these files that is here, after the packages were installed if none was; null when there is none. */
export function installed(
  places: readonly string[],
  ...packages: readonly string[]
): string | null {
  const found = () => places.find((path) => existsSync(path)) ?? null
  if (found() !== null || process.getuid?.() !== 0) return found()
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...words: readonly string[]) =>
    execFileSync('apt-get', words, { env, stdio: 'ignore', timeout: INSTALL_MS })
  try {
    fetched(() => apt('install', '-y', '--no-install-recommends', ...packages))
  } catch {
    return null // no Debian, or no network: the tests are skipped, and say so
  }
  return found()
}
