import { type Database, sql, type Value } from '../src/database/database.ts'

/** As nodes before schema 8 record a change. */
export const insertBefore = sql(
  `INSERT INTO changes (tenant_key, change_id, changed_at, changed_by, action, target, before_value, after_value)
   VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
)

interface OlderChange {
  tenantKey: string
  target: string
  changeId?: string
  by?: string
  action?: string
  before?: Value
  after?: Value
}

export function valuesBefore({ tenantKey, target, ...others }: OlderChange): Value[] {
  const { changeId = '00', by = 'admin', action = 'create', before = null, after = '{}' } = others
  return [tenantKey, changeId, 5, by, action, target, before, after]
}

export function writeBefore(database: Database, change: OlderChange): Promise<number> {
  return database.write((transaction) => transaction.run(insertBefore, ...valuesBefore(change)))
}

/** A path with its ids as a client may have spelt them, which older nodes recorded so. */
function respelt(target: string): string {
  const respell = (id: string) =>
    encodeURIComponent(decodeURIComponent(id).toUpperCase().normalize('NFD'))
  return target.replaceAll(/(?<=\/(?:tenants|groups|route_points)\/)[^/]+/g, respell)
}

/** A database as a node before schema 8 writes to it: its changes have no scope but the tenant, no kind and no effects. */
export function asOlderNode(database: Database): Database {
  return {
    ...database,
    write: (change, guard) =>
      database.write(
        (transaction) =>
          change({
            ...transaction,
            async run(statement, ...values) {
              const [, columns] = /^INSERT INTO changes \(([^)]*)\)/.exec(statement.text) ?? []
              if (columns === undefined) return transaction.run(statement, ...values)
              const names = columns.split(/,\s*/)
              const of = (name: string) => values[names.indexOf(name)] ?? null
              if (of('because') !== null) return 0
              const older = {
                tenantKey: String(of('tenant_key')),
                target: respelt(String(of('target'))),
                by: String(of('changed_by')),
                action: String(of('action')),
                before: of('before_value'),
                after: of('after_value'),
              }
              return transaction.run(insertBefore, ...valuesBefore(older))
            },
          }),
        guard,
      ),
  }
}
