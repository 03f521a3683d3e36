import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { judgePreconditions, sendText } from '../../../http/etag.ts'
import { addOperation, fillPath } from '../../../http/operation.ts'
import { memberKeyOf } from '../../../http/place.ts'
import { routePointPath } from '../route-point.ts'
import type { RoutePointData } from '../route-point-data.ts'
import type { Owner, OwnerKind, Setting } from './define.ts'
import { routePointTables } from './storage.ts'

export const routePointOwners: OwnerKind = {
  noun: 'route point',
  tag: 'Route point settings',
  tables: routePointTables,
  pathOf: (setting) => `${routePointPath}${setting}/`,
  keyOf: ({ place }) => memberKeyOf(place),
}

/** `forced_forwarding` as `ForcedForwarding`. */
function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase())
}

/** Serves GET and PUT of each setting of a kind of owner. */
export function addSettings(
  app: FastifyInstance,
  data: RoutePointData,
  { owners, settings }: { owners: OwnerKind; settings: readonly Setting[] },
): void {
  const { noun, tag, tables } = owners
  const ownerOf = (request: FastifyRequest): Owner => ({ tables, key: owners.keyOf(request) })
  for (const setting of settings) {
    const { name, summary, document, example, alias } = setting
    const { shown, forChange } = document.schemas.documented
    const path = owners.pathOf(name)
    const shared = {
      path,
      tag,
      permission: 'group.administer',
      answer: shown,
    } as const

    addOperation(app, {
      ...shared,
      method: 'GET',
      id: `get${pascalCase(name)}`,
      summary: `Get a ${noun}’s ${summary}`,
      example: { response: example.get },
      async handler(request: FastifyRequest, reply: FastifyReply) {
        return sendText(request, reply, await data.readSetting(ownerOf(request), setting))
      },
    })

    addOperation(app, {
      ...shared,
      ...(alias && { alias }),
      method: 'PUT',
      id: `update${pascalCase(name)}`,
      summary: `Change a ${noun}’s ${summary}: absent members stay as they are`,
      body: forChange,
      example: example.put,
      async handler(request: FastifyRequest, reply: FastifyReply) {
        const text = await data.changeSetting(ownerOf(request), setting, {
          body: request.body,
          caller: request.caller,
          target: fillPath(path, request.params as Record<string, string>),
          judgePreconditions: (stored) => judgePreconditions(request, stored),
        })
        return sendText(request, reply, text)
      },
    })
  }
}
