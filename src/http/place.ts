import type { FastifyRequest } from 'fastify'
import { compose } from '../documents/normalise.ts'

/** The folded ids in a request's path, those that it has. */
export interface Place {
  tenantKey?: string
  groupKey?: string
  /** A user or route point, completed with the group's domain. */
  identityKey?: string
}

export type GroupKey = readonly [tenantKey: string, groupKey: string]

/** Key of a user or route point. */
export type MemberKey = readonly [tenantKey: string, groupKey: string, identityKey: string]

/** The raw parameters of a request's path, as Fastify's router finds them; where it finds no route it has none. */
export function parametersIn({ params }: Pick<FastifyRequest, 'params'>): Record<string, string> {
  return (params ?? {}) as Record<string, string>
}

/** An empty key would read the wrong row in silence. */
function named(key: string | undefined, what: string): string {
  if (key === undefined) throw new Error(`No ${what} is named.`)
  return key
}

/** @throws Error when the path names no tenant. */
export function tenantKeyOf({ tenantKey }: Place): string {
  return named(tenantKey, 'tenant')
}

/** @throws Error when the path names no group. */
export function groupKeyOf(place: Place): GroupKey {
  return [tenantKeyOf(place), named(place.groupKey, 'group')]
}

/** @throws Error when the path names neither a user nor a route point. */
export function memberKeyOf(place: Place): MemberKey {
  return [...groupKeyOf(place), named(place.identityKey, 'user or route point')]
}

/**
 * The group whose key a longer one begins with.
 *
 * @throws Error when it is shorter.
 */
export function groupKeyIn([tenantKey, groupKey]: readonly string[]): GroupKey {
  return [named(tenantKey, 'tenant'), named(groupKey, 'group')]
}

/**
 * The user or route point whose key a longer one begins with.
 *
 * @throws Error when it is shorter.
 */
export function memberKeyIn(key: readonly string[]): MemberKey {
  return [...groupKeyIn(key), named(key[2], 'user or route point')]
}

/** The key of what a path names exactly, by `:instance_name`: letters have one form, whichever way their accents were typed. */
export function nameKeyOf(request: Pick<FastifyRequest, 'params'>): string {
  const { instance_name } = parametersIn(request)
  return compose(named(instance_name, 'instance'))
}

/** The parameters of a path with its ids and names in one spelling, by which what is recorded of a resource is found again. */
export function canonicalParameters({
  parameters,
  place,
}: {
  parameters: Record<string, string>
  place: Place
}): Record<string, string> {
  const { tenantKey, groupKey, identityKey } = place
  const ids: Record<string, string | undefined> = {
    tenant_id: tenantKey,
    group_id: groupKey,
    user_id: identityKey,
    route_point_user_id: identityKey,
  }
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, ids[name] ?? compose(value)]),
  )
}
