import type { FastifyRequest } from 'fastify'
import { type MemberKey, memberKeyIn, memberKeyOf, nameKeyOf } from '../../http/place.ts'

/** The path of the route points of a group. */
export const routePointsPath = '/api/v1/tenants/:tenant_id/groups/:group_id/services/route_points/'

/** The path of a route point, below which all that is its own stands. */
export const routePointPath = `${routePointsPath}:route_point_user_id/`

/** The path of a setting of a route point. */
export function settingPath(setting: string): string {
  return `${routePointPath}${setting}/`
}

/** The path of a setting of a DNIS: it ends with the DNIS's name. */
export function dnisSettingPath(setting: string): string {
  return `${routePointPath}${setting}/:instance_name/`
}

/** The path of a user's call-centre setting, which names a DNIS. */
export const callCentersPath =
  '/api/v1/tenants/:tenant_id/groups/:group_id/users/:user_id/services/call_centers/'

/** Tenant, group and id of a route point. */
export type RoutePointKey = MemberKey

/** A DNIS: the key of its route point, and its name. */
export type DnisKey = readonly [...RoutePointKey, name: string]

/** @throws Error for a key that is not a DNIS's. */
export function dnisKeyIn(key: readonly string[]): DnisKey {
  const name = key[3]
  if (name === undefined) throw new Error('No DNIS is named.')
  return [...memberKeyIn(key), name]
}

/** The key of the DNIS that a path names by `:instance_name`. */
export function dnisKeyOf(request: Pick<FastifyRequest, 'place' | 'params'>): DnisKey {
  return [...memberKeyOf(request.place), nameKeyOf(request)]
}
