import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/engines.ts'
import { seed } from '../../test/seed.ts'
import { createWorld, type World } from '../../test/world.ts'
import { sql } from '../database/database.ts'
import { compose, fold } from '../documents/normalise.ts'
import { users } from '../features/users/users.ts'
import type { Work } from '../writes/door.ts'
import { type ListQuery, readListQuery } from './query.ts'
import { pageOf, type RowSource } from './query-rows.ts'
import { readPage } from './query-sql.ts'

interface Person {
  userId: string
  firstName: string
  lastName: string
  phoneNumber: string
  extension: string
  emailAddress: string
  departmentName: string
}

const source: RowSource<Person> = {
  fields: {
    UserId: ({ userId }) => userId,
    FirstName: ({ firstName }) => firstName,
    LastName: ({ lastName }) => lastName,
    PhoneNumber: ({ phoneNumber }) => phoneNumber,
    Extension: ({ extension }) => extension,
    EmailAddress: ({ emailAddress }) => emailAddress,
    DepartmentName: ({ departmentName }) => departmentName,
  },
  key: ({ userId }) => fold(userId),
}

/** What cases, accents, patterns and the two orders of characters differ in; few, so that they meet. */
const pieces = [
  ...['', 'a', 'A', 'b', 'ä', 'Ä', '\u0308', 'ß', 'SS', 'σ', 'ς', 'Σ', 'i', 'İ', 'ı', 'ﬁ'],
  ...['%', '_', '\\', "'", ' ', '日', '\ud7ff', '\ue000', '\uffee'],
  ...['\u{10000}', '\u{10fffd}', '\u{10ffff}'],
]
const text = fc
  .array(fc.constantFrom(...pieces), { maxLength: 3 })
  .map((parts) => compose(parts.join('')))
const digits = fc.constantFrom('', '1', '12', '123', '21')

const departments = ['Ärzte', 'ärzte', 'Büro', '\u{10000}', '\uffee']
const person = fc.record({
  firstName: text,
  lastName: text,
  phoneNumber: digits,
  extension: digits,
  emailAddress: text,
  departmentName: fc.constantFrom('', ...departments),
})

const people = fc
  .sample(person, { numRuns: 200, seed })
  .map((one, index): Person => ({ ...one, userId: `${index % 2 ? 'User' : 'uSER'} ${index}` }))

const fields = Object.keys(source.fields)
const field = fc.constantFrom(...fields)
const sensitivity = fc.constantFrom('sensitive', 'insensitive')

/** What somebody has in a field, its beginning or its end, in either case; or anything. */
const filter = field.chain((name) => {
  const texts = people.map((one) => source.fields[name]?.(one) ?? '')
  const part = fc
    .tuple(fc.constantFrom(...texts), fc.constantFrom(0, 1), fc.constantFrom(1, 2, 9))
    .map(([whole, start, end]) => [...whole].slice(start, end).join(''))
  const cased = part.chain((one) => fc.constantFrom(one, one.toUpperCase(), one.toLowerCase()))
  return fc.tuple(
    fc
      .tuple(sensitivity, fc.constantFrom('Starts', 'Contains', 'Equals'))
      .map(([start, end]) => `${start}${name}${end}`),
    fc.oneof({ weight: 4, arbitrary: cased }, text),
  )
})
const order = fc
  .tuple(sensitivity, fc.constantFrom('Ascending', 'Descending'), field)
  .map((words) => words.join(''))
const count = fc.integer({ min: 1, max: 20 }).map(String)
const query = fc
  .record({
    filters: fc.array(filter, { maxLength: 2 }).map((all) => Object.fromEntries(all)),
    paging: fc.record({ startIndex: count, pageSize: count }, { requiredKeys: [] }),
    sortOrders: fc.array(order, { maxLength: 3 }),
  })
  .map(({ filters, paging, sortOrders }): ListQuery => {
    const sorting = sortOrders.length > 0 && { sortOrders: sortOrders.join(',') }
    return readListQuery({ ...filters, ...paging, ...sorting }, fields, undefined)
  })

const key = ['footenant', 'foogroup']

const insertDepartment = sql(
  `INSERT INTO departments (tenant_key, group_key, department_name, department_name_key, value)
   VALUES (?, ?, ?, ?, '{}')`,
)
const insertIdentity = sql('INSERT INTO identities (identity_key, identity_id) VALUES (?, ?)')

describe.each(engines)(`a list request on $name, seed ${seed}`, (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    await world.database.write(async (transaction) => {
      // Nobody asks here, so there is no door to go through.
      const work = { transaction } as Work
      await transaction.run(sql('DELETE FROM users'))
      for (const name of departments) {
        await transaction.run(insertDepartment, ...key, name, fold(name))
      }
      for (const one of people) {
        const { departmentName, ...rest } = one
        const department = departmentName === '' ? {} : { department: { departmentName } }
        const userKey = fold(one.userId)
        await transaction.run(insertIdentity, userKey, one.userId)
        const row = users.table.rowOf({ ...rest, ...department }, '{}')
        await users.table.insert(work, [...key, userKey], row)
      }
    })
  })
  afterAll(() => world.close())

  it('is answered alike from a table and from rows in memory', async () => {
    const table = {
      from: 'users',
      columns: ['users.user_id'],
      fields: users.table.fieldsIn(),
      scope: { 'users.tenant_key': 'footenant', 'users.group_key': 'foogroup' },
      key: 'users.user_key',
    }
    let shown = 0
    await fc.assert(
      fc.asyncProperty(query, async (asked) => {
        const { rows, total } = await readPage<{ user_id: string }>(world.database, table, asked)
        const inMemory = pageOf(people, source, asked)
        expect(rows.map((row) => row.user_id)).toEqual(inMemory.rows.map(({ userId }) => userId))
        expect(total).toBe(inMemory.total)
        shown += rows.length > 0 && total < people.length ? 1 : 0
      }),
      { seed, numRuns: 1_000 },
    )
    // Queries that show nothing, or all, would prove little.
    expect(shown).toBeGreaterThan(100)
  })
})
