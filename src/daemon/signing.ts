/**
 * Signatures on another thread: one costs 40 µs of processor time, which is
 * more than all the rest of a decision that was asked before, and handing it
 * over costs 5. The threads are the ones that wait for the disk; who waits for
 * a signature has a deadline.
 */
import { sign } from 'node:crypto'
import { privateKeyOf } from '../core/keys.ts'

export type Sign = (message: Uint8Array) => Promise<Uint8Array>
/** @param seed 32 bytes, the private key */
export type Signing = (seed: Uint8Array) => Sign

export const signingAside: Signing = (seed) => {
  const key = privateKeyOf(seed)
  return (message) =>
    new Promise((done, failed) => {
      sign(null, message, key, (error, signature) => {
        if (error === null) done(signature)
        else failed(error)
      })
    })
}
