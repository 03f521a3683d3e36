import type { Api } from '../../api.ts'
import { addResource } from '../../resources/serve.ts'
import type { RoutePointBackend } from './backend.ts'
import { routePointCodes } from './disposition-codes/disposition-codes.ts'
import { addAgents } from './dnis/agents.ts'
import { dnisAnnouncements, dnisOwners } from './dnis/announcements.ts'
import { callCenters, userOwners } from './dnis/call-centers.ts'
import { dnis } from './dnis/dnis.ts'
import { routePoints } from './route-points.ts'
import { settings } from './settings/index.ts'
import { addSettings, routePointOwners } from './settings/serve.ts'

/** Serves route points and all that belongs to them. */
export function addRoutePoints(api: Api, backend: RoutePointBackend): void {
  addResource(api, routePoints, backend.routePoints)
  addResource(api, routePointCodes, backend.codes)
  addSettings(api, backend, { owners: routePointOwners, settings })
  addResource(api, dnis, backend.dnis)
  addSettings(api, backend, { owners: dnisOwners, settings: [dnisAnnouncements] })
  addAgents(api, backend)
  addSettings(api, backend, { owners: userOwners, settings: [callCenters] })
}
