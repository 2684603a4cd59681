import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { signerOf } from '../../src/core/keys.ts'
import { Malformed } from '../../src/core/malformed.ts'
import { formatPeerId, parsePeerId, peerOfAddress } from '../../src/core/peer-id.ts'

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })

test('a did and the peer id that libp2p gives the same seed are each other', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const theirs = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString()
      const { did } = signerOf(seed)
      assert.equal(formatPeerId(did), theirs)
      assert.equal(parsePeerId(theirs), did)
    }),
    { numRuns: 20 },
  )
})

test('an address says whose it is, or is refused', () => {
  const { did } = signerOf(new Uint8Array(32).fill(7))
  const id = formatPeerId(did)
  assert.equal(peerOfAddress(`/ip4/10.0.0.4/tcp/4717/p2p/${id}`), did)
  const wrong = [
    '/ip4/10.0.0.4/tcp/4717',
    `/ip4/10.0.0.4/tcp/4717/p2p/${id}/p2p-circuit`,
    '/ip4/10.0.0.4/tcp/4717/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
    `/ip4/10.0.0.4/tcp/4717/p2p/${id.slice(0, -1)}`,
    `/ip4/10.0.0.4/tcp/4717/p2p/${id}1`,
  ]
  for (const address of wrong) assert.throws(() => peerOfAddress(address), Malformed, address)
})
