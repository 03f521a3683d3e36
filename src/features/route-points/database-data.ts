import type { Database } from '../../database/database.ts'
import { addNews } from '../../documents/document.ts'
import { type Fault, notFound, refuseIfAny } from '../../errors.ts'
import { record } from '../changes/record.ts'
import type { RoutePointData } from './route-point-data.ts'
import { findSetting, saveSetting } from './settings/storage.ts'

/** Route points that live in Pointsman's own database. */
export function databaseData(database: Database): RoutePointData {
  return {
    async readSetting(owner, setting) {
      const text = await findSetting(database, owner, setting)
      if (text === undefined) throw notFound()
      return text
    },

    changeSetting(owner, setting, { body, caller, target, requireMatch }) {
      return database.write(async (transaction) => {
        const before = await findSetting(transaction, owner, setting)
        if (before === undefined) throw notFound()
        const { value, faults } = setting.document.change(JSON.parse(before), body)
        const unknown: Fault[] = []
        for (const reference of setting.references) {
          unknown.push(...(await reference.check(transaction, owner, value)))
        }
        refuseIfAny(addNews(faults, unknown))
        requireMatch(before)
        const after = JSON.stringify(value)
        if (after === before) return after
        await saveSetting(transaction, owner, { setting, value })
        const tenantKey = owner.key[0]
        const by = caller.identityId
        await record(transaction, { tenantKey, by, action: 'change', target, before, after })
        return after
      })
    },
  }
}
