import { expect } from 'vitest'
import type { Database } from '../src/database/database.ts'
import {
  callEventsLog,
  isKeptBehind,
  pruneCallEvents,
} from '../src/features/calls/events/kept-events.ts'
import { readStanding } from '../src/features/calls/events/standing.ts'
import { tellEvents } from '../src/features/calls/events/tell.ts'
import { changesLog } from '../src/writes/kept-changes.ts'
import { pruneChanges } from '../src/writes/prune.ts'

/** Reads and prunes the logs that are followed, of all scopes by which they are. */
export async function followLogs(
  database: Database,
  places: { tenantKey: string; groupKey: string; routePointKey: string },
): Promise<void> {
  const { tenantKey, groupKey } = places
  const all = { after: 0, upTo: Number.MAX_SAFE_INTEGER }
  for (const scope of [undefined, { tenantKey }, { tenantKey, groupKey }, places]) {
    await changesLog.read(database, await changesLog.shorten(database, all, scope), scope)
  }
  for (const scope of [undefined, { tenantKey, groupKey }]) {
    await callEventsLog.read(database, await callEventsLog.shorten(database, all, scope), scope)
  }
  for (const log of [changesLog, callEventsLog]) await log.readLast(database)
  expect(await isKeptBehind(database, 0)).toBe(true)
  const event = {
    group: [tenantKey, groupKey] as const,
    routePointKey: '',
    kind: 'of the test',
    at: 0,
    body: {},
  }
  await database.write((transaction) => tellEvents(transaction, [event, event]))
  await readStanding(database, [tenantKey, groupKey], { after: 0, isChosen: () => true })
  for (const pruneOnce of [pruneChanges, pruneCallEvents]) await pruneOnce(database, Date.now())
}
