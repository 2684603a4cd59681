/** What check 1 refuses, whoever signed it. */
import { fromHex, toBase64, toBase64Url, toHex } from '../../src/core/bytes.ts'
import { encodeCbor } from '../../src/core/cbor.ts'
import type { Vector } from './artifact.ts'
import { ARGS, close, closed, edit, type Fields, line, link, NOW_S, under } from './tokens.ts'

export function malformed(): readonly Vector[] {
  const rows: Record<string, string> = {
    ...fields(),
    ...policies(),
    ...invocations(),
    ...envelopes(),
    ...containers(),
  }
  return Object.entries(rows).map(([comment, artifact]) => {
    return { comment, expect: 'AUTHORIZATION_MALFORMED', artifact }
  })
}

function fields(): Record<string, string> {
  const one = (more: Fields) => closed([link(0, more)])
  return {
    'exp null: for ever': one({ exp: null }),
    'exp missing': one({ exp: undefined }),
    'exp a text': one({ exp: '1767225660' }),
    'exp a fraction': one({ exp: NOW_S + 60.5 }),
    'exp beyond the year 9999': one({ exp: 253_402_300_800 }),
    'exp not after nbf': one({ nbf: NOW_S + 60, exp: NOW_S + 60 }),
    'a life of more than 400 days': one({ nbf: NOW_S, exp: NOW_S + 401 * 86_400 }),
    'nbf null': one({ nbf: null }),
    'sub null: a powerline': closed([link(0), link(1, { sub: null })]),
    'aud missing': one({ aud: undefined }),
    'aud of another method': one({ aud: 'did:web:example.com' }),
    'aud of another kind of key': one({
      aud: 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169',
    }),
    'nonce a text': one({ nonce: 'abcdefabcdef' }),
    'an unknown field': one({ note: 1 }),
    'an unknown field in meta': one({ meta: { note: 'x' } }),
    'an unknown field in meta.by': one({ meta: { by: { email: 'x' } } }),
    'meta a list': one({ meta: [] }),
    'depth a fraction': one({ meta: { depth: 0.5 } }),
    'depth below zero': one({ meta: { depth: -1 } }),
    'depth more than there may be links': one({ meta: { depth: 8 } }),
    'a command in upper case': one({ cmd: '/Tool' }),
    'a command with a slash at its end': one({ cmd: '/tool/' }),
    'a command without a slash': one({ cmd: 'tool' }),
    'a command with an empty segment': one({ cmd: '//tool' }),
  }
}

function nested(depth: number): unknown {
  return depth <= 1 ? ['==', '.args.size', 7] : ['not', ['not', nested(depth - 2)]]
}

function policies(): Record<string, string> {
  return {
    'an empty or, which UCAN holds true': under([['or', []]]),
    'pol a map': under({}),
    'an unknown operator': under([['=', '.action', 'x']]),
    'a predicate with too few arguments': under([['==', '.action']]),
    'a predicate with too many': under([['not', ['==', '.action', 'x'], 1]]),
    'like with a number': under([['like', '.action', 1]]),
    'less than a text': under([['<', '.args.size', '8']]),
    'a selector without a dot': under([['==', 'action', 'x']]),
    'a selector with two dots': under([['==', '..action', 'x']]),
    'a selector of everything, where ? would excuse a fact': under([
      ['any', '.', ['==', '.x?', null]],
    ]),
    'a selector of all facts': under([['any', '.meshd', ['==', '.x?', null]]]),
    'a selector of the elements of everything': under([['==', '.[]', 1]]),
    'a selector of a fact that nobody measures': under([['==', '.meshd.luck', 1]]),
    'a selector of something unknown': under([['==', '.cmd', '/tool']]),
    'predicates nested too deeply': under([nested(9)]),
    'too many predicates': under(new Array(65).fill(['==', '.action', 'tool:read'])),
    'bytes as a literal': under([['==', '.args.path', Uint8Array.of(1)]]),
  }
}

