import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { sql } from '../src/database/database.ts'
import { loadMigrations } from '../src/database/migrations.ts'
import { openDatabase } from '../src/database/open.ts'
import { hashSecret, newSecret } from '../src/features/identities/secrets.ts'
import { engines, type TestDatabase } from './engines.ts'

const before = loadMigrations().filter(({ version }) => version < 9)

/** As nodes of the version before write. */
const insertAccount = sql(
  'INSERT INTO identities (identity_key, identity_id, level) VALUES (?, ?, 16)',
)
const insertSession = sql(
  'INSERT INTO sessions (secret_hash, identity_key, expires_at) VALUES (?, ?, ?)',
)
const insertKept = sql(
  `INSERT INTO kept_answers
     (identity_key, key_hash, request_hash, status, headers, body, expires_at)
   SELECT identity_key, ?, ?, ?, ?, ?, ? FROM identities WHERE identity_key = ?
   ON CONFLICT (identity_key, key_hash) DO UPDATE SET request_hash = excluded.request_hash,
     status = excluded.status, headers = excluded.headers, body = excluded.body,
     expires_at = excluded.expires_at`,
)
const selectKept = sql<{ identity_key: string; key_hash: string; bytes: number }>(
  'SELECT identity_key, key_hash, bytes FROM kept_answers ORDER BY key_hash',
)

describe.each(engines)('answers that the version before has kept on $name', (engine) => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await engine.open(before)
  })
  afterAll(() => test.remove())

  it('are found, for the account that they were kept for, and both versions keep more of them', async () => {
    const secret = newSecret()
    const soon = Date.now() + 3_600_000
    const keep = (key: string) =>
      test.database.write((transaction) =>
        transaction.run(insertKept, key, 'request', 200, '{}', '{}', soon, 'elder'),
      )
    await test.database.write(async (transaction) => {
      await transaction.run(insertAccount, 'elder', 'Elder')
      await transaction.run(insertSession, hashSecret(secret), 'elder', soon)
    })
    await keep('before')
    const database = await openDatabase(test.url)
    const logger = pino({ level: 'silent' })
    const app = await buildApp({ config: readConfig({}), database, logger })
    try {
      await keep('meanwhile')
      await keep('meanwhile')
      const cookie = `sessionid=${secret}`
      const { statusCode } = await app.inject({
        method: 'POST',
        url: '/api/v1/tenants/',
        headers: { cookie, 'idempotency-key': 'a-key-of-some-length' },
        payload: { tenantId: 'new', type: 'Enterprise', defaultDomain: 'new.example' },
      })
      expect(statusCode).toBe(201)
      const kept = await database.all(selectKept)
      expect(kept).toHaveLength(3)
      expect(new Set(kept.map(({ identity_key }) => identity_key))).toEqual(new Set(['elder']))
      const bytesOf = new Map(kept.map(({ key_hash, bytes }) => [key_hash, bytes]))
      expect([bytesOf.get('before'), bytesOf.get('meanwhile')]).toEqual([1_024, 1_024])
    } finally {
      await app.close()
      await database.close()
    }
  })
})
