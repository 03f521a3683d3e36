import type { Registry } from '@prometheus-io/client'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { type Config, listOf, parsePublicUrl } from './config.ts'
import type { Database } from './database/database.ts'
import { fold } from './documents/normalise.ts'
import {
  departmentAdmins,
  groupAdminHolder,
  groupAdmins,
  systemAdmins,
  tenantAdminHolder,
  tenantAdmins,
} from './features/admins/admins.ts'
import { announcementHolder } from './features/announcements/announcements.ts'
import { addAnnouncements } from './features/announcements/serve.ts'
import {
  departmentHolder,
  departments,
  subdepartments,
} from './features/departments/departments.ts'
import {
  enterpriseCodeHolder,
  enterpriseCodes,
  groupCodeHolder,
  groupCodes,
} from './features/disposition-codes/organization-codes.ts'
import { completeId, groupHolder, groups } from './features/groups/groups.ts'
import { addHealth } from './features/health/health.ts'
import { addSessions, findBySession } from './features/identities/sessions.ts'
import { findByToken, tokens } from './features/identities/tokens.ts'
import { databaseData } from './features/route-points/database-data.ts'
import { routePointCodes } from './features/route-points/disposition-codes/disposition-codes.ts'
import { addAgents } from './features/route-points/dnis/agents.ts'
import { dnisAnnouncements, dnisOwners } from './features/route-points/dnis/announcements.ts'
import { addCallCenters } from './features/route-points/dnis/call-centers.ts'
import { dnis } from './features/route-points/dnis/dnis.ts'
import {
  departmentRoutePoints,
  routePointHolder,
  routePoints,
} from './features/route-points/route-points.ts'
import { announcementUses } from './features/route-points/settings/announcement-uses.ts'
import {
  enterpriseCodeDefaults,
  groupCodeDefaults,
} from './features/route-points/settings/disposition-codes-config.ts'
import { settings } from './features/route-points/settings/index.ts'
import { addSettings, routePointOwners } from './features/route-points/settings/serve.ts'
import { routePointTables } from './features/route-points/settings/storage.ts'
import { tenants } from './features/tenants/tenants.ts'
import { departmentUsers, userHolder, users } from './features/users/users.ts'
import type { Identification } from './http/identification.ts'
import { addDocumentation, addOpenApi } from './http/openapi.ts'
import { createServer } from './http/server.ts'
import { countConnections } from './metrics/connections.ts'
import { countRequests } from './metrics/requests.ts'
import { countSignIns } from './metrics/sign-ins.ts'
import { addResource } from './resources/serve.ts'

export interface AppOptions {
  config: Pick<
    Config,
    | 'ANNOUNCEMENT_BYTES_MAX'
    | 'BODY_BYTES_MAX'
    | 'BYTES_PER_SECOND_MIN'
    | 'CONNECTIONS_MAX'
    | 'GROUP_ANNOUNCEMENT_BYTES_MAX'
    | 'PUBLIC_URL'
    | 'SESSION_HOURS'
    | 'TRUSTED_PROXIES'
  >
  database: Database
  logger: FastifyBaseLogger
  /** Where requests are counted, if anywhere. */
  registry?: Registry
}

function identification(database: Database, sessionSeconds: number): Identification {
  return {
    findBySession: (secret) => findBySession(database, secret, sessionSeconds),
    findByToken: (secret) => findByToken(database, secret),
    identityKeyOf: async (place, id) => fold(await completeId(database, place, id)),
  }
}

/** The whole application, for the server, the tests and the OpenAPI export alike. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, database, logger } = options
  const sessionSeconds = Math.round(config.SESSION_HOURS * 3_600)
  const app = createServer({
    logger,
    identification: identification(database, sessionSeconds),
    bodyBytesMax: config.BODY_BYTES_MAX,
    connectionsMax: config.CONNECTIONS_MAX,
    bytesPerSecondMin: config.BYTES_PER_SECOND_MIN,
    trustedProxies: listOf(config.TRUSTED_PROXIES),
    publicUrl: parsePublicUrl(config.PUBLIC_URL),
  })
  if (options.registry) {
    countRequests(app, options.registry)
    countConnections(app.connections, options.registry)
  }
  await addOpenApi(app)

  addHealth(app, database)
  const onSignIn = options.registry && countSignIns(options.registry)
  addSessions(app, database, { sessionSeconds, onSignIn })
  addResource(app, database, tokens)
  addResource(app, database, systemAdmins)
  addResource(app, database, tenants([groupHolder, tenantAdminHolder, enterpriseCodeHolder]))
  addResource(app, database, tenantAdmins)
  addResource(
    app,
    database,
    groups([
      departmentHolder,
      groupAdminHolder,
      userHolder,
      announcementHolder,
      routePointHolder,
      groupCodeHolder,
    ]),
  )
  addResource(app, database, groupAdmins)
  addResource(
    app,
    database,
    departments([subdepartments, departmentAdmins, departmentUsers, departmentRoutePoints]),
  )
  addResource(app, database, users)
  addResource(app, database, enterpriseCodes([enterpriseCodeDefaults]))
  addResource(app, database, groupCodes([groupCodeDefaults]))
  await addAnnouncements(app, database, {
    limits: {
      fileBytesMax: config.ANNOUNCEMENT_BYTES_MAX,
      groupBytesMax: config.GROUP_ANNOUNCEMENT_BYTES_MAX,
    },
    holders: [announcementUses(routePointTables), announcementUses(dnisOwners.tables)],
  })
  addResource(app, database, routePoints)
  addResource(app, database, routePointCodes)
  const data = databaseData(database)
  addSettings(app, data, { owners: routePointOwners, settings })
  addResource(app, database, dnis)
  addSettings(app, data, { owners: dnisOwners, settings: [dnisAnnouncements] })
  addAgents(app, data)
  addCallCenters(app, database)

  await addDocumentation(app)
  return app
}
