/** Planted bugs of who asks, and by what: of chains that would gain something, and of callers. */
import { edit, type Mutation } from './mutation.ts'

export const ASKERS: readonly Mutation[] = [
  {
    id: 'A1',
    name: 'a child may have a wider action',
    edits: [
      edit(
        'core/chain.ts',
        'if (above !== undefined && !covers(above.cmd, link.cmd)) {',
        "if (above?.cmd === '') {",
      ),
      edit('core/demands.ts', 'links.every(({ cmd }) =>', 'links.slice(-1).every(({ cmd }) =>'),
    ],
    by: { checker: 'S12', seed: 16 },
    quick: true,
  },
  {
    id: 'A2',
    name: 'what the last link demands is all that is demanded',
    edits: [
      edit(
        'core/demands.ts',
        'links.flatMap(({ pol }) => pol),',
        'links.slice(-1).flatMap(({ pol }) => pol),',
      ),
    ],
    by: { checker: 'S12', seed: 2 },
    quick: true,
  },
  {
    id: 'A3',
    name: 'an action covers whatever begins with its letters',
    edits: [
      edit(
        'core/command.ts',
        'parent === child || child.startsWith(',
        'child.startsWith(parent) || child.startsWith(',
      ),
    ],
    by: { checker: 'S12', seed: 39 },
    quick: false,
  },
  {
    id: 'A4',
    name: 'a link goes deeper than the ones above allow',
    edits: [
      edit(
        'core/chain.ts',
        'if (left < 0 || (link.depth !== null && link.depth > left)) {',
        'if (left === null) {',
      ),
    ],
    by: { checker: 'S12', seed: 3 },
    quick: false,
  },
  {
    id: 'A5',
    name: 'a link lasts longer than the one above',
    edits: [
      edit(
        'core/chain.ts',
        'invocation === null ? links : [...links, invocation]',
        'links.slice(-1)',
      ),
      edit(
        'core/scope.ts',
        'links.reduce((least, { expS }) => Math.min(least, expS), Number.POSITIVE_INFINITY)',
        'links.at(-1)?.expS ?? 0',
      ),
    ],
    by: { checker: 'S12', seed: 2 },
    quick: false,
  },
  {
    id: 'A6',
    name: 'anybody may close a chain',
    edits: [
      edit(
        'core/chain.ts',
        'if (invocation.iss !== links.at(-1)?.aud) {',
        'if (links.length === 0) {',
      ),
    ],
    by: { checker: 'S12', seed: 3 },
    quick: false,
  },
  {
    id: 'A7',
    name: 'what was closed for another node is good here',
    edits: [
      edit(
        'core/demands.ts',
        'invocation !== null && invocation.aud !== self',
        "invocation?.aud === ''",
      ),
    ],
    by: { checker: 'S12', seed: 2 },
    quick: false,
  },
  {
    id: 'A8',
    name: 'a field that nobody knows is passed over',
    edits: [
      edit(
        'core/ucan.ts',
        'if (!required.includes(field) && !optional.includes(field)) {',
        "if (field === '') {",
      ),
    ],
    by: { checker: 'S12', seed: 2 },
    quick: false,
  },
  {
    id: 'A9',
    name: 'single use is bound to no node',
    edits: [
      edit('core/chain.ts', 'if (unbound < 0) return null', 'if (unbound < LINKS_MAX) return null'),
    ],
    by: { checker: 'S12', seed: 2 },
    quick: false,
  },
  {
    id: 'A10',
    name: 'something else is asked than was signed',
    edits: [
      edit(
        'core/checks/scope.ts',
        'demands.checkAsked({ ...invocation, asked: signed }, asked) ??',
        'null ??',
      ),
    ],
    by: { checker: 'S12', seed: 3 },
    quick: false,
  },
  {
    id: 'A11',
    name: 'a fact that is missing is whatever is demanded',
    edits: [
      edit(
        'core/holds.ts',
        'return evaluate(predicate, facts, false, { mode, budget }) === true',
        'return evaluate(predicate, facts, false, { mode, budget }) !== false',
      ),
    ],
    by: { checker: 'S14', seed: 14 },
    quick: true,
  },
  {
    id: 'A12',
    name: 'a caller is who it was when it first asked',
    edits: [
      edit(
        'daemon/facts.ts',
        'if (known?.process === process) return known.facts',
        'if (known !== undefined) return known.facts',
      ),
    ],
    by: { checker: 'S14', seed: 15 },
    quick: false,
  },
  {
    id: 'A13',
    name: 'the first link alone says who may ask',
    edits: [
      edit(
        'core/demands.ts',
        "return checkKind(links, 'runtime', view, 'RUNTIME_MISMATCH')",
        "return checkKind(links.slice(0, 1), 'runtime', view, 'RUNTIME_MISMATCH')",
      ),
    ],
    by: { checker: 'S14', seed: 14 },
    quick: false,
  },
  {
    id: 'A14',
    name: 'who cannot be measured is not looked at',
    edits: [
      edit(
        'core/demands.ts',
        "return checkKind(links, 'runtime', view, 'RUNTIME_MISMATCH')",
        "return JSON.stringify(view).includes('.service') ? checkKind(links, 'runtime', view, 'RUNTIME_MISMATCH') : null",
      ),
    ],
    by: { checker: 'S14', seed: 14 },
    quick: false,
  },
  {
    id: 'A15',
    name: 'what a caller runs is never looked at',
    edits: [
      edit(
        'daemon/executable-need.ts',
        'if (brought !== null) return demands.readExecutables(brought.links)',
        'if (brought !== null) return false',
      ),
    ],
    by: { checker: 'S14', seed: 14 },
    quick: false,
  },
]
