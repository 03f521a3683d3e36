import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Reader } from '../../../database/database.ts'
import { findUnkeepable } from '../../../documents/characters.ts'
import { fold } from '../../../documents/normalise.ts'
import { named } from '../../../documents/vocabulary.ts'
import { invalid, Refusal } from '../../../errors.ts'
import { groupKeyOf } from '../../../http/place.ts'
import { queryIn } from '../../../http/query.ts'
import { completeId } from '../../groups/groups.ts'
import { hasRoutePoint } from '../../route-points/route-points.ts'

/** Route points that can be named; whoever wants more takes all of the group. */
const routePointsMax = 100

/** Which route points a routing system has to do with. */
export const chosenRoutePoints = {
  routePoint: named(
    'ChosenRoutePoints',
    Type.Array(Type.String(), {
      maxItems: routePointsMax,
      description:
        'Ids of route points of the group, each as a parameter of its own; all of the group unless told.',
    }),
  ),
}

function refuse(message: string): Refusal {
  return new Refusal([invalid('routePoint', message)])
}

/**
 * The keys of the route points that a request names; undefined for all of the group.
 *
 * @throws Refusal (2) for one that the group does not have, and for too many.
 */
export async function readChosen(
  reader: Reader,
  request: FastifyRequest,
): Promise<ReadonlySet<string> | undefined> {
  const { routePoint } = queryIn(request)
  if (routePoint === undefined) return undefined
  const ids = [routePoint].flat()
  if (ids.length > routePointsMax) {
    throw refuse(`At most ${routePointsMax} route points can be named; without any, all are meant.`)
  }
  const [tenantKey, groupKey] = groupKeyOf(request.place)
  const keys = new Set<string>()
  for (const id of ids) {
    const isReadable = findUnkeepable(id) === undefined
    const key = isReadable ? fold(await completeId(reader, { tenantKey, groupKey }, id)) : ''
    if (key === '' || !(await hasRoutePoint(reader, [tenantKey, groupKey, key]))) {
      throw refuse("The 'routePoint' parameter names no route point of the group.")
    }
    keys.add(key)
  }
  return keys
}
