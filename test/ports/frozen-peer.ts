/** A node to be stopped with SIGSTOP: lets everybody in, says its did, dials the address it is given. */
import { peerOfAddress } from '../../src/core/peer-id.ts'
import { LoopbackLab } from './labs.ts'
import { MESH, Porter, WELCOME } from './network-nodes.ts'

const address = process.argv[2] as string
const peer = peerOfAddress(address)
const network = new LoopbackLab().network(42)
const porter = new Porter()
porter.members.add(peer)
porter.welcome = async (_peer, answer) => Buffer.from(answer).toString() === WELCOME
network.useMesh(MESH)
await network.start(porter)
process.stdout.write(`${network.self}\n`)
network.remember(peer, [address])
