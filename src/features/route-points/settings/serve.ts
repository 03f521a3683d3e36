import type { FastifyRequest } from 'fastify'
import type { Api } from '../../../api.ts'
import type { Reader } from '../../../database/database.ts'
import { named } from '../../../documents/vocabulary.ts'
import { representation } from '../../../http/answer.ts'
import { componentName } from '../../../http/openapi/components.ts'
import { addOperation, type PathParameter, type Tag } from '../../../http/operation.ts'
import type { Permission } from '../../../http/permissions.ts'
import { memberKeyOf, type Place } from '../../../http/place.ts'
import type { Key } from '../../../resources/keeper.ts'
import type { Site } from '../../../resources/resource.ts'
import { intentOf } from '../../../writes/intent.ts'
import type { SettingKeeper } from '../backend.ts'
import { settingPath } from '../route-point.ts'
import type { Setting } from './define.ts'
import { settingChange } from './judge.ts'

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

/** Settings of a kind of owner, and what keeps each. */
interface ServedSettings {
  owners: OwnerKind
  settings: readonly Setting[]
  keeperOf(setting: Setting): SettingKeeper
}

/** Serves GET and PUT of each setting of a kind of owner. */
export function addSettings({ app }: Api, { owners, settings, keeperOf }: ServedSettings): void {
  const { noun, tag, permissions } = owners
  for (const setting of settings) {
    const { name, summary, document, example, alias } = setting
    const { shown, forChange } = document.schemas.documented
    const keeper = keeperOf(setting)
    const subject = componentName(name)
    const shared = {
      path: owners.pathOf(name),
      tag,
      answer: named(subject, shown, `A ${noun}’s ${summary}.`),
      ...(owners.names && { names: owners.names }),
    } as const

    addOperation(app, {
      ...shared,
      method: 'GET',
      id: `get${subject}`,
      summary: `Get a ${noun}’s ${summary}`,
      permission: permissions.read,
      example: { response: example.get },
      async handler(request) {
        return representation(await keeper.read(owners.keyOf(request)))
      },
    })

    addOperation(app, {
      ...shared,
      ...(alias && { alias }),
      method: 'PUT',
      id: `update${subject}`,
      summary: `Change a ${noun}’s ${summary}: absent members stay as they are`,
      permission: permissions.write,
      body: named(
        `${subject}Change`,
        forChange,
        `What changes a ${noun}’s ${summary}; absent members stay as they are.`,
      ),
      example: example.put,
      handler: (request) =>
        keeper.edit(intentOf(request), settingChange(setting, { owners, keeper }, request)),
    })
  }
}
