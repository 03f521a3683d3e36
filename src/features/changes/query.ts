import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { fold } from '../../documents/normalise.ts'
import { named, type Schema } from '../../documents/vocabulary.ts'
import { type Fault, invalid, refuseIfAny } from '../../errors.ts'
import { componentName } from '../../http/openapi/components.ts'
import {
  givenOnce,
  judgeQuery,
  type Query,
  queryIn,
  readTimeParameter,
  timeParameter,
} from '../../http/query.ts'
import { pageSizeMax, readCount } from '../../resources/query.ts'
import { changeActions } from '../../writes/record.ts'
import type { Candidate } from './pages.ts'

const pageSizeDefault = 100

/** Positions are whole numbers that both JSON and JavaScript can tell apart. */
const positionMax = Number.MAX_SAFE_INTEGER

const parameters = {
  pageSize: Type.Integer({
    minimum: 1,
    maximum: pageSizeMax,
    default: pageSizeDefault,
    description: 'Changes to show at most.',
  }),
  before: Type.Integer({
    minimum: 1,
    description: 'Only changes before this position; `Link` has it for the next page.',
  }),
  resource: Type.String({
    description:
      'Only changes of the resource with this path, without regard to case; with a `*` at its end, of all whose paths begin so.',
  }),
  kind: Type.String({ description: 'Only changes of this kind.' }),
  actor: Type.String({
    description: 'Only what this person did, by their id without regard to case.',
  }),
  action: Type.Enum([...changeActions], { description: 'Only changes of this action.' }),
  from: timeParameter('Only changes from this time on'),
  until: timeParameter('Only changes before this time'),
}

/** What a list of changes can be asked for; the lists of all levels share it. */
export const changesParameters: Readonly<Record<string, Schema>> = Object.fromEntries(
  Object.entries(parameters).map(([name, schema]) => [
    name,
    named(componentName(`changes-${name}`), schema),
  ]),
)

/** What a request wants of a list of changes. */
export interface ChangesQuery {
  pageSize: number
  /** A position. */
  before: number
  /** Milliseconds since 1970. */
  from: number | undefined
  until: number | undefined
  /** Whether any change of the list is shown. */
  isWhole: boolean
  matches(change: Candidate): boolean
}

/** A path in one spelling, whichever way it is encoded and its letters are typed. */
function canonicalPath(path: string): string {
  const segments = path.split('/').map((segment) => {
    try {
      return encodeURIComponent(fold(decodeURIComponent(segment)))
    } catch {
      // It was not encoded at all.
      return encodeURIComponent(fold(segment))
    }
  })
  return segments.join('/')
}

/** Whether a recorded path is meant by a `resource` parameter. */
function resourceTest(text: string, faults: Fault[]): (target: string) => boolean {
  if (!text.startsWith('/')) {
    const message = "The 'resource' parameter must be a path, such as '/api/v1/admins/admin/'."
    faults.push(invalid('resource', message))
  }
  if (text.endsWith('*')) {
    const start = canonicalPath(text.slice(0, -1))
    return (target) => canonicalPath(target).startsWith(start)
  }
  const path = canonicalPath(text.endsWith('/') ? text : `${text}/`)
  return (target) => canonicalPath(target) === path
}

function readPosition(name: string, text: string, least: number, faults: Fault[]): number {
  const position = Number(text)
  if (/^\d{1,16}$/.test(text) && position >= least && position <= positionMax) return position
  faults.push(invalid(name, `'${name}' must be a position, as changes have it.`))
  return positionMax
}

/** The tests that a change must pass to be shown. */
function testsOf(
  { resource, kind, actor, action }: Readonly<Record<string, string>>,
  faults: Fault[],
): ((change: Candidate) => boolean)[] {
  const tests: ((change: Candidate) => boolean)[] = []
  if (resource !== undefined) {
    const isMeant = resourceTest(resource, faults)
    tests.push(({ target }) => isMeant(target))
  }
  if (kind !== undefined) tests.push((change) => change.kind === kind)
  if (action !== undefined) tests.push((change) => change.action === action)
  if (actor !== undefined) {
    const key = fold(actor)
    tests.push(({ changed_by }) => fold(changed_by) === key)
  }
  return tests
}

/** @throws Refusal (2) naming each parameter that is unknown or wrong. */
export function readChangesQuery(query: Query): ChangesQuery {
  const faults = judgeQuery(query, changesParameters)
  const given = givenOnce(query)
  const { pageSize, before } = given
  const tests = testsOf(given, faults)
  const from = readTimeParameter('from', given.from, faults)
  const until = readTimeParameter('until', given.until, faults)
  if (from !== undefined && until !== undefined && from >= until) {
    faults.push(invalid('until', "The 'until' parameter must be later than 'from'."))
  }
  if (from !== undefined) tests.push(({ changed_at }) => changed_at >= from)
  if (until !== undefined) tests.push(({ changed_at }) => changed_at < until)
  const read = {
    pageSize:
      pageSize === undefined
        ? pageSizeDefault
        : readCount('pageSize', pageSize, pageSizeMax, faults),
    before: before === undefined ? positionMax : readPosition('before', before, 1, faults),
  }
  refuseIfAny(faults)
  return {
    ...read,
    from,
    until,
    isWhole: tests.length === 0,
    matches: (change) => tests.every((test) => test(change)),
  }
}

/** What a stream of changes can be asked for. */
export const streamParameters: Readonly<Record<string, Schema>> = {
  after: named(
    'ChangesAfter',
    Type.Integer({
      minimum: 0,
      description:
        'The stream begins behind this position; for clients that cannot send `Last-Event-ID`, which comes first.',
    }),
  ),
}

/**
 * The position behind which a stream shall begin; undefined where a request names none.
 *
 * @throws Refusal (2) for what is no position.
 */
export function readAfter(request: Pick<FastifyRequest, 'headers' | 'query'>): number | undefined {
  const faults: Fault[] = []
  const { after } = queryIn(request)
  const own = after === undefined ? undefined : readPosition('after', String(after), 0, faults)
  // A browser that never had an id sends none.
  const last = request.headers['last-event-id']
  const known = last === undefined ? own : readPosition('Last-Event-ID', String(last), 0, faults)
  refuseIfAny(faults)
  return known
}
