import { LoopbackLab, SimLab } from './labs.ts'
import { suite } from './network-suite.ts'

suite('simulated', () => new SimLab(), 1)
suite('libp2p', () => new LoopbackLab(), 8)
