/**
 * What every policy engine must do, held against Cedar. The traps are those of
 * FACTS 5.1, each of which said allow where it had to deny.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PolicyAnswer, PolicyEngine, PolicyInput } from '../../src/core/policy.ts'
import type { Policy } from '../../src/core/statement/policy.ts'
import { CedarEngine } from '../../src/daemon/cedar-engine.ts'
import { row } from '../lab/row.ts'
import { ask, askWith, FORBID, PERMIT, policyOf, SCHEMA } from '../unit/bundles.ts'

/** Pieces of Cedar, as they would have to stand if a name were put into a policy. */
const POLICY_TEXT = fc
  .array(
    fc.constantFrom(
      ...[
        '"',
        '\\"',
        '\\u{22}',
        ');',
        '};',
        '//',
        '/*',
        '\n',
        '\0',
        '::',
        '*',
        '?principal',
        '?resource',
      ],
      ...[
        'permit (principal, action, resource);',
        'forbid',
        ' when { true };',
        ' unless { false };',
      ],
      ...['@id("one")', 'principal::"alice"', 'repo::"acme/docs"', ' || true', '__expr', '"}}'],
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((pieces) => pieces.join(''))

const engines: Record<string, () => PolicyEngine> = { cedar: () => new CedarEngine() }

function loaded(create: () => PolicyEngine, enforced: readonly Policy[], observed: Policy[] = []) {
  const engine = create()
  engine.load(enforced, observed)
  return engine
}

const brief = ({
  decision,
  code,
  determining,
}: Pick<PolicyAnswer, 'decision' | 'code' | 'determining'>) =>
  [decision, code ?? 'null', ...determining.map((each) => each.policy)].join(' ')

for (const [name, create] of Object.entries(engines)) {
  const decide = (texts: readonly string[], input = ask()) =>
    loaded(
      create,
      texts.map((text, i) => policyOf(text, { bundle: `b${i}` })),
    ).decide(input)

  test(`${name}: with nothing loaded nothing is permitted`, () => {
    assert.equal(brief(create().decide(ask())), 'deny POLICY_NO_PERMIT')
    assert.deepEqual(create().loaded, [])
  })

  test(`${name}: a permit allows, and is named with its version`, () => {
    const answer = decide([PERMIT])
    assert.equal(brief(answer), 'allow null permit')
    assert.deepEqual(answer.determining, [{ bundle: 'b0', version: 1, policy: 'permit' }])
  })

  test(`${name}: what decided is named in one order: what asks for the strictest staleness first, then by name`, () => {
    const permit = (id: string, staleness = '') =>
      `@id("${id}")${staleness} permit (principal, action, resource);`
    const ids = ['d', 'a', 'f', 'c', 'b', 'e']
    const texts = [...ids.map((id) => permit(id)), permit('z', '@staleness("5s")')]
    const engine = loaded(create, [policyOf(texts.join('\n'))])
    for (let call = 0; call < 20; call += 1) {
      const { determining } = engine.decide(askWith({ risk: call }))
      assert.deepEqual(
        determining.map(({ policy }) => policy),
        ['z', 'a', 'b', 'c', 'd', 'e', 'f'],
      )
    }
  })

  test(`${name}: what could not be evaluated is told in one order`, () => {
    const schema = SCHEMA.replaceAll('risk?: Long', 'risk: Long')
    const ids = ['d', 'a', 'f', 'c', 'b', 'e']
    const texts = ids.map(
      (id) => `@id("${id}") permit (principal, action, resource) when { principal.risk > 3 };`,
    )
    const engine = loaded(create, [policyOf(texts.join('\n'), { schema })])
    for (let call = 0; call < 20; call += 1) {
      const { errors } = engine.decide(askWith({ risk: call }))
      assert.deepEqual(
        errors.map((says) => says.slice(0, 'b@1: a'.length)),
        ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => `b@1: ${id}`),
      )
    }
  })

  test(`${name}: any forbid wins, in whichever bundle it stands`, (t) => {
    assert.equal(brief(decide([`${PERMIT}${FORBID}`])), 'deny POLICY_FORBID forbid')
    assert.equal(brief(decide([PERMIT, FORBID])), 'deny POLICY_FORBID forbid')
    assert.equal(brief(decide([FORBID, PERMIT])), 'deny POLICY_FORBID forbid')
    row(t, 92, 'forbid wins')
  })

  test(`${name}: a bundle whose forbid reads a missing attribute never allows`, (t) => {
    const required = SCHEMA.replaceAll('risk?: Long', 'risk: Long')
    const forbid = '@id("f") forbid (principal, action, resource) when { context.args.risk > 3 };'
    const schema = required.replace('args?:', 'args:')
    const strict = policyOf(`${PERMIT}${forbid}`, { schema })
    const engine = loaded(create, [strict])
    for (const args of [{}, { risk: '9' }, { risk: null }, { risk: [9] }, { risk: 4.5 }]) {
      assert.equal(engine.decide(askWith(args)).decision, 'deny', JSON.stringify(args))
    }
    assert.equal(brief(engine.decide(askWith({ risk: 9 }))), 'deny POLICY_FORBID f')
    // A guard is missing: the bundle itself is refused, and denies if it is in force all the same.
    const loose = policyOf(`${PERMIT}${forbid}`)
    assert.notDeepEqual(create().check(loose), [])
    assert.equal(brief(loaded(create, [loose]).decide(askWith({ risk: 1 }))), 'deny POLICY_ERROR')
    // An attribute of an entity that nobody signed.
    const entity = '@id("f") forbid (principal, action, resource) when { principal.risk > 3 };'
    const unknown = policyOf(`${PERMIT}${entity}`, { schema: required })
    const answer = loaded(create, [unknown]).decide(askWith({ risk: 1 }))
    assert.equal(brief(answer), 'deny POLICY_ERROR')
    assert.match(answer.errors.join(), /^b@1: f: .*does not exist/)
    row(t, 91, '0 allows')
  })

  test(`${name}: an error in one bundle denies what another permits`, (t) => {
    const fails = policyOf(
      '@id("f") forbid (principal, action, resource) when { principal.risk > 3 };',
      {
        bundle: 'other',
        schema: SCHEMA.replaceAll('risk?: Long', 'risk: Long'),
      },
    )
    const answer = loaded(create, [policyOf(PERMIT), fails]).decide(askWith({ risk: 1 }))
    assert.equal(brief(answer), 'deny POLICY_ERROR')
    assert.match(answer.errors.join(), /^other@1: /)
    row(t, 91, '0 allows')
  })

  test(`${name}: a bundle that does not know the action is silent, and alone it permits nothing`, () => {
    const jobs = policyOf(`${PERMIT}${FORBID}`, {
      bundle: 'jobs',
      schema:
        'entity principal; entity env; action "job:deploy" appliesTo { principal: principal, resource: env };',
    })
    const answer = loaded(create, [policyOf(PERMIT), jobs]).decide(ask())
    assert.equal(brief(answer), 'allow null permit')
    assert.deepEqual(answer.applied, ['b'])
    assert.equal(brief(loaded(create, [jobs]).decide(ask())), 'deny POLICY_NO_PERMIT')
    assert.deepEqual(loaded(create, [jobs]).decide(ask()).applied, [])
  })

  test(`${name}: a type that a bundle does not know under an action that it does is an error`, () => {
    const types = [
      ask({ principal: { type: 'user', id: 'alice' } }),
      ask({ resource: { type: 'file', id: 'x' } }),
      ask({ resource: { type: 'Repo', id: 'acme/docs' } }),
      ask({ resource: { type: 'principal', id: 'alice' } }),
    ]
    for (const input of types) assert.equal(brief(decide([PERMIT], input)), 'deny POLICY_ERROR')
  })

  test(`${name}: an argument that the schema does not declare is an error`, () => {
    assert.equal(brief(decide([PERMIT], askWith({ force: true }))), 'deny POLICY_ERROR')
    assert.equal(brief(decide([PERMIT], askWith({ risk: 4 }))), 'allow null permit')
  })

  test(`${name}: policy text in a name, an argument or an id stays what it is`, (t) => {
    const one =
      '@id("one") permit (principal == principal::"alice", action, resource == repo::"acme/docs") unless { context has args && context.args has text && context.args.text == "never" };'
    const engine = loaded(create, [policyOf(one)])
    assert.equal(brief(engine.decide(ask())), 'allow null one')
    let asked = 0
    fc.assert(
      fc.property(POLICY_TEXT, (text) => {
        const named: readonly Partial<PolicyInput>[] = [
          { principal: { type: 'principal', id: text } },
          { resource: { type: 'repo', id: text } },
          { principal: { type: 'principal', id: `alice${text}` } },
          { resource: { type: 'repo', id: `acme/docs${text}` } },
        ]
        for (const input of named)
          assert.equal(brief(engine.decide(ask(input))), 'deny POLICY_NO_PERMIT', text)
        assert.notEqual(engine.decide(ask({ action: text })).decision, 'allow', text)
        for (const type of [text, `repo${text}`])
          assert.notEqual(
            engine.decide(ask({ resource: { type, id: 'acme/docs' } })).decision,
            'allow',
          )
        // An argument is a value: it neither opens nor closes anything.
        assert.equal(brief(engine.decide(askWith({ text }))), 'allow null one', text)
        assert.equal(brief(engine.decide(askWith({ text: 'never' }))), 'deny POLICY_NO_PERMIT')
        asked += named.length + 5
      }),
      { numRuns: 200 },
    )
    row(t, 93, `${asked} questions that hold policy text: 0 answered otherwise`)
  })

  test(`${name}: nothing that a caller sends becomes an entity or a function`, (t) => {
    const admin =
      '@id("a") permit (principal, action, resource) when { context has args && context.args has who && context.args.who == principal::"admin" };'
    for (const who of [
      { __entity: { type: 'principal', id: 'admin' } },
      { __extn: { fn: 'decimal', arg: '1.0' } },
      { __expr: 'principal::"admin"' },
    ]) {
      assert.equal(brief(decide([admin, PERMIT], askWith({ who }))), 'deny POLICY_ERROR')
      assert.equal(brief(decide([PERMIT], askWith({ text: [who] }))), 'deny POLICY_ERROR')
    }
    row(t, 86, '0 entities')
    row(t, 93, '0 policy texts built')
  })

  test(`${name}: numbers that Cedar would round or does not have are errors`, () => {
    for (const risk of [2 ** 53, 4.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.equal(brief(decide([PERMIT], askWith({ risk }))), 'deny POLICY_ERROR', String(risk))
    }
  })

  test(`${name}: what is observed neither permits nor forbids, but is told`, (t) => {
    const observed = (text: string) => [policyOf(text, { version: 2, mode: 'observe' })]
    const forbidding = loaded(create, [policyOf(PERMIT)], observed(FORBID)).decide(ask())
    assert.equal(brief(forbidding), 'allow null permit')
    assert.equal(brief(forbidding.observed ?? assert.fail()), 'deny POLICY_FORBID forbid')
    const permitting = loaded(create, [policyOf(FORBID)], observed(PERMIT)).decide(ask())
    assert.equal(brief(permitting), 'deny POLICY_FORBID forbid')
    assert.equal(brief(permitting.observed ?? assert.fail()), 'allow null permit')
    const broken = loaded(create, [policyOf(PERMIT)], observed('permit (')).decide(ask())
    assert.equal(brief(broken), 'allow null permit')
    assert.equal(broken.observed?.code, 'POLICY_ERROR')
    const alone = loaded(create, [], observed(PERMIT)).decide(ask())
    assert.equal(brief(alone), 'deny POLICY_NO_PERMIT')
    row(t, 144, '0 allows')
  })

  test(`${name}: a bundle in force that does not compile denies everything, also beside a good one`, () => {
    for (const text of [
      'permit (',
      '',
      'permit (principal, action, resource);',
      `${PERMIT}${PERMIT}`,
    ]) {
      const broken = policyOf(text, { bundle: 'broken' })
      const engine = loaded(create, [policyOf(PERMIT), broken])
      assert.equal(brief(engine.decide(ask())), 'deny POLICY_ERROR', text)
      assert.equal(brief(engine.decide(ask({ action: 'other' }))), 'deny POLICY_ERROR', text)
      assert.equal(engine.loaded.length, 2)
    }
  })

  test(`${name}: a later load replaces an earlier one whole`, () => {
    const engine = loaded(create, [policyOf(PERMIT)])
    assert.equal(brief(engine.decide(ask())), 'allow null permit')
    const next = policyOf(`${PERMIT}${FORBID}`, { version: 2 })
    engine.load([next], [])
    assert.equal(brief(engine.decide(ask())), 'deny POLICY_FORBID forbid')
    assert.deepEqual(engine.loaded, [next.id])
    engine.load([], [])
    assert.equal(brief(engine.decide(ask())), 'deny POLICY_NO_PERMIT')
  })

  test(`${name}: the strictest staleness of the permits that allow counts`, () => {
    const permit = (id: string, staleness: string) =>
      `@id("${id}") @staleness("${staleness}") permit (principal, action, resource);`
    const texts = [`${PERMIT}${permit('a', '15s')}`, permit('b', '2s')]
    assert.equal(decide(texts).stalenessMs, 2000)
    assert.equal(decide([PERMIT]).stalenessMs, null)
  })

  test(`${name}: a permit that wants a witnessed record says so`, () => {
    const witnessed = '@id("w") @require("witnessed") permit (principal, action, resource);'
    assert.equal(decide([witnessed]).witnessed, true)
    assert.equal(decide([PERMIT]).witnessed, false)
  })

  test(`${name}: a deny brings the hint of what forbids, or of what might have permitted`, () => {
    const permit = '@id("p") @hint("ask a") permit (principal in team::"a", action, resource);'
    const forbid = '@id("f") @hint("ask b") forbid (principal, action, resource);'
    assert.equal(decide([`${PERMIT}${forbid}`]).hint, 'ask b')
    assert.equal(decide([permit]).hint, null)
    const inTeam = policyOf(
      permit.replace(');', ') when { context has args && context.args has risk };'),
      {
        entities: [
          { uid: { type: 'principal', id: 'alice' }, parents: [{ type: 'team', id: 'a' }] },
        ],
      },
    )
    assert.equal(loaded(create, [inTeam]).decide(ask()).hint, 'ask a')
  })

  test(`${name}: it answers the same however much it was asked in between`, () => {
    const texts = Array.from({ length: 600 }, (_, i) => {
      const who = `principal == principal::"p${i}"`
      return `@id("p${i}") permit (${who}, action, resource) when { context has args && context.args has risk && context.args.risk > ${i} };`
    })
    const engine = loaded(create, [policyOf(texts.join('\n'))])
    const allowed = (risk: number) =>
      Array.from({ length: 600 }, (_, i) => {
        const principal = { type: 'principal', id: `p${i}` }
        return engine.decide({ ...askWith({ risk }), principal }).decision
      }).filter((each) => each === 'allow').length
    // More sets of policies than Cedar keeps parsed, and no question twice.
    for (const risk of [300, 17, 599]) assert.equal(allowed(risk), risk)
  })
}
