import Type from 'typebox'
import { findUnkeepable } from '../../../documents/characters.ts'
import { compose, unshowable } from '../../../documents/normalise.ts'
import { named, type Schema } from '../../../documents/vocabulary.ts'
import { type Fault, invalid, refuseIfAny } from '../../../errors.ts'
import {
  givenOnce,
  judgeQuery,
  type Query,
  readTimeParameter,
  timeParameter,
} from '../../../http/query.ts'
import { pageSizeMax, readCount } from '../../../resources/query.ts'
import { type Outcome, outcomes } from '../call.ts'

const pageSizeDefault = 100

/** Digits of the beginning of a number by which callers are looked for: with fewer nearly everybody is meant. */
export const digitsMin = 3

/** What is looked for among the records of a route point. */
export interface Filters {
  /** Milliseconds since 1970: from it on. */
  from: number
  /** Before it. */
  to: number
  outcome?: Outcome
  /** Id of a user, as it was given. */
  agent?: string
  dnis?: string
  code?: string
  codeLevel?: string
  /** A number as it is kept, or how such begin. */
  caller?: { number: string; isWhole: boolean }
}

/** Where a record stands among those of its route point: those that ended later come before it. */
export interface Place {
  endedAt: number
  callId: string
}

/** What CSV is made of as well. */
export const filterParameters: Readonly<Record<string, Schema>> = {
  from: named('CallRecordsFrom', timeParameter('Only calls that ended from this time on')),
  to: named('CallRecordsTo', timeParameter('Only calls that ended before this time')),
  outcome: named(
    'CallRecordsOutcome',
    Type.Enum([...outcomes], { description: 'Only calls that ended so.' }),
  ),
  agent: Type.String({
    component: 'CallRecordsAgent',
    description: 'Only calls that this user took, by their id without regard to case.',
  }),
  dnis: Type.String({
    component: 'CallRecordsDnis',
    description: 'Only calls of the DNIS that had this name.',
  }),
  code: Type.String({
    component: 'CallRecordsCode',
    description: 'Only calls that have this disposition code.',
  }),
  codeLevel: named(
    'CallRecordsCodeLevel',
    Type.Enum(['CallCenter', 'Group', 'Enterprise'], {
      description: 'Whose `code` it is; any without it.',
    }),
  ),
  caller: Type.String({
    component: 'CallRecordsCaller',
    description: `Only calls of this number, as it is shown; with a \`*\` behind ${digitsMin} digits or more, of all numbers that begin so.`,
  }),
}

export const listParameters: Readonly<Record<string, Schema>> = {
  pageSize: named(
    'CallRecordsPageSize',
    Type.Integer({
      minimum: 1,
      maximum: pageSizeMax,
      default: pageSizeDefault,
      description: 'Records to show at most.',
    }),
  ),
  before: Type.String({
    component: 'CallRecordsBefore',
    description: 'Where a page begins; `Link` has it for the next one.',
  }),
  ...filterParameters,
}

function readCaller(text: string, faults: Fault[]): NonNullable<Filters['caller']> {
  const isWhole = !text.endsWith('*')
  const number = isWhole ? text : text.slice(0, -1)
  if (!isWhole && number.replaceAll(/\P{Nd}/gu, '').length < digitsMin) {
    const message = `The 'caller' parameter must have at least ${digitsMin} digits before its '*'.`
    faults.push(invalid('caller', message))
  }
  return { number, isWhole }
}

/** A text that is compared with what is kept. */
function readText(name: string, text: string, faults: Fault[]): string {
  if (text === '') faults.push(invalid(name, `The '${name}' parameter is empty.`))
  const character = findUnkeepable(text)
  if (character !== undefined) faults.push(unshowable(`'${name}' parameter`, name, character))
  return compose(text)
}

function readFilters(given: Readonly<Record<string, string>>, faults: Fault[]): Filters {
  const { caller, outcome, codeLevel } = given
  const from = readTimeParameter('from', given.from, faults)
  const to = readTimeParameter('to', given.to, faults)
  if (from !== undefined && to !== undefined && from >= to) {
    faults.push(invalid('to', "The 'to' parameter must be later than 'from'."))
  }
  if (codeLevel !== undefined && given.code === undefined) {
    faults.push(invalid('codeLevel', "The 'codeLevel' parameter needs 'code'."))
  }
  const texts = ['agent', 'dnis', 'code', 'caller'].flatMap((name) => {
    const text = given[name]
    return text === undefined ? [] : [[name, readText(name, text, faults)]]
  })
  return {
    from: from ?? 0,
    to: to ?? Number.MAX_SAFE_INTEGER,
    ...Object.fromEntries(texts),
    ...(outcome !== undefined && { outcome: outcome as Outcome }),
    ...(codeLevel !== undefined && { codeLevel }),
    ...(caller !== undefined && { caller: readCaller(caller, faults) }),
  }
}

/** As `Link` tells of a place. */
export function placeText({ endedAt, callId }: Place): string {
  return `${endedAt}.${callId}`
}

function readPlace(text: string, faults: Fault[]): Place {
  const [, endedAt, callId] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(text) ?? []
  if (endedAt !== undefined && callId !== undefined) return { endedAt: Number(endedAt), callId }
  faults.push(invalid('before', "The 'before' parameter must be one that 'Link' had."))
  return { endedAt: 0, callId: '' }
}

/** @throws Refusal (2) naming each parameter that is wrong. */
export function readExportQuery(query: Query): Filters {
  const faults: Fault[] = []
  const filters = readFilters(givenOnce(query), faults)
  refuseIfAny(faults)
  return filters
}

/** @throws Refusal (2) naming each parameter that is unknown or wrong. */
export function readRecordsQuery(query: Query): {
  filters: Filters
  pageSize: number
  before: Place | undefined
} {
  const faults = judgeQuery(query, listParameters)
  const given = givenOnce(query)
  const { pageSize, before } = given
  const read = {
    filters: readFilters(given, faults),
    pageSize:
      pageSize === undefined
        ? pageSizeDefault
        : readCount('pageSize', pageSize, pageSizeMax, faults),
    before: before === undefined ? undefined : readPlace(before, faults),
  }
  refuseIfAny(faults)
  return read
}
