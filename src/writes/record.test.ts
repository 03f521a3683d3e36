import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines, type TestDatabase } from '../../test/engines.ts'
import { sql } from '../database/database.ts'
import { record } from './record.ts'

const selectTargets = sql<{ target: string }>(
  'SELECT target FROM changes WHERE tenant_key = ? ORDER BY position',
)

const author = { by: 'admin' }

function change(target: string) {
  const values = { before: null, after: '{}' }
  const scope = { tenantKey: 'footenant' }
  return { scope, action: 'create', kind: 'user', target, ...values } as const
}

describe.each(engines)('the record of changes on $name', (engine) => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await engine.open()
  })
  afterAll(() => test.remove())

  it('keeps the order of changes', async () => {
    const targets = Array.from({ length: 500 }, (_, index) => `/${index}/`)
    await test.database.write(async (transaction) => {
      for (const target of targets) await record(transaction, change(target), author)
    })
    const rows = await test.database.all(selectTargets, 'footenant')
    expect(rows.map(({ target }) => target)).toEqual(targets)
  })

  it('is not kept when the write that it tells of fails', async () => {
    const failing = test.database.write(async (transaction) => {
      await record(transaction, { ...change('/never/'), scope: { tenantKey: 'failing' } }, author)
      throw new Error('refused')
    })
    await expect(failing).rejects.toThrow('refused')
    expect(await test.database.all(selectTargets, 'failing')).toEqual([])
  })

  it('has more positions than anybody fills', async () => {
    const far = 2 ** 40
    const insert = sql(
      `INSERT INTO changes (position, tenant_key, changed_at, changed_by, action, target)
       VALUES (?, 'far', 0, 'admin', 'create', '/far/')`,
    )
    await test.database.write((transaction) => transaction.run(insert, far))
    const select = sql<{ position: number }>(
      "SELECT position FROM changes WHERE tenant_key = 'far'",
    )
    expect(await test.database.get(select)).toEqual({ position: far })
  })
})
