/** `node --import` this: the process runs the mutant that its environment names, or the program as it is. */
import { MUTANT, mutate } from './mutant.ts'
import { MUTATIONS } from './mutations.ts'

const mutation = MUTATIONS.find(({ id }) => id === process.env[MUTANT])
if (mutation !== undefined) mutate(mutation)
