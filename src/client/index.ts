/** The package's entry `meshd/client`. */
export { type Allow, type Decision, Denied, type Deny, type Question } from './decision.ts'
export type { EventOptions, MeshEvent } from './events.ts'
export type { Execution } from './guard.ts'
export { expressGuard, fastifyGuard } from './http-guards.ts'
export { type CallOptions, type Mapping, Mesh, type MeshOptions } from './mesh.ts'
