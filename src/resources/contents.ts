import Type from 'typebox'
import { type Reader, sql, whereEqual } from '../database/database.ts'
import { mapMarked } from '../documents/marks.ts'
import { isObject, type Members } from '../documents/normalise.ts'
import type { Fault } from '../errors.ts'
import { valueIn, valuesIn } from '../writes/recorded.ts'
import { rowsPerStep } from '../writes/steps.ts'
import type { Key } from './keeper.ts'
import type { Noun } from './noun.ts'
import type { Part } from './part.ts'
import { rowChange } from './recorded-noun.ts'
import type { Resource, Write } from './resource.ts'
import type { KeyedTable } from './table.ts'
import { countOf } from './words.ts'

/** Rows of a table that have the key of something in these columns. */
interface RowsByKey {
  table: string
  columns: readonly string[]
}

/** Rows of a noun. */
type NounRows = RowsByKey & { noun: Noun }

async function countRows(reader: Reader, { table, columns }: RowsByKey, key: Key): Promise<number> {
  const text = `SELECT count(*) AS count FROM ${table} WHERE ${whereEqual(columns)}`
  return (await reader.get(sql<{ count: number }>(text), ...key))?.count ?? 0
}

/** A noun holds those whose key is its own and one column more. */
function contentsOf({ table }: Noun, nouns: readonly Noun[]): NounRows[] {
  const { key } = table.definition
  return nouns.flatMap((noun) => {
    const { name, key: itsKey } = noun.table.definition
    const isHeld = itsKey.length === key.length + 1 && key.every((one, at) => one === itsKey[at])
    return isHeld ? [{ noun, table: name, columns: key }] : []
  })
}

/** The rows that keep one of a table from being deleted: their foreign keys take nothing along, and do not forget it. */
async function rowsKeeping(reader: Reader, { name, key }: KeyedTable): Promise<RowsByKey[]> {
  const shapes = await reader.tables()
  return shapes.flatMap((shape) =>
    shape.references
      .filter(({ table, cascades, forgets }) => table === name && !cascades && !forgets)
      .map(({ columns, targetColumns }) => ({
        table: shape.name,
        columns: key.map((column) => columns[targetColumns.indexOf(column)] ?? column),
      })),
  )
}

/** Whether something that is kept names it, by a foreign key that takes nothing along. */
export async function isNamed(reader: Reader, table: KeyedTable, key: Key): Promise<boolean> {
  for (const rows of await rowsKeeping(reader, table)) {
    if ((await countRows(reader, rows, key)) > 0) return true
  }
  return false
}

/** The rows of nouns that name it. What else names it, such as an admin's identity, belongs to one of them. */
async function namersOf(
  reader: Reader,
  { table }: Noun,
  nouns: readonly Noun[],
): Promise<NounRows[]> {
  const keeping = await rowsKeeping(reader, table.definition)
  return keeping.flatMap((rows) => {
    const noun = nouns.find((one) => one.table.definition.name === rows.table)
    return noun ? [{ ...rows, noun }] : []
  })
}

/** What stands against deleting it (21), naming how many of what it still holds. */
async function checkEmpty(
  reader: Reader,
  { noun }: Noun,
  { key, held }: { key: Key; held: readonly NounRows[] },
): Promise<Fault[]> {
  const counts: string[] = []
  for (const rows of held) {
    const count = await countRows(reader, rows, key)
    if (count > 0) counts.push(countOf(count, rows.noun.list.member.replaceAll('_', ' ')))
  }
  if (counts.length === 0) return []
  return [{ code: 21, message: `Cannot delete the ${noun}. It still holds ${counts.join(', ')}.` }]
}

/** Gives a new name to all rows of a noun that name it, one by one, since each document is rewritten. */
async function renameIn(
  { noun: namer, columns }: NounRows,
  { noun, id: { member } }: Noun,
  { transaction, record, cause, key, value }: Write<Members>,
): Promise<void> {
  const { document } = namer
  const { name: from, key: itsKey } = namer.table.definition
  const name = String(value[member])
  const select = sql<Record<string, string>>(
    `SELECT ${itsKey.join(', ')}, value FROM ${from} WHERE ${whereEqual(columns)} LIMIT ${rowsPerStep}`,
  )
  const update = sql(
    `UPDATE ${from} SET ${columns.at(-1)} = ?, value = ? WHERE ${whereEqual(itsKey)}`,
  )
  const renamed = (reference: unknown) =>
    isObject(reference) && reference[member] === key.at(-1)
      ? { ...reference, [member]: name }
      : reference
  for (;;) {
    const rows = await transaction.all(select, ...key)
    for (const row of rows) {
      const before: Members = JSON.parse(document.withDefaults(valueIn(row, 'value')))
      const isReference = ({ refersTo }: { refersTo?: string }) => refersTo === noun
      const after = mapMarked(document.schemas.shown, before, isReference, renamed)
      const keyValues = valuesIn(row, itsKey)
      await transaction.run(update, name, JSON.stringify(after), ...keyValues)
      await record({ ...rowChange(namer, row, { before, after }), because: cause })
    }
    if (rows.length < rowsPerStep) return
  }
}

/** What the deletion of a noun that its contents keep can be told. */
export const removeParameters = {
  deleteNonEmpty: Type.Enum(['1'], {
    component: 'DeleteNonEmpty',
    description: 'Delete what it holds as well.',
  }),
}

/** What it holds keeps a noun from being deleted, unless the request says that it goes along. */
function keptByContents<Value>(noun: Noun, nouns: readonly Noun[]): Part<Value> {
  return {
    async checkRemoval({ transaction, key, query }) {
      if (query.deleteNonEmpty === '1') return []
      return checkEmpty(transaction, noun, { key, held: contentsOf(noun, nouns) })
    },
  }
}

/** Whatever names a noun keeps it from being deleted, and takes over its new name. */
function keptByNames<Value extends Members>(noun: Noun, nouns: readonly Noun[]): Part<Value> {
  return {
    async checkRemoval({ transaction, key }) {
      const held = await namersOf(transaction, noun, nouns)
      return checkEmpty(transaction, noun, { key, held })
    },
    async carry(write) {
      for (const rows of await namersOf(write.transaction, noun, nouns)) {
        await renameIn(rows, noun, write)
      }
    },
  }
}

/**
 * A noun with what follows from the others: what keeps it from being deleted, and who takes over its new name.
 *
 * @param nouns all that are served, in the order in which they are told; they may be added later.
 */
export function amongNouns<Value extends Members>(
  resource: Resource<Value>,
  nouns: readonly Noun[],
): Resource<Value> {
  const { parts, removal: { keptBy } = {} } = resource
  if (!keptBy) return resource
  const keep = keptBy === 'contents' ? keptByContents : keptByNames
  return { ...resource, parts: [...parts, keep<Value>(resource, nouns)] }
}
