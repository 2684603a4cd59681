/** `meshd demo`: the story of the first minute, on three real daemons of this machine. */
import type { Command } from './spec.ts'
import { flagOption } from './spec.ts'

export const demo: Command = {
  name: 'demo',
  group: 'GET GOING',
  says: 'three real nodes on this machine: allow, revoke, deny, cut off, prove',
  examples: ['meshd demo', 'meshd demo --keep'],
  options: [{ flags: '--keep', says: 'leave the three running, and print how to reach them' }],
  run: async (context, _args, options) => {
    const { tell } = await import('./story.ts')
    const keep = flagOption(options, 'keep')
    await tell({
      keep,
      say: (line) => context.print(context.style.symbols(line)),
      monotonicMs: () => performance.now(),
      signal: context.signal,
    })
    if (!keep) context.say('next: meshd demo --keep   leaves the three running')
    return 0
  },
}
