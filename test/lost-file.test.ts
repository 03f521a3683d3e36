import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { password } from './durability.ts'
import { type OtherProcess, startOtherProcess } from './other-process.ts'
import { type Program, post, signIn, startProgram } from './program.ts'

const tenants = '/api/v1/tenants/'

let folder: string
let path: string
let program: Program
let headers: Record<string, string>

const statusOf = async (target: string) => (await fetch(program.url + target, { headers })).status

const addTenant = (tenantId: string) =>
  post(
    program.url + tenants,
    { tenantId, type: 'Enterprise', defaultDomain: `${tenantId}.example` },
    headers,
  )

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-lost-file-'))
  path = join(folder, 'data', 'test.db')
  program = await startProgram({ DATABASE_URL: `sqlite:${path}`, ADMIN_PASSWORD: password })
  headers = { cookie: (await signIn(program.url, 'admin', password)) ?? '' }
})
afterEach(async () => {
  program.signal('SIGKILL')
  await program.ended
  rmSync(folder, { recursive: true })
})

describe('while another process holds the lock of the SQLite file', () => {
  it.each<[string, string[]]>([
    ['somebody writes', ['BEGIN IMMEDIATE']],
    ['somebody wants it alone', ['BEGIN EXCLUSIVE']],
    ['a schema is changed', ['BEGIN IMMEDIATE', 'CREATE TABLE other (id INTEGER)']],
  ])(
    'the service lives, is ready and reads, and a write is done after it: %s',
    async (_, statements) => {
      const other: OtherProcess = await startOtherProcess(path, ...statements)
      const events: string[] = []
      const write = addTenant('late').then(({ status }) => events.push(`write ${status}`))
      events.push(`healthz ${await statusOf('/healthz')}`)
      events.push(`readyz ${await statusOf('/readyz')}`)
      events.push(`read ${await statusOf(tenants)}`)
      await other.end()
      await write
      expect(events).toEqual(['healthz 200', 'readyz 200', 'read 200', 'write 201'])
      expect(await statusOf(`${tenants}late/`)).toBe(200)
    },
  )

  it('a token opens the door to reads, though its use cannot be noted', async () => {
    const answer = await post(`${program.url}/api/v1/tokens/`, { name: 'script' }, headers)
    const { token } = (await answer.json()) as { token: string }
    const other = await startOtherProcess(path, 'BEGIN IMMEDIATE')
    const events: string[] = []
    const write = addTenant('late').then(({ status }) => events.push(`write ${status}`))
    const reads = Array.from({ length: 20 }, async () => {
      const read = await fetch(program.url + tenants, {
        headers: { authorization: `Bearer ${token}` },
      })
      events.push(`read ${read.status}`)
    })
    await Promise.all(reads)
    await other.end()
    await write
    expect(events).toEqual([...Array(20).fill('read 200'), 'write 201'])
  })

  it('a write that waits too long is refused with 503 and changes nothing', async () => {
    const other = await startOtherProcess(path, 'BEGIN IMMEDIATE')
    const answer = await addTenant('never')
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    await other.end()
    expect(await statusOf(`${tenants}never/`)).toBe(404)
    expect((await addTenant('never')).status).toBe(201)
  })
})

it('a backup that is restored into the served file keeps writes waiting, and is served then', async () => {
  expect((await addTenant('early')).status).toBe(201)
  const file = join(folder, 'backup.db')
  const served = new Sqlite(path)
  await served.backup(file)
  served.close()
  expect((await addTenant('forgotten')).status).toBe(201)

  const backup = new Sqlite(file)
  let pages = 0
  const begun = Promise.withResolvers<void>()
  const restored = backup.backup(path, {
    progress() {
      begun.resolve()
      return pages
    },
  })
  await begun.promise
  const events: string[] = []
  const write = addTenant('late').then(({ status }) => events.push(`write ${status}`))
  events.push(`healthz ${await statusOf('/healthz')}`)
  events.push(`read ${await statusOf(`${tenants}forgotten/`)}`)
  pages = 1_000
  await Promise.all([restored, write])
  backup.close()
  expect(events).toEqual(['healthz 200', 'read 200', 'write 201'])
  expect(await statusOf(`${tenants}early/`)).toBe(200)
  expect(await statusOf(`${tenants}forgotten/`)).toBe(404)
  expect(await statusOf(`${tenants}late/`)).toBe(200)
})

describe('when the SQLite file is lost while it is served', () => {
  it('is not ready and acknowledges nothing, reads on, says why, and serves again when it is back', async () => {
    expect((await addTenant('early')).status).toBe(201)
    renameSync(join(folder, 'data'), join(folder, 'moved'))
    expect(await statusOf('/readyz')).toBe(503)
    expect(await statusOf('/healthz')).toBe(200)
    const refused = await addTenant('late')
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await signIn(program.url, 'admin', password)).toBeUndefined()
    expect(await statusOf(`${tenants}early/`)).toBe(200)
    renameSync(join(folder, 'moved'), join(folder, 'data'))
    expect(await statusOf('/readyz')).toBe(200)
    expect((await addTenant('late')).status).toBe(201)
    program.signal('SIGTERM')
    await program.ended
    expect(program.output()).toContain(`${path} is gone from its place: writes are refused`)
  })
})
