import type { FastifyRequest } from 'fastify'
import { compose } from '../../documents/normalise.ts'
import type { MemberKey } from '../../http/place.ts'
import { memberKeyOf } from '../../http/place.ts'

/** The path of the route points of a group. */
export const routePointsPath = '/api/v1/tenants/:tenant_id/groups/:group_id/services/route_points/'

/** The path of a route point, below which all that is its own stands. */
export const routePointPath = `${routePointsPath}:route_point_user_id/`

/** Tenant, group and id of a route point. */
export type RoutePointKey = MemberKey

/** A DNIS: the key of its route point, and its name. */
export type DnisKey = readonly [...RoutePointKey, name: string]

/** The key of the DNIS that a path names by `:instance_name`; names are compared in one form of their accents. */
export function dnisKeyOf({ place, params }: Pick<FastifyRequest, 'place' | 'params'>): DnisKey {
  const { instance_name = '' } = params as Record<string, string>
  return [...memberKeyOf(place), compose(instance_name)]
}
