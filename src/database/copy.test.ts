import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines, type TestDatabase } from '../../test/engines.ts'
import { createWorld, type World } from '../../test/world.ts'
import { copyDatabase } from './copy.ts'
import { type Database, sql } from './database.ts'

async function everything(database: Database): Promise<unknown[]> {
  const tables = await database.tables()
  return Promise.all(
    tables.map(async ({ name, key }) => [
      name,
      await database.all(sql(`SELECT * FROM ${name} ORDER BY ${key.join(', ')}`)),
    ]),
  )
}

const insertChange = sql(
  `INSERT INTO changes (tenant_key, changed_at, changed_by, action, target)
   VALUES (?, ?, 'test', 'create', '/api/v1/tenants/footenant/groups/foogroup/')`,
)
const insertDepartment = sql(
  `INSERT INTO departments (tenant_key, group_key, department_name, department_name_key, value)
   VALUES ('footenant', 'foogroup', ?, ?, '{}')`,
)
const removeSome = sql('DELETE FROM changes WHERE position % 9 = 0')
const selectPositions = sql<{ position: number }>('SELECT position FROM changes ORDER BY position')

/** More rows than one batch, in a table that counts them and in one of several key columns. */
async function addManyRows(database: Database): Promise<void> {
  await database.write(async (transaction) => {
    for (let number = 0; number < 450; number += 1) {
      await transaction.run(insertChange, `tenant${number % 7}`, 2 ** 41 + number)
      await transaction.run(insertDepartment, `Number ${number}`, `number ${number}`)
    }
    await transaction.run(removeSome)
  })
}

async function positionsIn(database: Database): Promise<number[]> {
  return (await database.all(selectPositions)).map(({ position }) => position)
}

const pairs = engines.flatMap((from) => engines.map((to) => ({ from, to })))

describe.each(pairs)('a copy from $from.name to $to.name', ({ from, to }) => {
  let world: World
  let target: TestDatabase
  beforeAll(async () => {
    world = await createWorld(from)
    await addManyRows(world.database)
    target = await to.open()
  })
  afterAll(async () => {
    await world.close()
    await target.remove()
  })

  it('leaves nothing behind when it is interrupted', async () => {
    const empty = await everything(target.database)
    const interrupted = copyDatabase(world.database, target.database, ({ phase }) => {
      if (phase === 'compared') throw new Error('interrupted')
    })
    await expect(interrupted).rejects.toThrow('interrupted')
    expect(await everything(target.database)).toEqual(empty)
  })

  it('has every row of every table, and tells its progress', async () => {
    const progress: string[] = []
    await copyDatabase(world.database, target.database, ({ table, rows, phase }) => {
      progress.push(`${table} ${rows} ${phase}`)
    })
    expect(await everything(target.database)).toEqual(await everything(world.database))
    expect(progress).toContain('departments 452 copied')
    expect(progress).toContain('departments 452 compared')
  })

  it('keeps the positions of changes, and goes on after the highest', async () => {
    const positions = await positionsIn(world.database)
    expect(await positionsIn(target.database)).toEqual(positions)
    await target.database.write((transaction) => transaction.run(insertChange, 'later', 1))
    expect(await positionsIn(target.database)).toEqual([...positions, Math.max(...positions) + 1])
  })

  it('is refused by a target that holds data, which keeps it', async () => {
    const before = await everything(target.database)
    await expect(copyDatabase(world.database, target.database, () => {})).rejects.toThrow(
      'already holds data',
    )
    expect(await everything(target.database)).toEqual(before)
  })
})
