import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../src/database/database.ts'
import { engines } from './engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  password,
  routePoint,
  type World,
} from './world.ts'

// What an older version has stored may be what this one refuses. It must stay readable, changeable and deletable.

const invisible = '\u200b'
const userId = `ag${invisible}ent@sip.netaxis.be`
const userPath = `${group}users/${encodeURIComponent(userId)}/`

/** Tables that hold a name with a `!`: the columns in which it may stand, the first being the key, and the others. */
const copies: [table: string, texts: string[], others: string[]][] = [
  [
    'identities',
    ['identity_key', 'identity_id'],
    ['tenant_key', 'group_key', 'level', 'password_hash'],
  ],
  [
    'users',
    ['user_key', 'user_id', 'value'],
    'tenant_key group_key first_name first_name_key last_name last_name_key'
      .split(' ')
      .concat('phone_number extension email_address email_address_key'.split(' ')),
  ],
  ['departments', ['department_name', 'department_name_key', 'value'], ['tenant_key', 'group_key']],
]

describe.each(engines)('what was stored on $name before rules became stricter', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    const person = { firstName: 'Old', lastName: 'Name', password }
    await world.ask('system', 'POST', `${group}users/`, { userId: 'ag!ent', ...person })
    await world.ask('system', 'POST', `${group}departments/`, { departmentName: 'Old!' })
    // As if an older version had taken it; keys that others refer to cannot change, so the rows are copied.
    await world.database.write(async (write) => {
      for (const [table, texts, others] of copies) {
        const columns = [...texts, ...others].join(', ')
        const copied = [...texts.map((name) => `replace(${name}, '!', ?)`), ...others].join(', ')
        const where = `WHERE instr(${texts[0]}, '!') > 0`
        const insert = sql(
          `INSERT INTO ${table} (${columns}) SELECT ${copied} FROM ${table} ${where}`,
        )
        await write.run(insert, ...texts.map(() => invisible))
      }
      for (const [table, [key]] of copies) {
        await write.run(sql(`DELETE FROM ${table} WHERE instr(${key}, '!') > 0`))
      }
      for (const table of ['tenants', 'groups']) {
        const country = `replace(value, '"country":"BE"', '"country":"XK"')`
        const value = `replace(${country}, '"timeZone":"Europe/Brussels"', '"timeZone":"+05:30"')`
        await write.run(sql(`UPDATE ${table} SET value = ${value}`))
      }
    })
  })
  afterAll(() => world.close())

  const get = (path: string) => world.ask('system', 'GET', path)
  const put = (path: string, body: unknown) => world.ask('system', 'PUT', path, body)

  it('is found, sent back unchanged, and changed in other members', async () => {
    for (const path of [userPath, group, '/api/v1/tenants/footenant/']) {
      const read = await get(path)
      expect(read.status, path).toBe(200)
      await expectUnchanged(world, async () => {
        expect((await put(path, read.body)).text).toBe(read.text)
      })
    }
    expect((await get(userPath)).body.userId).toBe(userId)
    expect((await get(group)).body).toMatchObject({ country: 'XK', timeZone: '+05:30' })
    expect((await put(userPath, { lastName: 'Newer' })).status).toBe(200)
    const renamed = await put(group, { ...(await get(group)).body, groupName: 'Newer' })
    expect(renamed.body).toMatchObject({ groupName: 'Newer', country: 'XK', timeZone: '+05:30' })
  })

  it('is no way to store more of it', async () => {
    await expectUnchanged(world, async () => {
      for (const [body, parameter] of [
        [{ timeZone: '+05:45' }, 'timeZone'],
        [{ country: 'TA' }, 'country'],
        [{ groupName: `A${invisible}` }, 'groupName'],
      ] as const) {
        expectRefusal(await put(group, body), 400, [{ code: 2, parameter }])
      }
    })
  })

  it('is named where something refers to it, filtered by, signed in with and renamed', async () => {
    const departmentName = `Old${invisible}`
    const named = await put(userPath, { department: { departmentName } })
    expect(named.body.department).toMatchObject({ departmentName })
    const list = await get(
      `${group}users/?insensitiveUserIdStarts=${encodeURIComponent(`ag${invisible}`)}`,
    )
    expect(list.body.users).toHaveLength(1)
    const credentials = { username: userId, password }
    expect((await world.ask('nobody', 'POST', '/api/v1/login/', credentials)).status).toBe(200)
    const department = `${group}departments/${encodeURIComponent(departmentName)}/`
    expect((await put(department, { departmentName: 'Old' })).status).toBe(200)
    expect((await get(userPath)).body.department.departmentName).toBe('Old')
    expect((await world.ask('system', 'DELETE', userPath)).status).toBe(200)
  })

  it('names the character that is refused, wherever a text is kept', async () => {
    const bodies: [string, string, object][] = [
      ['POST', `${group}users/`, { userId: 'a\u202eb', firstName: 'A', lastName: 'B' }],
      ['PUT', `${group}users/agent/`, { emailAddress: 'a\u200b@b' }],
      ['PUT', group, { groupName: '\u3164' }],
      ['PUT', `${routePoint}overflow/`, { audioUrlList: [{ url: 'http://a\u2060.example/' }] }],
      ['POST', `${routePoint}dnis/`, { name: 'Line\u2028break' }],
      ['POST', `${routePoint}disposition_codes/`, { code: '1', description: 'A\u{e0041}' }],
      ['PUT', routePoint, { serviceInstanceProfile: { cliLastName: 'A\u{fffe}' } }],
    ]
    await expectUnchanged(world, async () => {
      for (const [method, path, body] of bodies) {
        const answer = await world.ask('groupAdmin', method, path, body)
        const who = answer.status === 403 ? await world.ask('system', method, path, body) : answer
        const [character] = /[^\p{ASCII}]/u.exec(JSON.stringify(body)) ?? ['']
        const point = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
        expect(who.status, path).toBe(400)
        expect(who.body.errors[0].message).toContain(`U+${point}`)
      }
    })
  })
})
