/** Answered within so many seconds is answered soon. */
export const soonSeconds = 20

const countOf = (test: string) => `sum(CASE WHEN ${test} THEN 1 ELSE 0 END)`
const hasOutcome = (outcome: string) => countOf(`records.outcome = '${outcome}'`)

/** What is counted: as of records, and as of figures of shorter spans. */
interface Measure {
  /** A column of figures. */
  column: string
  /** Made of records. */
  ofRecords: string
  together: 'sum' | 'max'
}

const sums: Record<string, string> = {
  calls: 'count(*)',
  answered: hasOutcome('answered'),
  answered_soon: countOf(
    `records.outcome = 'answered' AND records.wait_milliseconds <= ${soonSeconds * 1_000}`,
  ),
  abandoned: hasOutcome('abandoned'),
  forwarded: hasOutcome('forwarded'),
  overflowed: hasOutcome('overflowed'),
  bounced_out: hasOutcome('bounced-out'),
  refused: hasOutcome('refused'),
  failed: hasOutcome('failed'),
  released: hasOutcome('released'),
  bounced: 'sum(records.is_bounced)',
  waits: 'count(records.wait_milliseconds)',
  wait_sum: 'coalesce(sum(records.wait_milliseconds), 0)',
  talks: 'count(records.talk_milliseconds)',
  talk_sum: 'coalesce(sum(records.talk_milliseconds), 0)',
}

export const measures: readonly Measure[] = [
  ...Object.entries(sums).map(([column, ofRecords]) => ({
    column,
    ofRecords,
    together: 'sum' as const,
  })),
  {
    column: 'wait_max',
    ofRecords: 'coalesce(max(records.wait_milliseconds), 0)',
    together: 'max',
  },
]

/** The columns of figures, in the order of `measures`. */
export const measureColumns = measures.map(({ column }) => column).join(', ')

/** The measures of some records. */
export const measuresOfRecords = measures
  .map(({ column, ofRecords }) => `${ofRecords} AS ${column}`)
  .join(', ')

/** The measures of some figures; sums of sums are no whole numbers to PostgreSQL unless told. */
export const measuresOfFigures = measures
  .map(({ column, together }) => `CAST(${together}(${column}) AS BIGINT) AS ${column}`)
  .join(', ')

/** By what calls are counted, besides all of them together (`''`). */
export const groupings = ['dnis', 'agent', 'code'] as const
export type Grouping = '' | (typeof groupings)[number]

/** Where the records of a grouping are, and by what they are grouped. */
interface Source {
  from: string
  /** The table whose columns tell whose a record is, and when its call ended. */
  table: 'records' | 'codes'
  name: string
  level: string
}

const all = { from: 'call_records AS records', table: 'records', level: "''" } as const

export const sources: Readonly<Record<Grouping, Source>> = {
  '': { ...all, name: "''" },
  dnis: { ...all, name: 'records.dnis' },
  agent: { ...all, name: 'records.agent_key' },
  code: {
    from: `call_record_codes AS codes
      JOIN call_records AS records ON records.tenant_key = codes.tenant_key AND records.call_id = codes.call_id`,
    table: 'codes',
    name: 'codes.code',
    level: 'codes.level',
  },
}
