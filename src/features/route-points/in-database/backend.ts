import type { Api } from '../../../api.ts'
import type { Members } from '../../../documents/normalise.ts'
import type { Kept } from '../../../resources/keeper.ts'
import { inMember, type Part } from '../../../resources/part.ts'
import type { Resource } from '../../../resources/resource.ts'
import { tableKeeper } from '../../../resources/table-keeper.ts'
import type { RoutePointBackend } from '../backend.ts'
import { listAgents } from './agents.ts'
import { announcementUses } from './announcement-uses.ts'
import { findNamedUrls } from './audio-urls.ts'
import { type AgentChanged, callCentersKeeper } from './call-centers.ts'
import { isCalledByOthers } from './own-numbers.ts'
import { ownerTables } from './owner-tables.ts'
import { isChosen, recordedSelections } from './selections.ts'
import { recordedSettings, settingKeeper } from './settings.ts'
import { readState } from './state.ts'

/**
 * Route points that live in Pointsman's own database.
 *
 * @param agentChanged tells followers of a state that was set.
 */
export function databaseBackend(
  { door, recorded }: Pick<Api, 'door' | 'recorded'>,
  agentChanged: AgentChanged,
): RoutePointBackend {
  recorded.push(...recordedSettings, recordedSelections)
  /** @param parts what is judged and written besides. */
  function onTable<Value extends Members>(
    definition: Resource<Value>,
    ...parts: NoInfer<Part<Value>>[]
  ): Kept<Value> {
    const resource = { ...definition, parts: [...definition.parts, ...parts] }
    return { resource, keeper: tableKeeper(resource, door, recorded) }
  }
  return {
    keepRoutePoints: (definition) =>
      onTable(definition, inMember('serviceInstanceProfile', isCalledByOthers)),
    keepDnis: (definition) => onTable(definition, isCalledByOthers, isChosen),
    keepCodes: (definition) => onTable(definition),
    settings: (owner, setting) => settingKeeper(door, { tables: ownerTables[owner], setting }),
    callCenters: callCentersKeeper(door, agentChanged),
    announcementHolders: Object.values(ownerTables).map(announcementUses),
    namedUrls: (group) => findNamedUrls(door.reader, group),
    agents: (key, query) => listAgents(door.reader, key, query),
    state: (routePoint, dnisName) => readState(door.reader, routePoint, dnisName),
  }
}
