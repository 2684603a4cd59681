/** Predicates of one link over what is asked and over the node's facts. */
import type { Vector } from './artifact.ts'
import { ARGS, atlas, closed, link, under } from './tokens.ts'

type Row = readonly [comment: string, expect: string, predicate: unknown, args?: object]

const LIST = ['/etc/passwd']

/** Over the request. */
const REQUEST: readonly Row[] = [
  ['the exact resource', 'OK', ['==', '.resource.id', 'acme/docs']],
  ['a pattern of resources', 'OK', ['like', '.resource.id', 'acme/*']],
  ['another resource', 'SCOPE_EXCEEDED', ['like', '.resource.id', 'acme/d*x']],
  [
    'several actions, by exact name',
    'OK',
    [
      'or',
      [
        ['==', '.action', 'tool:list'],
        ['==', '.action', 'tool:read'],
      ],
    ],
  ],
  ['an action that is not among them', 'SCOPE_EXCEEDED', ['or', [['==', '.action', 'tool:list']]]],
  ['who names no subject asks for itself', 'OK', ['==', '.subject.type', 'principal']],
  ['an element of a list', 'OK', ['any', '.args.tags', ['==', '.', 'x']]],
  ['all elements of a list', 'SCOPE_EXCEEDED', ['all', '.args.tags', ['==', '.', 'x']]],
  ['an index from the end', 'OK', ['==', '.args.tags[-1]', 'y']],
  ['a slice', 'OK', ['==', '.args.tags[1:]', ['y']]],
  ['a literal star', 'SCOPE_EXCEEDED', ['like', '.args.path', '/srv/\\*']],
  ['a missing argument', 'SCOPE_EXCEEDED', ['==', '.args.branch', 'main']],
  ['a missing argument under not', 'SCOPE_EXCEEDED', ['not', ['==', '.args.branch', 'main']]],
  ['a missing argument under !=', 'SCOPE_EXCEEDED', ['!=', '.args.branch', 'main']],
  ['a missing argument that ? excuses', 'OK', ['!=', '.args.branch?', 'main']],
  ['? finds null', 'OK', ['==', '.args.branch?', null]],
  ['? excuses no wrong type', 'SCOPE_EXCEEDED', ['not', ['like', '.args.branch?', 'm*']]],
  [
    'a true branch does not hide a missing argument',
    'SCOPE_EXCEEDED',
    [
      'or',
      [
        ['==', '.args.size', 7],
        ['==', '.args.branch', 'main'],
      ],
    ],
  ],
  [
    'a false branch does not hide one under not',
    'SCOPE_EXCEEDED',
    [
      'not',
      [
        'and',
        [
          ['==', '.args.size', 8],
          ['==', '.args.branch', 'main'],
        ],
      ],
    ],
  ],
  [
    'missing in one element',
    'SCOPE_EXCEEDED',
    ['any', '.args.list', ['==', '.b', 1]],
    { list: [{ b: 1 }, {}] },
  ],
  [
    'like on a list, under not',
    'SCOPE_EXCEEDED',
    ['not', ['like', '.args.path', '/etc/*']],
    { path: LIST },
  ],
  [
    '!= on a list where a text is meant',
    'SCOPE_EXCEEDED',
    ['!=', '.args.path', '/etc/passwd'],
    { path: LIST },
  ],
  [
    '!= on a null where a text is meant',
    'SCOPE_EXCEEDED',
    ['!=', '.args.path', '/etc/passwd'],
    { path: null },
  ],
  ['not a number, under not', 'SCOPE_EXCEEDED', ['not', ['>', '.args.size', 9]], { size: '10' }],
  [
    'all over a text, under not',
    'SCOPE_EXCEEDED',
    ['not', ['all', '.args.path', ['==', '.', 'x']]],
  ],
  [
    'values of a map, in the order of its keys',
    'OK',
    ['==', '.args.map[]', [2, 1]],
    { map: { b: 1, a: 2 } },
  ],
  [
    'numbers compare by value',
    'OK',
    [
      'and',
      [
        ['>=', '.args.size', 7],
        ['<', '.args.size', 7.5],
      ],
    ],
  ],
  ['an inherited name is no argument', 'SCOPE_EXCEEDED', ['!=', '.args.constructor', 1]],
]

