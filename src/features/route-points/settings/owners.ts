import type { FastifyRequest } from 'fastify'
import type { Reader } from '../../../database/database.ts'
import type { PathParameter, Tag } from '../../../http/operation.ts'
import type { Permission } from '../../../http/permissions.ts'
import { memberKeyOf, type Place } from '../../../http/place.ts'
import type { Key } from '../../../resources/keeper.ts'
import type { Site } from '../../../resources/resource.ts'
import { settingPath } from '../route-point.ts'

/** A kind of thing that has settings, as the API shows it. */
export interface OwnerKind {
  /** As in `route point`. */
  noun: string
  tag: Tag
  /** What the path's last parameter names, where the owner's own path does not begin it. */
  names?: PathParameter
  permissions: { read: Permission; write: Permission }
  /** Path of a setting. */
  pathOf(setting: string): string
  /** The key of the one that a request is about. */
  keyOf(request: FastifyRequest): Key
  /** The domain that ids without one get. */
  domain?(reader: Reader, place: Place): Promise<string | undefined>
  /** @throws Refusal 403 when the caller's level suffices in general but not for this one. */
  admit?(reader: Reader, site: Site): Promise<void>
}

export const routePointOwners: OwnerKind = {
  noun: 'route point',
  tag: {
    name: 'Route point settings',
    description:
      'How a route point treats its calls. Each setting has a default until it is changed.',
  },
  permissions: { read: 'group.administer', write: 'group.administer' },
  pathOf: settingPath,
  keyOf: ({ place }) => memberKeyOf(place),
}
