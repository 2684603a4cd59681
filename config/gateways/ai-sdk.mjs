// AI SDK: the function of a tool is guarded itself, so that nothing runs it without an allow.
//     const deploy = tool({ …, execute: guarded('deploy', run) })
import { Denied, Mesh } from 'meshd/client'

const mesh = new Mesh({ socket: '{{socket}}' })

export function guarded(name, run) {
  const ask = { action: 'tools/call', resource: () => `tool:${name}` }
  const tool = mesh.tool((input, exe) => run(input, { abortSignal: exe.signal }), ask)
  return async (input) => {
    try {
      return await tool(input)
    } catch (error) {
      // What the model may know; whatever else went wrong is an error of the tool, as before.
      if (error instanceof Denied) return `denied by meshd: ${error.code}: ${error.reason}`
      throw error
    }
  }
}
