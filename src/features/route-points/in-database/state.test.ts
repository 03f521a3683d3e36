import { hash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waveFile } from '../../../../test/audio.ts'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  group,
  otherGroup,
  routePoint,
  siblingGroup,
  type World,
} from '../../../../test/world.ts'
import { type Database, sql } from '../../../database/database.ts'
import { openDoor } from '../../../writes/door.ts'
import type { RoutePointKey } from '../route-point.ts'
import { settings } from '../settings/index.ts'
import { databaseBackend } from './backend.ts'

const id = 'apiotestrp@sip.netaxis.be'
const key: RoutePointKey = ['footenant', 'foogroup', id]

const files = { Welcome: waveFile(0.1), Sorry: waveFile(0.2), Jazz: waveFile(0.3) }
const plays = (...names: (keyof typeof files)[]) => ({
  audioMessageSelection: 'File',
  audioFileList: names.map((name) => ({ name })),
})

describe.each(engines)('the state of a route point on $name', (engine) => {
  let world: World
  /** Statements that were asked for since the last look. */
  let asked: string[] = []

  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  function state(of: RoutePointKey, dnisName?: string) {
    const { database } = world
    const counted: Database = {
      ...database,
      get(statement, ...values) {
        asked.push(statement.text)
        return database.get(statement, ...values)
      },
      all(statement, ...values) {
        asked.push(statement.text)
        return database.all(statement, ...values)
      },
    }
    asked = []
    const backend = databaseBackend({ door: openDoor(counted), recorded: [] }, async () => {})
    return backend.state(of, dnisName)
  }

  async function ask(method: string, path: string, body?: object) {
    const answer = await world.ask('system', method, path, body)
    expect([200, 201], answer.text).toContain(answer.status)
    return answer.body
  }

  /** What GET answers of a setting. */
  const get = (path: string) => ask('GET', `${routePoint}${path}/`)

  it('is there for route points alone, each in its own group', async () => {
    const nobodies: RoutePointKey[] = [
      ['footenant', 'foogroup', 'nowhere@sip.netaxis.be'],
      ['footenant', 'foogroup', 'agent@sip.netaxis.be'],
      ['footenant', 'siblinggroup', id],
      ['othertenant', 'othergroup', id],
      ['footenant', 'foogroup', ''],
      ['footenant', 'foogroup', 'APIOTestRP@sip.netaxis.be'],
    ]
    for (const nobody of nobodies) expect(await state(nobody, 'Main')).toBeUndefined()
  })

  it('has the defaults of what was never changed, as GET answers them', async () => {
    const found = await state(key)
    expect(found).toMatchObject({ key, domain: 'sip.netaxis.be', country: 'BE', dnis: undefined })
    expect(found?.audio.size).toBe(0)
    expect(Object.keys(found?.settings ?? {})).toEqual(settings.map(({ name }) => name))
    for (const { name } of settings) {
      expect(found?.settings).toHaveProperty(name, await get(name))
    }
    expect(found?.routePoint).toEqual((await ask('GET', routePoint)).routePointInstance)
  })

  it('has no country and the group’s own domain where the group is told so', async () => {
    const whereabouts = { country: null, defaultDomain: 'elsewhere.example' }
    await ask('PUT', siblingGroup, whereabouts)
    const found = await state(['footenant', 'siblinggroup', 'siblingrp@sip.netaxis.be'])
    expect(found).toMatchObject({ country: '', domain: 'elsewhere.example' })
  })

  describe('that was configured', () => {
    beforeAll(async () => {
      for (const [name, bytes] of Object.entries(files)) {
        const content = bytes.toString('base64')
        await ask('POST', `${group}announcements/`, { name, content })
      }
      // Names that other groups have too are theirs.
      const other = { name: 'Welcome', content: waveFile(0.4).toString('base64') }
      for (const one of [siblingGroup, otherGroup]) await ask('POST', `${one}announcements/`, other)
      await ask('PUT', `${routePoint}overflow/`, {
        timeoutSeconds: 7,
        ...plays('Sorry', 'Welcome'),
      })
      await ask('PUT', `${routePoint}forced_forwarding/`, plays('Welcome'))
      await ask('PUT', `${routePoint}announcements/`, {
        mediaOnHoldForQueuedCalls: plays('Welcome'),
      })
      await ask('POST', `${routePoint}dnis/`, { name: 'Main', extension: '9998' })
      await ask('POST', `${routePoint}dnis/`, { name: 'Plain' })
      await ask('PUT', `${routePoint}dnis_announcements/Main/`, {
        mediaOnHoldForQueuedCalls: plays('Jazz'),
      })
    })

    it('is what GET answers, read by one statement', async () => {
      const found = await state(key, 'Main')
      expect(asked).toHaveLength(1)
      for (const { name } of settings) {
        expect(found?.settings).toHaveProperty(name, await get(name))
      }
      expect(found?.settings.overflow.timeoutSeconds).toBe(7)
      expect(found?.dnis).toEqual({
        dnis: await get('dnis/Main'),
        announcements: await get('dnis_announcements/Main'),
      })
    })

    it('has the audio of each announcement in any slot, by its hash, and a DNIS’s only where that was called', async () => {
      const expected = (...names: (keyof typeof files)[]) =>
        names.map((name) => [name, hash('sha256', files[name]), files[name].length])
      const told = async (dnisName?: string) => {
        const { audio } = (await state(key, dnisName)) ?? {}
        return [...(audio ?? [])].sort().map(([name, one]) => [name, one.sha256, one.size])
      }
      expect(await told()).toEqual(expected('Sorry', 'Welcome'))
      expect(await told('Plain')).toEqual(expected('Sorry', 'Welcome'))
      expect(await told('Main')).toEqual(expected('Jazz', 'Sorry', 'Welcome'))
      const { audio } = (await state(key)) ?? {}
      const selectContent = sql<{ content_id: string }>(
        `SELECT content_id FROM announcement_contents
         WHERE tenant_key = ? AND group_key = ? AND announcement_name = ?`,
      )
      const row = await world.database.get(selectContent, 'footenant', 'foogroup', 'Sorry')
      expect(audio?.get('Sorry')).toMatchObject({
        tenantKey: 'footenant',
        contentId: row?.content_id,
      })
    })

    it('has the new audio and the new name of an announcement', async () => {
      const content = waveFile(0.5)
      const path = `${group}announcements/`
      await ask('PUT', `${path}Jazz/`, { name: 'Blues', content: content.toString('base64') })
      const found = await state(key, 'Main')
      expect(found?.audio.get('Blues')?.sha256).toBe(hash('sha256', content))
      expect(found?.dnis?.announcements.mediaOnHoldForQueuedCalls.audioFileList).toEqual([
        { name: 'Blues' },
      ])
    })

    it('has no DNIS that the route point does not have, by another name neither', async () => {
      for (const name of ['Nobody', 'main', '', 'Main ']) {
        expect((await state(key, name))?.dnis, name).toBeUndefined()
      }
      await ask('PUT', `${routePoint}dnis/Main/`, { name: 'Head office' })
      expect((await state(key, 'Main'))?.dnis).toBeUndefined()
      const { dnis } = (await state(key, 'Head office')) ?? {}
      expect(dnis?.dnis).toMatchObject({ name: 'Head office', extension: '9998' })
      expect(dnis?.announcements.mediaOnHoldForQueuedCalls.audioMessageSelection).toBe('File')
    })

    it('fills in members that came after a setting was kept, and leaves out settings of later versions', async () => {
      await damage('overflow', '{"action":"Busy","timeoutSeconds":7}')
      await damage('night_service', '{"active":true}')
      const found = await state(key)
      expect(found?.settings.overflow).toEqual(await get('overflow'))
      expect(found?.settings).not.toHaveProperty('night_service')
    })

    it.each(['{', '', 'null', '[]', '"x"', '{"action":'])(
      'tells of a setting that is damaged to %j',
      async (text) => {
        await damage('overflow', text)
        const message = `The setting 'overflow' is damaged in the database: calls of the route point '${id}' need it.`
        await expect(state(key)).rejects.toThrow(message)
      },
    )

    it.each([
      ['route_points', `route_point_key = '${id}'`, "The route point 'APIOTestRP@sip.netaxis.be'"],
      ['groups', "group_key = 'foogroup'", "The group 'foogroup'"],
      ['dnis', "name = 'Plain'", "The DNIS 'Plain'"],
      [
        'announcements',
        "group_key = 'foogroup' AND name = 'Welcome'",
        "The announcement 'Welcome'",
      ],
    ])('tells of damage in %s', async (table, where, what) => {
      await damage('overflow', '{"action":"Busy"}')
      const update = sql(`UPDATE ${table} SET value = ? WHERE ${where}`)
      const set = (text: string) =>
        world.database.write((transaction) => transaction.run(update, text))
      const select = sql<{ value: string }>(`SELECT value FROM ${table} WHERE ${where}`)
      const { value = '' } = (await world.database.get(select)) ?? {}
      await set(value.slice(0, -1))
      await expect(state(key, 'Plain')).rejects.toThrow(`${what} is damaged in the database`)
      await set(value)
      expect(await state(key, 'Plain')).toBeDefined()
    })

    it('takes no hash that is none for the name of a file', async () => {
      const update = sql(
        `UPDATE announcements SET value = replace(value, '"sha256":"', '"sha256":"../') WHERE name = 'Welcome'`,
      )
      await world.database.write((transaction) => transaction.run(update))
      await expect(state(key)).rejects.toThrow("The announcement 'Welcome' is damaged")
    })

    async function damage(setting: string, text: string) {
      const save = sql(
        `INSERT INTO route_point_settings (tenant_key, group_key, route_point_key, setting, value)
         VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant_key, group_key, route_point_key, setting)
         DO UPDATE SET value = excluded.value`,
      )
      await world.database.write((transaction) => transaction.run(save, ...key, setting, text))
    }
  })
})
