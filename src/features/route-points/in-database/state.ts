import { type Reader, sql, whereEqual } from '../../../database/database.ts'
import type { Document } from '../../../documents/document.ts'
import type { Members } from '../../../documents/normalise.ts'
import { groupKeyIn } from '../../../http/place.ts'
import { announcementDocument } from '../../announcements/announcements.ts'
import { groups } from '../../groups/groups.ts'
import { dnisAnnouncements } from '../dnis/announcements.ts'
import { dnis } from '../dnis/dnis.ts'
import type { RoutePointKey } from '../route-point.ts'
import { routePoints } from '../route-points.ts'
import type { Setting } from '../settings/define.ts'
import { type RoutePointSettings, settings } from '../settings/index.ts'
import type { AnnouncementAudio, RoutePointState } from '../state.ts'
import { type OwnerTables, ownerTables } from './owner-tables.ts'

/** A text that is kept of a route point, or that it needs. */
interface StateRow {
  kind: 'group' | 'route point' | 'DNIS' | 'setting' | 'announcement'
  name: string
  value: string
  /** Of announcements. */
  content_id: string
  bytes: number
}

const { 'route point': ofRoutePoint, DNIS: ofDnis } = ownerTables
const isRoutePoint = whereEqual(ofRoutePoint.ownerKey)
const isDnis = whereEqual(ofDnis.ownerKey)

/** The announcements that the settings of an owner name; one that stands in several slots as often. */
function selectAnnouncements({ files, key }: OwnerTables): string {
  const named = (table: string, column: string) =>
    `${table}.tenant_key = files.tenant_key AND ${table}.group_key = files.group_key
       AND ${table}.${column} = files.announcement_name`
  return `
   SELECT 'announcement', announcements.name, announcements.value, contents.content_id, contents.bytes
   FROM ${files} AS files
   JOIN announcements ON ${named('announcements', 'name')}
   JOIN announcement_contents AS contents ON ${named('contents', 'announcement_name')}
   WHERE ${whereEqual(key, 'files')}`
}

// Each part is a look-up by key. What a call needs is read at one moment, so that no part of it contradicts another.
const selectState = sql<StateRow>(
  `SELECT 'route point' AS kind, service_user_id AS name, value, '' AS content_id, 0 AS bytes
   FROM route_points WHERE ${isRoutePoint}
   UNION ALL
   SELECT 'group', group_id, value, '', 0 FROM groups WHERE ${whereEqual(['tenant_key', 'group_key'])}
   UNION ALL
   SELECT 'setting', setting, value, '', 0 FROM ${ofRoutePoint.settings} WHERE ${isRoutePoint}
   UNION ALL ${selectAnnouncements(ofRoutePoint)}
   UNION ALL
   SELECT 'DNIS', name, value, '', 0 FROM dnis WHERE ${isDnis}
   UNION ALL
   SELECT 'setting', setting, value, '', 0 FROM ${ofDnis.settings} WHERE ${whereEqual(ofDnis.key)}
   UNION ALL ${selectAnnouncements(ofDnis)}`,
)

/** Names what is damaged, for people who repair it. */
function damaged({ kind, name }: StateRow, [, , id]: RoutePointKey, cause?: unknown): Error {
  const message = `The ${kind} '${name}' is damaged in the database: calls of the route point '${id}' need it.`
  return new Error(message, { cause })
}

/**
 * A kept text as the document that it was kept as. An object was judged when it was written; anything else is damage.
 *
 * @throws Error as `damaged()` tells it.
 */
function parse<Value>(document: Document<Value>, row: StateRow, key: RoutePointKey): Value {
  // Looked at before the defaults: with them, anything becomes an object.
  if (!/^\s*\{/.test(row.value)) throw damaged(row, key)
  try {
    return JSON.parse(document.withDefaults(row.value))
  } catch (error) {
    throw damaged(row, key, error)
  }
}

const sha256Pattern = /^[0-9a-f]{64}$/

/** @throws Error as `damaged()` tells it, also for a hash that is none: files elsewhere are named by it. */
function audioOf(row: StateRow, key: RoutePointKey): AnnouncementAudio {
  const { sha256 = '' } = parse(announcementDocument, row, key)
  if (!sha256Pattern.test(sha256)) throw damaged(row, key)
  return { tenantKey: key[0], contentId: row.content_id, size: row.bytes, sha256 }
}

function stateIn(key: RoutePointKey, rows: readonly StateRow[]): RoutePointState | undefined {
  const find = <Value>(kind: StateRow['kind'], document: Document<Value>) => {
    const row = rows.find((one) => one.kind === kind)
    return row && parse(document, row, key)
  }
  // One that was never changed has no row.
  const set = <Value extends Members>({ name, document, defaultText }: Setting<Value>) => {
    const row = rows.find((one) => one.kind === 'setting' && one.name === name)
    return row ? parse(document, row, key) : (JSON.parse(defaultText) as Value)
  }
  const routePoint = find('route point', routePoints.document)
  const group = find('group', groups.document)
  if (!routePoint || !group) return undefined
  const called = find('DNIS', dnis.document)
  const announcements = rows.filter(({ kind }) => kind === 'announcement')
  return {
    key,
    routePoint,
    domain: group.defaultDomain,
    country: group.country ?? '',
    settings: Object.fromEntries(
      settings.map((setting: Setting) => [setting.name, set(setting)]),
    ) as RoutePointSettings,
    dnis: called && { dnis: called, announcements: set(dnisAnnouncements) },
    audio: new Map(announcements.map((row) => [row.name, audioOf(row, key)])),
  }
}

/** A route point with all that a call needs, as `RoutePointBackend.state()` tells it. */
export async function readState(
  reader: Reader,
  key: RoutePointKey,
  dnisName?: string,
): Promise<RoutePointState | undefined> {
  const dnisKey = [...key, dnisName ?? null]
  const values = [key, groupKeyIn(key), key, key, dnisKey, dnisKey, dnisKey].flat()
  return stateIn(key, await reader.all(selectState, ...values))
}
