import type { Api } from '../../../api.ts'
import type { Members } from '../../../documents/normalise.ts'
import type { Resource } from '../../../resources/resource.ts'
import { tableKeeper } from '../../../resources/table-keeper.ts'
import type { RoutePointBackend } from '../backend.ts'
import { listAgents } from './agents.ts'
import { announcementUses } from './announcement-uses.ts'
import { ownerTables } from './owner-tables.ts'
import { callCentersKeeper, isChosen, recordedSelections } from './selections.ts'
import { recordedSettings, settingKeeper } from './settings.ts'

/** Route points that live in Pointsman's own database. */
export function databaseBackend({
  door,
  recorded,
}: Pick<Api, 'door' | 'recorded'>): RoutePointBackend {
  recorded.push(...recordedSettings, recordedSelections)
  const onTable = <Value extends Members>(resource: Resource<Value>) =>
    tableKeeper(resource, door, recorded)
  return {
    routePoints: onTable,
    dnis: (resource) => onTable({ ...resource, parts: [...resource.parts, isChosen] }),
    codes: onTable,
    settings: (owner, setting) =>
      owner === 'user'
        ? callCentersKeeper(door)
        : settingKeeper(door, { tables: ownerTables[owner], setting }),
    announcementHolders: Object.values(ownerTables).map(announcementUses),
    agents: (key, query) => listAgents(door.reader, key, query),
  }
}