/** Over the facts. A predicate belongs to the first of runtime, env, gov that it mentions. */
const FACTS: readonly Row[] = [
  ['the node', 'OK', ['==', '.meshd.node.id', atlas.did]],
  ['a label of the node', 'OK', ['==', '.meshd.node.labels.rack', 'r1']],
  ['the uid', 'OK', ['==', '.meshd.runtime.uid', 1001]],
  ['another uid', 'RUNTIME_MISMATCH', ['==', '.meshd.runtime.uid', 1002]],
  [
    'a unit that was not measured',
    'RUNTIME_MISMATCH',
    ['==', '.meshd.runtime.unit', 'planner.service'],
  ],
  ['a missing fact under not', 'RUNTIME_MISMATCH', ['not', ['==', '.meshd.runtime.unit', 'x']]],
  ['a missing fact under !=', 'RUNTIME_MISMATCH', ['!=', '.meshd.runtime.unit', 'x']],
  ['? excuses no missing fact', 'RUNTIME_MISMATCH', ['!=', '.meshd.runtime.unit?', 'x']],
  [
    '? excuses no missing fact inside any',
    'RUNTIME_MISMATCH',
    ['any', '.meshd.node.labels', ['!=', '.x?', 1]],
  ],
  [
    'a missing fact beside a true branch',
    'RUNTIME_MISMATCH',
    [
      'or',
      [
        ['==', '.action', 'tool:read'],
        ['==', '.meshd.runtime.unit', 'x'],
      ],
    ],
  ],
  ['uid as a text, under not', 'RUNTIME_MISMATCH', ['not', ['like', '.meshd.runtime.uid', '0']]],
  ['a label', 'OK', ['==', '.meshd.env.labels.env', 'staging']],
  ['a label with a dot in its name', 'OK', ['==', '.meshd.env.labels["a.b"]', 'c']],
  ['another label', 'ENVIRONMENT_FAILED', ['==', '.meshd.env.labels.env', 'prod']],
  [
    'a missing label, to be different',
    'ENVIRONMENT_FAILED',
    ['!=', '.meshd.env.labels.quarantined', 'yes'],
  ],
  [
    'runtime before environment',
    'RUNTIME_MISMATCH',
    [
      'and',
      [
        ['==', '.meshd.env.labels.env', 'prod'],
        ['==', '.meshd.runtime.uid', 1001],
      ],
    ],
  ],
  [
    'environment before governance',
    'ENVIRONMENT_FAILED',
    [
      'and',
      [
        ['>=', '.meshd.gov.bundles.agents', 8],
        ['==', '.meshd.env.labels.env', 'staging'],
      ],
    ],
  ],
  [
    'governance before scope',
    'GOVERNANCE_MISMATCH',
    [
      'and',
      [
        ['==', '.action', 'tool:read'],
        ['>=', '.meshd.gov.bundles.agents', 8],
      ],
    ],
  ],
  ['a bundle at least at its version', 'OK', ['>=', '.meshd.gov.bundles.agents', 7]],
  ['a bundle below it', 'GOVERNANCE_MISMATCH', ['>=', '.meshd.gov.bundles.agents', 8]],
  ['a bundle that is not in force', 'GOVERNANCE_MISMATCH', ['>=', '.meshd.gov.bundles.ci', 1]],
  ['the digest of governance', 'OK', ['==', '.meshd.gov.digest', '5c1e09aa']],
]

export function predicates(): readonly Vector[] {
  const rows = [...REQUEST, ...FACTS].map(([comment, expect, predicate, args]): Vector => {
    const more = args === undefined ? {} : { args: { ...ARGS, args } }
    return { comment, expect, artifact: under([predicate], more) }
  })
  const below = [link(0, { pol: [['like', '.resource.id', 'acme/*']] }), link(1)]
  const outside = { args: { ...ARGS, resource: { type: 'repo', id: 'other/docs' } } }
  return [
    ...rows,
    {
      comment: 'a predicate of a parent binds the child',
      expect: 'SCOPE_EXCEEDED',
      artifact: closed(below, outside),
    },
    {
      comment: 'a subject that a predicate names',
      expect: 'OK',
      artifact: under([['like', '.subject.id', 'a*']], {
        args: { ...ARGS, subject: { type: 'user', id: 'ann' } },
      }),
    },
  ]
}