function invocations(): Record<string, string> {
  const one = (more: Fields) => closed([link(0)], more)
  const asked = (more: object) => one({ args: { ...ARGS, ...more } })
  return {
    'args that bring meshd': asked({ meshd: { runtime: { uid: 0 } } }),
    'inner args that bring meshd': asked({ args: { meshd: {} } }),
    'args with something unknown': asked({ note: 1 }),
    'args without the inner args': asked({ args: null }),
    'a resource without a type': asked({ resource: { id: 'x' } }),
    'a resource with a star': asked({ resource: { type: 'repo', id: 'acme/*' } }),
    'a resource that climbs': asked({ resource: { type: 'repo', id: 'acme/../other' } }),
    'a resource with an invisible character': asked({
      resource: { type: 'repo', id: 'acme/\u200bdocs' },
    }),
    'an action with an empty segment': asked({ action: 'tool::read' }),
    'a command that is not that of the action': one({ cmd: '/tool/write' }),
    'no node to decide': one({ aud: undefined }),
    'no proofs': one({ prf: [] }),
    'a proof by name': one({
      prf: ['bafyreigyftnzjf4rcu7glp5kfop53vqlopc3zcldauoqdxqlz7t4343gr4'],
    }),
    'no end': one({ exp: null }),
    'a life of more than five minutes': one({ iat: NOW_S, exp: NOW_S + 301 }),
    'a cause by name': one({ cause: `sha256:${'0'.repeat(64)}` }),
    'single use, which only links have': one({ meta: { once: true } }),
    'bytes as an argument': asked({ args: { path: Uint8Array.of(1) } }),
  }
}

function envelopes(): Record<string, string> {
  const token = link(0)
  const [signature, signed] = [token.subarray(3, 67), toHex(token.subarray(67))]
  const rebuilt = (hex: string) => closedWith(fromHex(`825840${toHex(signature)}${hex}`))
  return {
    'a longer length prefix than needed': closedWith(edit(token, 1, 2, [0x59, 0, 0x40])),
    'a third element beside signature and payload': closedWith(edit(token, 0, 1, [0x83, 0x01])),
    'bytes after the end': closedWith(Uint8Array.from([...token, 0])),
    'half of a token': closedWith(token.subarray(0, 100)),
    'another version of UCAN': rebuilt(
      signed.replace(toHex(encodeCbor('ucan/dlg@1.0.0')), toHex(encodeCbor('ucan/dlg@1.0.1'))),
    ),
    'another algorithm in the header': rebuilt(
      signed.replace('3401ed01ed011371', '3401ec01ec011371'),
    ),
    'time as a float': rebuilt(
      signed.replace(`63657870${hexOf(NOW_S + 3600)}`, `63657870fb${floatHex(NOW_S + 3600)}`),
    ),
  }
}

function closedWith(token: Uint8Array): string {
  return line([token, close([token])])
}

function hexOf(value: number): string {
  return toHex(encodeCbor(value))
}

function floatHex(value: number): string {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return toHex(new Uint8Array(view.buffer))
}

function containers(): Record<string, string> {
  const tokens = [link(0)]
  const closing = close(tokens)
  const good = encodeCbor({ 'ctn-v1': [...tokens, closing] })
  return {
    'no token': line([]),
    'no link': line([closing]),
    'one link twice': line([...tokens, ...tokens, closing]),
    'two invocations': line([...tokens, closing, close(tokens, { exp: NOW_S + 61 })]),
    'a token that is a text': line(['x', ...tokens, closing]),
    'a link too many for any chain': line(Array.from({ length: 9 }, (_, i) => link(i))),
    'another kind of container': `C${toBase64Url(encodeCbor({ 'ctn-v2': [...tokens, closing] }))}`,
    'something beside the tokens': `C${toBase64Url(encodeCbor({ 'ctn-v1': [...tokens, closing], x: 1 }))}`,
    'base64 with padding, header B': `B${toBase64(good)}`,
    'a compressed container, header P': `P${toBase64Url(good)}`,
    'no header': toBase64Url(good),
    'two lines': `C${toBase64Url(good)}\n\n`,
    'nothing at all': '',
    '9,000 lists in each other': `C${toBase64Url(new Uint8Array(9_000).fill(0x81))}`,
  }
}
