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
  `INSERT INTO changes (tenant_key, change_id, changed_at, changed_by, action, target)
   VALUES (?, ?, ?, 'test', 'create', '/')`,
)

/** More rows than one batch, in a table of two key columns. */
async function addManyRows(database: Database): Promise<void> {
  await database.write(async (transaction) => {
    for (let number = 0; number < 450; number += 1) {
      const change = String(number).padStart(5, '0')
      await transaction.run(insertChange, `tenant${number % 7}`, change, 2 ** 41 + number)
    }
  })
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
    expect(progress).toContain('departments 2 copied')
    expect(progress).toContain('departments 2 compared')
  })

  it('is refused by a target that holds data, which keeps it', async () => {
    const before = await everything(target.database)
    await expect(copyDatabase(world.database, target.database, () => {})).rejects.toThrow(
      'already holds data',
    )
    expect(await everything(target.database)).toEqual(before)
  })
})
