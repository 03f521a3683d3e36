import type { Reader } from '../database/database.ts'
import type { Members } from '../documents/normalise.ts'
import type { Door } from '../writes/door.ts'
import { type KeptRow, type Recorded, valueIn } from '../writes/recorded.ts'
import { removeBelow, renameRow } from './cascades.ts'
import type { Draft, Key, ListKeeper } from './keeper.ts'
import { runParts } from './part.ts'
import { present, without } from './presentation.ts'
import { readPage } from './query-sql.ts'
import { fieldsOf, type Resource, type Write } from './resource.ts'
import { rowOf, scopeOf } from './row-place.ts'
import { mapInTurns } from './turns.ts'

/** One document as its table holds it. */
export async function findStored<Value extends Members>(
  { table, document }: Pick<Resource<Value>, 'table' | 'document'>,
  reader: Reader,
  key: Key,
): Promise<Value | undefined> {
  const stored = await table.find(reader, key)
  return stored === undefined ? undefined : JSON.parse(document.withDefaults(stored))
}

/** One document with the members that are read from elsewhere. */
async function find<Value extends Members>(
  resource: Resource<Value>,
  reader: Reader,
  key: Key,
): Promise<Value | undefined> {
  const value = await findStored(resource, reader, key)
  if (value === undefined) return undefined
  const { computed } = resource
  return computed ? { ...value, ...(await computed.read(reader, key, value)) } : value
}

async function save<Value extends Members>(
  { table, computed, parts }: Resource<Value>,
  write: Write<Value>,
  newKey: Key,
): Promise<void> {
  const { key, before, value } = write
  const stored = JSON.stringify(computed ? without(value, computed.members) : value)
  const row = table.rowOf(value, stored)
  await runParts(parts, 'beforeRow', write)
  if (before === undefined) await table.insert(write, newKey, row)
  else if (newKey.at(-1) === key.at(-1)) await table.update(write, key, row)
  else {
    const carry = () => runParts(parts, 'carry', write)
    await renameRow(write, table, { key, newKey, row }, carry)
  }
  await runParts(parts, 'afterRow', write)
}

async function remove<Value extends Members>(
  { table, removal, parts }: Resource<Value>,
  write: Write<Value>,
  recorded: readonly Recorded[],
): Promise<void> {
  if (removal?.holdsMany) await removeBelow(write, table.definition, recorded)
  await table.remove(write, write.key)
  await runParts(parts, 'afterRemoval', write)
}

/** Records a write under the tenant, group and route point whose resource it is. */
async function recordChange<Value extends Members>(
  resource: Resource<Value>,
  { write, newKey }: Draft<Value>,
  after: Value | undefined,
): Promise<void> {
  const { caller, before, key, cause } = write
  const { key: columns } = resource.table.definition
  // What hangs on an identity is of its caller's tenant and group.
  const ownScope = { tenantKey: caller.tenantKey ?? '', groupKey: caller.groupKey ?? '' }
  // What admits somebody is told of by its action alone, though its document shows no secret.
  const isCredential = resource.parts.some(({ reveal }) => reveal)
  // What is read from elsewhere is no part of it: thousands of usages may be shown with an announcement.
  const computed = resource.computed?.members ?? []
  const textOf = (value: Value | undefined) =>
    value && !isCredential ? present(resource, without(value, computed)) : null
  await write.record({
    scope: columns.includes('tenant_key') ? scopeOf(rowOf(columns, newKey ?? key)) : ownScope,
    kind: resource.noun,
    action: cause.action,
    target: cause.resource,
    before: textOf(before),
    after: textOf(after),
  })
}

/** The texts of a list's items, with the members that are not stored. */
async function itemsOf<Value extends Members>(
  { document, list, computed }: Resource<Value>,
  { reader, scope, rows }: { reader: Reader; scope: Key; rows: readonly KeptRow[] },
): Promise<string[]> {
  const withDefaults = (row: KeptRow) => document.withDefaults(valueIn(row, 'value'))
  const { item } = list
  if (item) {
    const shown = (row: KeptRow) =>
      item.from('value' in row ? { ...row, value: withDefaults(row) } : row)
    return mapInTurns(rows, (row) => JSON.stringify(shown(row)))
  }
  const texts = await mapInTurns(rows, withDefaults)
  if (!computed?.readPage) return texts
  const values = await mapInTurns(texts, (text): Value => JSON.parse(text))
  const members = await computed.readPage(reader, scope, values)
  return mapInTurns(values, (value, index) => JSON.stringify({ ...value, ...members[index] }))
}

/** What a resource's list is read from. */
function sourceOf<Value extends Members>(resource: Resource<Value>, scope: Key) {
  const { table } = resource
  const { view, item } = resource.list
  const { name, key } = table.definition
  const from = view?.name ?? name
  // With the table's name, since a field may join another one.
  return {
    from,
    fields: fieldsOf(resource),
    columns: (item?.columns ?? ['value']).map((column) => `${from}.${column}`),
    scope: Object.fromEntries(scope.map((value, index) => [`${from}.${key[index]}`, value])),
    key: view?.order ?? `${from}.${key.at(-1)}`,
  }
}

/**
 * Keeps a resource's documents in its table, with the rows that go with them, and records each write.
 *
 * @param recorded what is told of the rows of other tables that go with a deletion; it may grow later.
 */
export function tableKeeper<Value extends Members>(
  resource: Resource<Value>,
  door: Door,
  recorded: readonly Recorded[],
): ListKeeper<Value> {
  const { table, document, computed, answers } = resource
  const { reader } = door
  return {
    async read(key) {
      if (computed || answers?.hidden) {
        const value = await find(resource, reader, key)
        return value && present(resource, value)
      }
      // Answered as it is stored.
      const stored = await table.find(reader, key)
      const text = stored && document.withDefaults(stored)
      return text && document.wrapper ? `{"${document.wrapper}":${text}}` : text
    },

    async list(scope, query) {
      const page = await readPage<KeptRow>(reader, sourceOf(resource, scope), query)
      return { ...page, rows: await itemsOf(resource, { reader, scope, rows: page.rows }) }
    },

    edit: (intent, { key, prepare, guard, judge, answer }) =>
      door.write(intent, {
        ...(guard && { guard }),
        ...(prepare && {
          prepare: async () => prepare(key && (await find(resource, reader, key))),
        }),
        async act(work, prepared = {}) {
          const { transaction } = work
          const stored = key && (await find(resource, transaction, key))
          const isTaken = async (other: Key) => (await table.find(transaction, other)) !== undefined
          const draft = await judge(work, { stored, prepared, isTaken })
          if (!draft) return answer(stored, prepared)
          const { write, newKey } = draft
          await (newKey ? save(resource, write, newKey) : remove(resource, write, recorded))
          const after = newKey && (await find(resource, transaction, newKey))
          await recordChange(resource, draft, after)
          return answer(after, prepared)
        },
      }),
  }
}
