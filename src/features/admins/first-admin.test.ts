import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines, type TestDatabase } from '../../../test/engines.ts'
import { runProgram } from '../../../test/program.ts'
import { buildApp } from '../../app.ts'
import { readConfig } from '../../config.ts'
import { sql } from '../../database/database.ts'
import { createFirstAdmin, type FirstPassword } from './first-admin.ts'

const password = 'correct horse battery'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-secret-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A file that holds this. */
function fileWith(content: string | Buffer): { file: string } {
  const file = join(folder, 'password')
  writeFileSync(file, content)
  return { file }
}

describe.each(engines)('the first admin on $name', (engine) => {
  let test: TestDatabase
  beforeEach(async () => {
    test = await engine.open()
  })
  afterEach(() => test.remove())

  const create = (username: string, first: FirstPassword) =>
    createFirstAdmin(test.database, username, first)

  async function expectNobody(): Promise<void> {
    for (const table of ['identities', 'system_admins', 'changes']) {
      expect(await test.database.all(sql(`SELECT * FROM ${table}`))).toEqual([])
    }
  }

  async function signIn(username: string, secret: string): Promise<number> {
    const { database } = test
    const logger = pino({ level: 'silent' })
    const app = await buildApp({ config: readConfig({}), database, logger })
    const payload = { username, password: secret }
    const answer = await app.inject({ method: 'POST', url: '/api/v1/login/', payload })
    await app.close()
    return answer.statusCode
  }

  it.each([
    [`${password}\n`, 'POINTSMAN_ADMIN_PASSWORD: '],
    [`${password}\r\n`, 'POINTSMAN_ADMIN_PASSWORD: '],
    [`\u0000${password}`, 'POINTSMAN_ADMIN_PASSWORD: '],
    ['short', 'POINTSMAN_ADMIN_PASSWORD: '],
    ['', 'POINTSMAN_ADMIN_PASSWORD: '],
    ['x'.repeat(129), 'POINTSMAN_ADMIN_PASSWORD: '],
  ])('is nobody whose password is %j, which no sign-in could send', async (secret, named) => {
    await expect(create('admin', secret)).rejects.toThrow(named)
    if (secret.length > 0) await expect(create('admin', secret)).rejects.not.toThrow(secret)
    await expectNobody()
  })

  it.each(['admin\n', '.', '..', 'a@b@c', 'x'.repeat(162), ' '])(
    'is nobody called %j',
    async (username) => {
      await expect(create(username, password)).rejects.toThrow('POINTSMAN_ADMIN_USERNAME: ')
      await expectNobody()
    },
  )

  it('has all that is wrong told at once', async () => {
    await expect(create('admin\n', 'short')).rejects.toThrow(
      /POINTSMAN_ADMIN_USERNAME: .*POINTSMAN_ADMIN_PASSWORD: /,
    )
    await expectNobody()
  })

  it.each([
    ['', 'it is empty'],
    ['\n', 'it is empty'],
    [Buffer.from([0xff, 0xfe, ...Buffer.from(password)]), 'not valid'],
    ['x'.repeat(4_097), 'it has more than 4096 bytes'],
  ])('is nobody whose password file holds %j', async (content, reason) => {
    const given = fileWith(content)
    const words = new RegExp(
      `POINTSMAN_ADMIN_PASSWORD_FILE: the file '.+' cannot be used: .*${reason}`,
    )
    await expect(create('admin', given)).rejects.toThrow(words)
    await expectNobody()
  })

  it.each(['short\n', `${password}\n\n`, `${password}\n\r\n`, `one\n${password}`])(
    'is nobody whose password file holds %j: the text is judged as any other',
    async (content) => {
      await expect(create('admin', fileWith(content))).rejects.toThrow(
        'POINTSMAN_ADMIN_PASSWORD_FILE: ',
      )
      await expectNobody()
    },
  )

  it('is nobody whose password file is missing, a folder, endless, or a pipe that nobody writes into', async () => {
    mkdirSync(join(folder, 'folder'), { recursive: true })
    const pipe = join(mkdtempSync(join(folder, 'with-')), 'pipe')
    spawnSync('bash', ['-c', 'mkfifo "$0"', pipe])
    for (const file of [join(folder, 'missing'), join(folder, 'folder'), pipe, '/dev/zero']) {
      await expect(create('admin', { file })).rejects.toThrow(
        `POINTSMAN_ADMIN_PASSWORD_FILE: the file '${file}' cannot be used`,
      )
    }
    await expectNobody()
  })

  it.each(['', '\n', '\r\n'])(
    'signs in with the password of a file that ends in %j',
    async (end) => {
      expect(await create('Chief', fileWith(`${password}${end}`))).toBeUndefined()
      expect(await signIn('chief', password)).toBe(200)
      const select = sql<object>(
        "SELECT changed_by, action, target FROM changes WHERE action <> 'sign_in'",
      )
      expect(await test.database.all(select)).toEqual([
        { changed_by: 'Chief', action: 'create', target: '/api/v1/admins/Chief/' },
      ])
    },
  )

  it('signs in with the spaces that a password has', async () => {
    await create('admin', ` ${password} `)
    expect(await signIn('admin', password)).toBe(401)
    expect(await signIn('admin', ` ${password} `)).toBe(200)
  })

  it('is one, however many processes start at once, and nothing is looked at later', async () => {
    const generated = await Promise.all([1, 2, 3].map(() => create('admin', undefined)))
    expect(generated.filter((one) => one !== undefined)).toHaveLength(1)
    expect(await create('other', { file: join(folder, 'missing') })).toBeUndefined()
    expect(await test.database.all(sql('SELECT user_key FROM system_admins'))).toHaveLength(1)
  })
})

describe('the start', () => {
  it.each([
    [{ ADMIN_PASSWORD: `${password}\n` }, /^pointsman: POINTSMAN_ADMIN_PASSWORD: /],
    [{ ADMIN_PASSWORD_FILE: '/missing' }, /^pointsman: POINTSMAN_ADMIN_PASSWORD_FILE: .*ENOENT/],
    [
      { ADMIN_PASSWORD: password, ADMIN_PASSWORD_FILE: '/missing' },
      /POINTSMAN_ADMIN_PASSWORD and POINTSMAN_ADMIN_PASSWORD_FILE/,
    ],
    [{ ADMIN_PASSWORD_FILE: '' }, /POINTSMAN_ADMIN_PASSWORD_FILE must/],
  ])('fails with %j and says which setting is wrong', async (settings, words) => {
    const url = `sqlite:${join(mkdtempSync(join(folder, 'data-')), 'test.db')}`
    const { code, stderr } = await runProgram({ DATABASE_URL: url, ...settings })
    expect(stderr).toMatch(words)
    expect(stderr.trimEnd()).not.toContain('\n')
    expect(stderr).not.toContain(password)
    expect(code).toBe(1)
  })
})
