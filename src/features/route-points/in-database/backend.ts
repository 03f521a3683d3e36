import type { Api } from '../../../api.ts'
import { tableKeeper } from '../../../resources/table-keeper.ts'
import type { RoutePointBackend } from '../backend.ts'
import { routePointCodes } from '../disposition-codes/disposition-codes.ts'
import { dnis } from '../dnis/dnis.ts'
import { routePoints } from '../route-points.ts'
import { listAgents } from './agents.ts'
import { ownerTables } from './owner-tables.ts'
import { checkReferences } from './references.ts'
import { recordedSelections } from './selections.ts'
import { recordedSettings, settingKeeper } from './settings.ts'

/** Route points that live in Pointsman's own database. */
export function databaseBackend({ door, recorded }: Api): RoutePointBackend {
  recorded.push(...recordedSettings, recordedSelections)
  return {
    routePoints: tableKeeper(routePoints, door, recorded),
    dnis: tableKeeper(dnis, door, recorded),
    codes: tableKeeper(routePointCodes, door, recorded),
    settings: (owner, setting) => settingKeeper(door, { tables: ownerTables[owner], setting }),
    checkReferences,
    agents: (key, query) => listAgents(door.reader, key, query),
  }
}
