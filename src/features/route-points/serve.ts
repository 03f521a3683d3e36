import type { Api } from '../../api.ts'
import { addResource } from '../../resources/serve.ts'
import { routePointCodes } from './disposition-codes/disposition-codes.ts'
import { addAgents } from './dnis/agents.ts'
import { dnisAnnouncements, dnisOwners } from './dnis/announcements.ts'
import { callCenters, userOwners } from './dnis/call-centers.ts'
import { dnis } from './dnis/dnis.ts'
import { databaseBackend } from './in-database/backend.ts'
import { callCentersKeeper, checkChoice } from './in-database/selections.ts'
import { routePoints } from './route-points.ts'
import { settings } from './settings/index.ts'
import { addSettings, routePointOwners } from './settings/serve.ts'

/** Serves route points and all that belongs to them. */
export function addRoutePoints(api: Api): void {
  const backend = databaseBackend(api)
  const { checkReferences } = backend
  addResource(api, routePoints, backend.routePoints)
  addResource(api, routePointCodes, backend.codes)
  addSettings(api, {
    owners: routePointOwners,
    settings,
    keeperOf: (setting) => backend.settings('route point', setting),
    checkReferences,
  })
  addResource(api, dnis, backend.dnis)
  addSettings(api, {
    owners: dnisOwners,
    settings: [dnisAnnouncements],
    keeperOf: (setting) => backend.settings('DNIS', setting),
    checkReferences,
  })
  addAgents(api, backend)
  addSettings(api, {
    owners: userOwners,
    settings: [callCenters],
    keeperOf: () => callCentersKeeper(api.door),
    checkReferences: checkChoice,
  })
}
