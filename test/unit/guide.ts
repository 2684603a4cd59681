/** The JavaScript of a page, run as it stands: what it imports, and what its reader has, is given to it. */
import { readFileSync } from 'node:fs'
import * as client from '../../src/client/index.ts'

const AsyncFunction: FunctionConstructor = Object.getPrototypeOf(async () => {}).constructor

/** Its blocks, in order. */
export function javaScriptOf(page: string): readonly string[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/```js\n([\s\S]*?)```/g)
  return [...blocks].map(([, block = '']) => block)
}

/** Runs a block against the daemon at that socket. @param scope what it has besides `meshd/client` */
export async function runBlock(block: string, socket: string, scope: object): Promise<void> {
  const names = {
    ...client,
    Mesh: class extends client.Mesh {
      constructor() {
        super({ socket })
      }

      /** The first alone: what follows has no end. */
      override async *events(options?: client.EventOptions): AsyncGenerator<client.MeshEvent> {
        for await (const event of super.events(options)) {
          yield event
          return
        }
      }
    },
    ...scope,
  }
  const code = block.replaceAll(/^import .*\n/gm, '')
  await AsyncFunction(...Object.keys(names), code)(...Object.values(names))
}
