/**
 * What a parser throws at untrusted bytes, and nothing else.
 *
 * It is caught where untrusted bytes come in and nowhere else: check 1, the
 * inbox, the readers of files. It says what was found, in one lowercase line.
 */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}
