import type { Registry } from '@prometheus-io/client'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Api, ApiConfig } from './api.ts'
import { listOf, parsePublicUrl } from './config.ts'
import type { Database } from './database/database.ts'
import { fold } from './documents/normalise.ts'
import { groupAdmins, systemAdmins, tenantAdmins } from './features/admins/admins.ts'
import { addAnnouncements } from './features/announcements/serve.ts'
import { tellAgent } from './features/calls/agents/changes.ts'
import type { Post } from './features/calls/live/station.ts'
import { addCalls } from './features/calls/serve.ts'
import { addChanges } from './features/changes/serve.ts'
import { departments } from './features/departments/departments.ts'
import { enterpriseCodes, groupCodes } from './features/disposition-codes/organization-codes.ts'
import { completeId, groups } from './features/groups/groups.ts'
import { addHealth } from './features/health/health.ts'
import { addSessions, findBySession, sessionSecondsOf } from './features/identities/sessions.ts'
import { findByToken, tokens } from './features/identities/tokens.ts'
import { addMedia } from './features/media/serve.ts'
import { databaseBackend } from './features/route-points/in-database/backend.ts'
import { addRoutePoints } from './features/route-points/serve.ts'
import { tenants } from './features/tenants/tenants.ts'
import { users } from './features/users/users.ts'
import { addWebhooks, type WebhooksOptions } from './features/webhooks/serve.ts'
import { addDocumentation } from './http/documentation.ts'
import type { Identification } from './http/identification.ts'
import { createServer } from './http/server.ts'
import { countConnections } from './metrics/connections.ts'
import { countRequests } from './metrics/requests.ts'
import { addResource } from './resources/serve.ts'
import { openDoor } from './writes/door.ts'

export interface AppOptions {
  config: ApiConfig
  database: Database
  logger: FastifyBaseLogger
  /** Where requests are counted, if anywhere. */
  registry?: Registry
  /** The engines whose calls may be treated here; undefined where none are configured. */
  posts?: readonly Post[] | undefined
  /** The times of webhooks' attempts where they are not the usual ones. */
  webhookTimes?: WebhooksOptions['times']
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
  const { config, database, logger, registry, posts, webhookTimes: times } = options
  const app = createServer({
    logger,
    identification: identification(database, sessionSecondsOf(config)),
    bodyBytesMax: config.BODY_BYTES_MAX,
    connectionsMax: config.CONNECTIONS_MAX,
    bytesPerSecondMin: config.BYTES_PER_SECOND_MIN,
    trustedProxies: listOf(config.TRUSTED_PROXIES),
    publicUrl: parsePublicUrl(config.PUBLIC_URL),
  })
  if (registry) {
    countRequests(app, registry)
    countConnections(app.connections, registry)
  }

  const door = openDoor(database)
  const api: Api = { app, database, door, nouns: [], recorded: [], config, registry }
  const backend = databaseBackend(api, (transaction, [, , userKey]) =>
    tellAgent(transaction, userKey),
  )
  addHealth(api)
  addSessions(api)
  addResource(api, tokens)
  addResource(api, systemAdmins)
  addResource(api, tenants)
  addResource(api, groups)
  addResource(api, tenantAdmins)
  addResource(api, departments)
  addResource(api, groupAdmins)
  addResource(api, users)
  await addAnnouncements(api, backend.announcementHolders)
  addRoutePoints(api, backend)
  addResource(api, enterpriseCodes)
  addResource(api, groupCodes)
  addChanges(api)
  const media = await addMedia(api, backend)
  const events = addCalls(api, { backend, media, posts })
  addWebhooks(api, { events, times })

  await addDocumentation(app)
  return app
}
