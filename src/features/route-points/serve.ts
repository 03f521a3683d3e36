import type { Api } from '../../api.ts'
import { addResource } from '../../resources/serve.ts'
import type { RoutePointBackend } from './backend.ts'
import { routePointCodes } from './disposition-codes/disposition-codes.ts'
import { addAgents } from './dnis/agents.ts'
import { dnisOwners, dnisSettings } from './dnis/announcements.ts'
import { callCenters, userOwners } from './dnis/call-centers.ts'
import { dnis } from './dnis/dnis.ts'
import { routePoints } from './route-points.ts'
import { settings } from './settings/index.ts'
import { routePointOwners } from './settings/owners.ts'
import { addSettings } from './settings/serve.ts'

/** Serves route points and all that belongs to them. */
export function addRoutePoints(api: Api, backend: RoutePointBackend): void {
  addResource(api, routePoints, backend.keepRoutePoints)
  addResource(api, routePointCodes, backend.keepCodes)
  addSettings(api, {
    owners: routePointOwners,
    settings,
    keeperOf: (setting) => backend.settings('route point', setting),
  })
  addResource(api, dnis, backend.keepDnis)
  addSettings(api, {
    owners: dnisOwners,
    settings: dnisSettings,
    keeperOf: (setting) => backend.settings('DNIS', setting),
  })
  addAgents(api, backend)
  addSettings(api, {
    owners: userOwners,
    settings: [callCenters],
    keeperOf: () => backend.callCenters,
  })
}
