/** Says what failed, and where, as soon as it has; of what passed nothing; and at the end that it is the end. */
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

/** The last line where all tests passed: a test that ends the process with status 0 keeps it from being said. */
export const PASSED = 'all tests passed'

type Failure = Extract<TestEvent, { type: 'test:fail' }>['data']

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type === 'test:fail') yield failure(data)
    // What is thrown when its test is over fails the process, and is told like this.
    if (type === 'test:diagnostic' && data.message.startsWith('Error: ')) yield `${data.message}\n`
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message
    if (type === 'test:summary' && data.file === undefined && data.success) yield `${PASSED}\n`
  }
}

function failure({ name, file, line, details }: Failure): string {
  const { error } = details
  if ('failureType' in error && error.failureType === 'subtestsFailed') return ''
  return `✖ ${name}\n  ${file}:${line}\n${inspect(error.cause ?? error)}\n\n`
}
