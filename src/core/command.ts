/**
 * Actions, commands and resources: the grammar of what is asked and granted.
 *
 *   action    tool:read           lower case; `:` and `/` separate segments
 *   command   /tool/read          UCAN's form: lower case, compared by segment
 *   resource  repo:acme/docs      type:id; a grant may hold `*` in the id
 *
 * Ids are printable ASCII (FAULTS 85): no two of them look alike, and bytes are compared.
 */
import { ACTION_BYTES_MAX, RESOURCE_BYTES_MAX } from './limits.ts'
import { Malformed } from './malformed.ts'

/** What an action is done to, or who it is done for. */
export interface Entity {
  readonly type: string
  readonly id: string
}

const ACTION = /^[!-~]+$/
const ID = /^[ -~]+$/
/** Cedar's type names: whatever is not one could never be permitted. */
const TYPE = /^[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*$/
const ENTITY = /^([A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*):([^:].*)$/s

/**
 * Checks the name of an action. Another case would be another action to a predicate over `.action`, and
 * the same one to a grant, a policy and whoever carries it out: so there is none. @throws Malformed
 */
export function parseAction(text: string): string {
  if (text.length > ACTION_BYTES_MAX) throw new Malformed('the action is too long')
  if (!ACTION.test(text)) throw new Malformed('an action is printable ASCII without spaces')
  if (/["\\*]/.test(text)) throw new Malformed('an action holds no quote, backslash or star')
  if (/[A-Z]/.test(text)) throw new Malformed('an action is written in lower case')
  if (text.split(/[:/]/).includes('')) throw new Malformed('an action has no empty segment')
  return text
}

/** The UCAN command of an action: `tool:read` gives `/tool/read` (INTERFACE 1.1). */
export function commandOf(action: string): string {
  return `/${action.toLowerCase().replaceAll(':', '/')}`
}

/** The action that a command names, for people: `/tool/read` gives `tool:read`, `/` gives `*`. */
export function actionOf(command: string): string {
  return command === '/' ? '*' : command.slice(1).replaceAll('/', ':')
}

/** Checks a command as it stands in a token: `/`, or lower-case segments. @throws Malformed */
export function parseCommand(text: string): string {
  if (text === '/') return text
  if (!text.startsWith('/')) throw new Malformed('a command begins with a slash')
  if (text !== text.toLowerCase()) throw new Malformed('a command is lower case')
  if (text.includes(':')) throw new Malformed('a command holds no colon')
  parseAction(text.slice(1))
  return text
}

/** True if the parent's command is the child's or an ancestor of it, by segment: `/db/read` does not cover `/db/readwrite`. */
export function covers(parent: string, child: string): boolean {
  return parent === '/' || parent === child || child.startsWith(`${parent}/`)
}

/** The longest command that covers every action; `/` when they share no segment, or there is none. */
export function commonCommand(actions: readonly string[]): string {
  const [first, ...others] = actions.map((action) => commandOf(action).split('/').slice(1))
  if (first === undefined) return '/'
  const end = first.findIndex((part, i) => others.some((other) => other[i] !== part))
  return `/${(end < 0 ? first : first.slice(0, end)).join('/')}`
}

/** Checks the type and id of a request's resource or subject: no `*`, no `..` segment that would climb out of a pattern. @throws Malformed */
export function parseEntity(type: string, id: string, what: string): Entity {
  if (id.includes('*')) throw new Malformed(`a ${what} in a request holds no star`)
  return parsePattern(type, id, what)
}

/** Like parseEntity, but `*` in the id stands for any text. @throws Malformed */
function parsePattern(type: string, id: string, what: string): Entity {
  if (type.length + id.length + 1 > RESOURCE_BYTES_MAX)
    throw new Malformed(`the ${what} is too long`)
  if (!TYPE.test(type)) throw new Malformed(`the type of a ${what} is a name like \`repo\``)
  if (!ID.test(id)) throw new Malformed(`the id of a ${what} is printable ASCII and not empty`)
  if (id.split('/').includes('..')) throw new Malformed(`the id of a ${what} has no \`..\` segment`)
  // `\*` would be a literal star to a UCAN glob, and no request holds one.
  if (id.includes('\\*')) throw new Malformed(`the id of a ${what} has no backslash before a star`)
  return { type, id }
}

/** Splits `type:id` as people write it, with `*` where a pattern is wanted. @throws Malformed */
export function parseResource(text: string): Entity {
  const match = ENTITY.exec(text)
  if (match === null) throw new Malformed('a resource is written `type:id`')
  return parsePattern(match[1] as string, match[2] as string, 'resource')
}

export function formatEntity(entity: Entity): string {
  return `${entity.type}:${entity.id}`
}
