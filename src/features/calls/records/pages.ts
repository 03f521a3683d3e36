import { type Reader, sql, type Value, whereEqual } from '../../../database/database.ts'
import { fold } from '../../../documents/normalise.ts'
import { nextTurn } from '../../../resources/turns.ts'
import { completeId } from '../../groups/groups.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import type { Filters, Place } from './query.ts'
import type { KeptRecord } from './record.ts'

/**
 * Records that one request looks at, at most, since with some filters nobody knows how far the next one is that fits them: along the
 * covering index, or where each of those that another index has found is read, which costs ten times as much.
 */
export const looksMax = { covered: 20_000, read: 2_000 }

/** One request looks in so many turns: some milliseconds each. */
const turns = 4

interface Row {
  ended_at: number
  call_id: string
  value: string
}

/** A condition, and the values that it binds. */
type Condition = readonly [text: string, ...values: Value[]]

/** How records are found: in an order that an index has, and each then tested. */
interface Way {
  from: string
  /** The table by whose index it goes; the other one is only asked for what has been found. */
  ordered: 'records' | 'codes'
  /** What that index finds by. */
  found: readonly Condition[]
  tests: readonly Condition[]
  /** How many one request looks at. */
  looks: number
}

const codesOfRecords = `call_record_codes AS codes
  JOIN call_records AS records ON records.tenant_key = codes.tenant_key AND records.call_id = codes.call_id`

/** A call may have one code of several levels. */
const isFirstLevel = `NOT EXISTS (SELECT 1 FROM call_record_codes AS others WHERE others.tenant_key = codes.tenant_key
  AND others.call_id = codes.call_id AND others.code = codes.code AND others.level < codes.level)`

function wayOf({ outcome, agent, dnis, code, codeLevel, caller }: Filters): Way {
  // What has an index of its own, best first; the condition of a partial one must stand in the statement as it stands there.
  const exact: Condition[] = []
  if (caller?.isWhole) exact.push(['records.caller_number = ?', caller.number])
  if (agent !== undefined) {
    exact.push(["records.agent_key = ? AND records.agent_key <> ''", agent])
  }
  const tests: Condition[] = []
  if (outcome !== undefined) tests.push(['records.outcome = ?', outcome])
  if (dnis !== undefined) tests.push(['records.dnis = ?', dnis])
  if (caller?.isWhole === false) {
    const length = Array.from(caller.number).length
    tests.push([`substr(records.caller_number, 1, ${length}) = ?`, caller.number])
  }
  if (code !== undefined) {
    const level: Condition =
      codeLevel === undefined ? [isFirstLevel] : ['codes.level = ?', codeLevel]
    const found: Condition[] = [['codes.code = ?', code]]
    const all = [level, ...exact, ...tests]
    return { from: codesOfRecords, ordered: 'codes', found, tests: all, looks: looksMax.read }
  }
  const [best, ...others] = exact
  return {
    from: 'call_records AS records',
    ordered: 'records',
    found: best ? [best] : [],
    tests: [...others, ...tests],
    looks: best ? looksMax.read : looksMax.covered,
  }
}

const textOf = (conditions: readonly Condition[]) =>
  conditions.map(([text]) => ` AND ${text}`).join('')
const valuesOf = (conditions: readonly Condition[]) => conditions.flatMap(([, ...values]) => values)

/** Reads what stands behind one place and not behind another, in the order of a way. */
function readerOf(reader: Reader, routePoint: RoutePointKey, way: Way) {
  const { from, ordered, found, tests, looks } = way
  const place = `${ordered}.ended_at, ${ordered}.call_id`
  const scope = whereEqual(['tenant_key', 'group_key', 'route_point_key'], ordered)
  const within = `FROM ${from} WHERE ${scope}${textOf(found)} AND (${place}) < (?, ?)`
  const order = `ORDER BY ${ordered}.ended_at DESC, ${ordered}.call_id DESC`
  const own = [...routePoint, ...valuesOf(found)]
  const selectEdge = sql<Row>(
    `SELECT ${place} ${within.replace(from, ordered === 'codes' ? 'call_record_codes AS codes' : from)}
       AND ${ordered}.ended_at >= ? ${order} LIMIT 1 OFFSET ${looks / turns - 1}`,
  )
  const selectRows = sql<Row>(
    `SELECT ${place}, records.value ${within} AND (${place}) >= (?, ?)${textOf(tests)} ${order} LIMIT ?`,
  )
  return {
    /** The last of those that are looked at in one turn; undefined where they are fewer. */
    async edge({ endedAt, callId }: Place, from: number): Promise<Place | undefined> {
      const row = await reader.get(selectEdge, ...own, endedAt, callId, from)
      return row && placeOf(row)
    },
    rows(before: Place, last: Place, limit: number): Promise<Row[]> {
      const between = [before.endedAt, before.callId, last.endedAt, last.callId]
      return reader.all(selectRows, ...own, ...between, ...valuesOf(tests), limit)
    },
  }
}

const placeOf = ({ ended_at: endedAt, call_id: callId }: Row): Place => ({ endedAt, callId })

/** What a page is looked for in. */
export interface Search {
  routePoint: RoutePointKey
  filters: Filters
  pageSize: number
  /** Undefined for the first page. */
  before: Place | undefined
}

/** Some records, newest first, and behind which place the next ones are looked for; undefined where there are none. */
export interface RecordsPage {
  records: KeptRecord[]
  next: Place | undefined
}

/** Whose calls are meant by the id of a user, be they still there or not. */
async function keyOfAgent(
  reader: Reader,
  [tenantKey, groupKey]: RoutePointKey,
  agent: string,
): Promise<string> {
  return fold(await completeId(reader, { tenantKey, groupKey }, agent))
}

/** Where a search begins: it ends at `from`, and ids are never empty. */
function startOf({ filters: { to }, before }: Search): Place {
  return before && before.endedAt < to ? before : { endedAt: to, callId: '' }
}

/** Reads a page of the records of a route point, and looks at a bounded number of them, be there any that match or not. */
export async function readRecordsPage(reader: Reader, search: Search): Promise<RecordsPage> {
  const { routePoint, filters, pageSize } = search
  const { agent, from } = filters
  const agentKey = agent === undefined ? {} : { agent: await keyOfAgent(reader, routePoint, agent) }
  const way = wayOf({ ...filters, ...agentKey })
  const ordered = readerOf(reader, routePoint, way)
  const rows: Row[] = []
  let before = startOf(search)
  for (let turn = 0; turn < turns; turn += 1) {
    if (turn > 0) await nextTurn()
    const edge = way.tests.length > 0 ? await ordered.edge(before, from) : undefined
    const last = edge ?? { endedAt: from, callId: '' }
    rows.push(...(await ordered.rows(before, last, pageSize + 1 - rows.length)))
    const isFull = rows.length > pageSize
    if (isFull) rows.pop()
    if (isFull || !edge) {
      const shown = rows.at(-1)
      return { records: rows.map(recordIn), next: isFull && shown ? placeOf(shown) : undefined }
    }
    before = edge
  }
  return { records: rows.map(recordIn), next: before }
}

const recordIn = ({ value }: Row): KeptRecord => JSON.parse(value)
