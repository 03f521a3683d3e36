import { tableKeeper } from '../../../resources/table-keeper.ts'
import type { Door } from '../../../writes/door.ts'
import type { RoutePointBackend } from '../backend.ts'
import { routePointCodes } from '../disposition-codes/disposition-codes.ts'
import { dnis } from '../dnis/dnis.ts'
import { routePoints } from '../route-points.ts'
import { listAgents } from './agents.ts'
import { ownerTables } from './owner-tables.ts'
import { checkReferences } from './references.ts'
import { settingKeeper } from './settings.ts'

/** Route points that live in Pointsman's own database. */
export function databaseBackend(door: Door): RoutePointBackend {
  return {
    routePoints: tableKeeper(routePoints, door),
    dnis: tableKeeper(dnis, door),
    codes: tableKeeper(routePointCodes, door),
    settings: (owner, setting) => settingKeeper(door, { tables: ownerTables[owner], setting }),
    checkReferences,
    agents: (key, query) => listAgents(door.reader, key, query),
  }
}
