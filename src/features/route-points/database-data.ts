import type { Database, Reader } from '../../database/database.ts'
import { addNews } from '../../documents/document.ts'
import type { Members } from '../../documents/normalise.ts'
import { type Fault, notFound, refuseIfAny } from '../../errors.ts'
import { record } from '../../writes/record.ts'
import { listAgents } from './dnis/agents.ts'
import type { RoutePointData } from './route-point-data.ts'
import type { Owner, Setting } from './settings/define.ts'
import { checkDestinations, guardOf } from './settings/own-numbers.ts'
import { findSetting, saveSetting } from './settings/storage.ts'

/** @throws Refusal that tells why there is no such owner. */
async function requireSetting(reader: Reader, owner: Owner, setting: Setting): Promise<string> {
  const text = await findSetting(reader, owner, setting)
  if (text !== undefined) return text
  await owner.tables.requireOwner?.(reader, owner.key)
  throw notFound()
}

/** Route points that live in Pointsman's own database. */
export function databaseData(database: Database): RoutePointData {
  return {
    readSetting: (owner, setting) => requireSetting(database, owner, setting),

    changeSetting(owner, setting, { body, caller, target, judgePreconditions }) {
      return database.write(
        async (transaction) => {
          await caller.confirm(transaction)
          const before = await requireSetting(transaction, owner, setting)
          const stored: Members = JSON.parse(before)
          const { value, faults } = setting.document.change(stored, body)
          const unknown: Fault[] = []
          for (const reference of setting.references) {
            unknown.push(...(await reference.check(transaction, owner, value)))
          }
          const change = { setting, before: stored, value }
          unknown.push(...(await checkDestinations(transaction, owner, change)))
          refuseIfAny(addNews(faults, unknown))
          judgePreconditions(before)
          const after = JSON.stringify(value)
          if (after === before) return after
          await saveSetting(transaction, owner, { setting, value })
          const tenantKey = owner.key[0]
          const by = caller.identityId
          await record(transaction, { tenantKey, by, action: 'change', target, before, after })
          return after
        },
        guardOf(setting, body),
      )
    },

    listAgents: (dnis, query) => listAgents(database, dnis, query),
  }
}
