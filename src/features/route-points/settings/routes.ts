import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { requireMatch, sendText } from '../../../http/etag.ts'
import { addOperation, fillPath } from '../../../http/operation.ts'
import type { RoutePointData } from '../route-point-data.ts'
import type { Owner, Setting } from './define.ts'
import { routePointTables } from './storage.ts'

const routePoint =
  '/api/v1/tenants/:tenant_id/groups/:group_id/services/route_points/:route_point_user_id/'

function routePointOf({ place }: FastifyRequest): Owner {
  const { tenantKey = '', groupKey = '', identityKey = '' } = place
  return { tables: routePointTables, key: [tenantKey, groupKey, identityKey] }
}

/** `forced_forwarding` as `ForcedForwarding`. */
function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase())
}

/** Serves GET and PUT of each setting. */
export function addSettings(
  app: FastifyInstance,
  data: RoutePointData,
  settings: readonly Setting[],
): void {
  for (const setting of settings) {
    const { name, summary, document, example, alias } = setting
    const { shown, forChange } = document.schemas.documented
    const path = `${routePoint}${name}/`
    const shared = {
      path,
      tag: 'Route point settings',
      permission: 'group.administer',
      answer: shown,
    } as const

    addOperation(app, {
      ...shared,
      method: 'GET',
      id: `get${pascalCase(name)}`,
      summary: `Get a route point’s ${summary}`,
      example: { response: example.get },
      async handler(request: FastifyRequest, reply: FastifyReply) {
        return sendText(request, reply, await data.readSetting(routePointOf(request), setting))
      },
    })

    addOperation(app, {
      ...shared,
      ...(alias && { alias }),
      method: 'PUT',
      id: `update${pascalCase(name)}`,
      summary: `Change a route point’s ${summary}: absent members stay as they are`,
      body: forChange,
      example: example.put,
      async handler(request: FastifyRequest, reply: FastifyReply) {
        const text = await data.changeSetting(routePointOf(request), setting, {
          body: request.body,
          caller: request.caller,
          target: fillPath(path, request.params as Record<string, string>),
          requireMatch: (stored) => requireMatch(request, stored),
        })
        return sendText(request, reply, text)
      },
    })
  }
}
