/**
 * One private key in one file: PKCS#8 PEM of an Ed25519 key, mode 0600.
 *
 *     -----BEGIN PRIVATE KEY-----            or BEGIN MESHD ENCRYPTED KEY, see seal()
 *
 * A file that is a link, belongs to somebody else or has a group or other bit
 * is refused before it is read: whoever could read it may have the key.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scryptSync,
} from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { KEY_FILE_BYTES_MAX } from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'

const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 }
const SALT_BYTES = 16
const IV_BYTES = 12
const TAG_BYTES = 16
const PKCS8_SEED_OFFSET = 16
const SEALED =
  /^-----BEGIN MESHD ENCRYPTED KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END MESHD ENCRYPTED KEY-----\n$/

/** @throws MeshError KEY_UNAVAILABLE: missing, not private, not a key, wrong passphrase. */
export function readKeyFile(path: string, passphrase: string | null = null): Uint8Array {
  const text = readPrivate(path, KEY_FILE_BYTES_MAX)
  const sealed = SEALED.exec(text)
  if (sealed !== null) {
    if (passphrase === null) throw unavailable(path, 'it has a passphrase, and none was given')
    return open(path, Buffer.from(sealed[1] ?? '', 'base64'), passphrase)
  }
  return seedOf(path, text)
}

/** Makes a key and its file; never overwrites one. Gives the seed, 32 bytes. */
export function createKeyFile(path: string, passphrase: string | null = null): Uint8Array {
  const seed = newSeed()
  writePrivate(path, passphrase === null ? pemOf(seed) : seal(seed, passphrase))
  return seed
}

export function newSeed(): Uint8Array {
  return seedOfKey(generateKeyPairSync('ed25519').privateKey)
}

export function pemOf(seed: Uint8Array): string {
  return privateKeyOf(seed).export({ format: 'pem', type: 'pkcs8' }).toString()
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  const header = Buffer.from('302e020100300506032b657004220420', 'hex')
  return createPrivateKey({ key: Buffer.concat([header, seed]), format: 'der', type: 'pkcs8' })
}

function seedOfKey(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_SEED_OFFSET))
}

function seedOf(path: string, pem: string): Uint8Array {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return seedOfKey(key)
  } catch {
    // Whatever OpenSSL says about it, the operator needs one sentence.
  }
  throw unavailable(path, 'it holds no Ed25519 private key')
}

/** Of this user, and of nobody else. @throws MeshError KEY_UNAVAILABLE */
export function readPrivate(path: string, bytesMax: number): string {
  const file = openNoFollow(path)
  try {
    const stat = fstatSync(file)
    const { mode, uid, size } = stat
    if (!stat.isFile()) throw unavailable(path, 'it is no file')
    if (namesOf(path, stat) !== 1) throw unavailable(path, 'it has a second name')
    if (uid !== (process.getuid?.() ?? uid)) throw unavailable(path, `it belongs to uid ${uid}`)
    if ((mode & 0o077) !== 0)
      throw new MeshError(
        'KEY_UNAVAILABLE',
        `${path}: mode ${(mode & 0o777).toString(8)} lets others use it`,
        {
          hint: `chmod 600 ${path}`,
        },
      )
    if (size > bytesMax) throw unavailable(path, 'it is too large')
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** Who was killed while it made the file left it another name, that the next one removes. */
function namesOf(path: string, { ino, dev, nlink }: Stats): number {
  const part = lstatSync(partOf(path), { throwIfNoEntry: false })
  return part?.ino === ino && part.dev === dev ? nlink - 1 : nlink
}

/** A pipe is not waited for. */
function openNoFollow(path: string): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') throw unavailable(path, 'no such file')
    if (code === 'ELOOP') throw unavailable(path, 'it is a symbolic link')
    throw new MeshError('KEY_UNAVAILABLE', `${path}: ${code ?? 'cannot be opened'}`, {
      cause: error,
    })
  }
}

const partOf = (path: string) => `${path}.part`

/** Whole and fsynced before it has its name, which must be new: who is killed meanwhile leaves no half of a file there. */
export function writePrivate(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const part = partOf(path)
  rmSync(part, { force: true })
  const file = openSync(part, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
    // Unlike a rename it takes nobody's place.
    linkSync(part, path)
  } finally {
    closeSync(file)
    rmSync(part)
  }
}

/** salt ‖ iv ‖ tag ‖ AES-256-GCM(scrypt(passphrase, salt), seed), base64 in a PEM-like frame. */
function seal(seed: Uint8Array, passphrase: string): string {
  const salt = randomBytes(SALT_BYTES)
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', scryptSync(passphrase, salt, 32, SCRYPT), iv)
  const body = Buffer.concat([cipher.update(seed), cipher.final()])
  const text = Buffer.concat([salt, iv, cipher.getAuthTag(), body]).toString('base64')
  return `-----BEGIN MESHD ENCRYPTED KEY-----\n${text}\n-----END MESHD ENCRYPTED KEY-----\n`
}

function open(path: string, sealed: Buffer, passphrase: string): Uint8Array {
  const [salt, rest] = [sealed.subarray(0, SALT_BYTES), sealed.subarray(SALT_BYTES)]
  const [iv, tag] = [rest.subarray(0, IV_BYTES), rest.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)]
  try {
    const key = scryptSync(passphrase, salt, 32, SCRYPT)
    const cipher = createDecipheriv('aes-256-gcm', key, iv).setAuthTag(tag)
    return new Uint8Array(
      Buffer.concat([cipher.update(rest.subarray(IV_BYTES + TAG_BYTES)), cipher.final()]),
    )
  } catch {
    throw unavailable(path, 'the passphrase is wrong, or the file is damaged')
  }
}

function unavailable(path: string, why: string): MeshError {
  return new MeshError('KEY_UNAVAILABLE', `${path}: ${why}`)
}
