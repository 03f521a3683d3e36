import type { Api } from '../../../api.ts'
import { named } from '../../../documents/vocabulary.ts'
import { representation } from '../../../http/answer.ts'
import { componentName } from '../../../http/openapi/components.ts'
import { addOperation } from '../../../http/operation.ts'
import { intentOf } from '../../../writes/intent.ts'
import type { SettingKeeper } from '../backend.ts'
import type { Setting } from './define.ts'
import { settingChange } from './judge.ts'
import type { OwnerKind } from './owners.ts'

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
