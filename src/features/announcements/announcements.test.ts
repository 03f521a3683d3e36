import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { wave, waveFile } from '../../../test/audio.ts'
import { engines } from '../../../test/engines.ts'
import { describeResource, refusing } from '../../../test/resource-suite.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  routePoint,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'

const collection = `${group}announcements/`
const refused = refusing({
  endUser: 403,
  departmentAdmin: 403,
  siblingAdmin: 404,
  otherTenantAdmin: 404,
})
const stereo = waveFile(0.1, { channels: 2, rate: 44_100 }).toString('base64')

function factsOf(file: Buffer) {
  const sha256 = createHash('sha256').update(file).digest('hex')
  return { mediaType: 'WAV', fileSize: String(Math.ceil(file.length / 1_024)), sha256 }
}

const facts = { ...factsOf(waveFile()), usages: [] }

describeResource({
  plural: 'announcements',
  collection,
  absentCollection: '/api/v1/tenants/footenant/groups/nowhere/announcements/',
  idMember: 'name',
  async prepare(world) {
    await world.ask('system', 'POST', collection, { name: 'Greeting', content: wave() })
  },
  present: 'Greeting',
  absent: 'greeting',
  listed: 'announcements',
  computed: ['usages'],
  refused: { list: refused, read: refused, create: refused, change: refused, remove: refused },
  least: { name: 'New', content: wave() },
  leastShown: { name: 'New', ...facts },
  full: { name: 'Café / R&D 100%', content: wave(), description: 'Heard first' },
  fullShown: { name: 'Café / R&D 100%', description: 'Heard first', ...facts },
  limits: {
    name: {
      good: ['x', '😀'.repeat(80), 'greeting', 'unmodify', 'content', [' Cafe\u0301 ', 'Café']],
      bad: ['', '😀'.repeat(81), '.', '..', 'Unmodify', ' Unmodify ', 5, 'a\u0000b', 'a\ud800'],
    },
    content: {
      good: [
        [wave(), undefined],
        [wave().replaceAll(/.{76}/g, '$&\n'), undefined],
      ],
      bad: ['', 5, [], {}, 'not base64', stereo, Buffer.from('Welcome.').toString('base64')],
    },
    description: { good: ['x', '😀'.repeat(256)], bad: ['😀'.repeat(257), 5, 'a\u0007'] },
  },
  clearable: ['description'],
  fixed: {
    mediaType: { altered: 'MP3', equal: ['WAV'] },
    fileSize: { altered: '1', equal: [facts.fileSize] },
    sha256: { altered: '', equal: [facts.sha256] },
    usages: { altered: [{ serviceUserId: 'x', setting: 'overflow' }], equal: [[]] },
  },
  change: { description: 'Heard second' },
  wrong: {
    body: { name: 'Unmodify', content: stereo, description: 5, surprise: 1 },
    parameters: ['content', 'description', 'name', 'surprise'],
  },
})

describe.each(engines)('the announcement repository on $name', (engine) => {
  /** Of a group, in bytes. */
  const room = 20_000
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine, { POINTSMAN_GROUP_ANNOUNCEMENT_BYTES_MAX: String(room) })
    await post(dnis, { name: 'Support / 24' })
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    const off = { audioMessageSelection: 'Default', audioFileList: [null, null, null, null] }
    await put(`${routePoint}overflow/`, off)
    await put(`${routePoint}announcements/`, { mediaOnHoldForQueuedCalls: off })
    await put(`${routePoint}dnis_announcements/Support%20%2F%2024/`, {
      mediaOnHoldForQueuedCalls: off,
    })
    for (const { name } of (await get(collection)).body.announcements) await remove(itemOf(name))
    await post(collection, { name: 'Welcome', content: wave() })
  })

  const dnis = `${routePoint}dnis/`
  const itemOf = (name: string) => `${collection}${encodeURIComponent(name)}/`
  const get = (url: string) => world.ask('groupAdmin', 'GET', url)
  const post = (url: string, body: unknown) => world.ask('groupAdmin', 'POST', url, body)
  const put = (url: string, body: unknown) => world.ask('groupAdmin', 'PUT', url, body)
  const remove = (url: string) => world.ask('groupAdmin', 'DELETE', url)

  const rows = async (table: string) => {
    const select = sql<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)
    return (await world.database.get(select))?.count
  }
  const textsOf = async (table: string) => {
    const texts = await world.database.all(sql<{ value: string }>(`SELECT value FROM ${table}`))
    return texts.map(({ value }) => value).sort()
  }

  /** Lets three settings play the announcement of this name, the first of them in two slots. */
  async function use(name: string): Promise<void> {
    const file = { audioMessageSelection: 'File', audioFileList: [{ name }] }
    const twice = { ...file, audioFileList: [{ name }, null, { name }] }
    await put(`${routePoint}overflow/`, twice)
    await put(`${routePoint}announcements/`, { mediaOnHoldForQueuedCalls: file })
    const answer = await put(`${routePoint}dnis_announcements/Support%20%2F%2024/`, {
      mediaOnHoldForQueuedCalls: file,
    })
    expect(answer.status).toBe(200)
  }

  const serviceUserId = 'APIOTestRP@sip.netaxis.be'
  const usages = [
    { serviceUserId, setting: 'announcements' },
    { serviceUserId, setting: 'overflow' },
    { serviceUserId, dnisName: 'Support / 24', setting: 'dnis_announcements' },
  ]

  it('deletes none that is used, and tells by whom', async () => {
    await use('Welcome')
    await expectUnchanged(world, async () => {
      expectRefusal(await remove(itemOf('Welcome')), 400, [
        {
          code: 21,
          message:
            `Cannot delete the announcement. It is used by announcements of ${serviceUserId}, ` +
            `overflow of ${serviceUserId}, dnis_announcements of DNIS Support / 24 of ${serviceUserId}.`,
        },
      ])
    })
    await put(`${routePoint}overflow/`, { audioMessageSelection: 'Default', audioFileList: [null] })
    expectRefusal(await remove(itemOf('Welcome')), 400, [{ code: 21 }])
  })

  it('refuses audio for which the group has no room, and counts what is replaced as room', async () => {
    const large = waveFile((room - 2_000) / 16_000).toString('base64')
    const message =
      "The 'content' field is not valid: the group's announcements may take 19 KB together; " +
      'the others take 2 KB, and this one has 18 KB.'
    await expectUnchanged(world, async () => {
      // 1,644 bytes are taken, and 44 are the header's.
      const tooLarge = waveFile((room - 1_644 - 44 + 2) / 16_000).toString('base64')
      const body = { name: 'Large', content: tooLarge }
      expectRefusal(await post(collection, body), 400, [{ code: 2, parameter: 'content', message }])
      expectRefusal(await post(collection, { ...body, name: 'Welcome' }), 400, [
        {
          code: 11,
          parameter: 'name',
          message: 'There is already an announcement with this name.',
        },
        { code: 2, parameter: 'content' },
      ])
    })
    expect((await post(collection, { name: 'Large', content: large })).status).toBe(201)
    expectRefusal(await post(collection, { name: 'More', content: wave() }), 400, [
      { code: 2, parameter: 'content' },
    ])
    expect((await put(itemOf('Large'), { content: large })).status).toBe(200)
    expect((await put(itemOf('Large'), { content: wave() })).status).toBe(200)
    expect((await post(collection, { name: 'More', content: wave() })).status).toBe(201)
    await remove(itemOf('Large'))
    await remove(itemOf('More'))
    // Another group has its own room.
    const elsewhere = `${siblingGroup}announcements/`
    const answer = await world.ask('siblingAdmin', 'POST', elsewhere, {
      name: 'Welcome',
      content: large,
    })
    expect(answer.status).toBe(201)
    expect((await get(collection)).body.totalFileSize).toBe(2)
  })

  it('lists each with its usages, whatever page was asked for, and what all take together', async () => {
    await post(collection, { name: 'After hours', content: wave(), description: 'Öffnungszeiten' })
    await use('Welcome')
    const welcome = { name: 'Welcome', ...facts, usages }
    const afterHours = { name: 'After hours', description: 'Öffnungszeiten', ...facts }
    const totals = { totalFileSize: 4, maxFileSize: 19 }
    expect((await get(collection)).body).toEqual({
      announcements: [afterHours, welcome],
      ...totals,
    })
    expect((await get(itemOf('Welcome'))).body).toEqual(welcome)

    const page = await get(`${collection}?pageSize=1&sortOrders=insensitiveDescendingName`)
    expect(page.body).toEqual({ announcements: [welcome], ...totals })
    expect(page.headers['x-total-count']).toBe('2')
    expect(page.headers.link).toContain('startIndex=2')
    const filtered = await get(`${collection}?insensitiveDescriptionContains=%C3%B6ffnung`)
    expect(filtered.body).toEqual({ announcements: [afterHours], ...totals })
    expectRefusal(await get(`${collection}?insensitiveFileSizeEquals=2`), 400, [
      { code: 2, parameter: 'insensitiveFileSizeEquals' },
    ])
    const empty = await world.ask('system', 'GET', `${otherGroup}announcements/`)
    expect(empty.text).toBe('{"announcements":[],"totalFileSize":0,"maxFileSize":19}')
  })

  it('tells no limit as -1', async () => {
    const unlimited = await createWorld(engine, { POINTSMAN_GROUP_ANNOUNCEMENT_BYTES_MAX: '-1' })
    const { body } = await unlimited.ask('groupAdmin', 'POST', collection, {
      name: 'Long',
      content: waveFile(10).toString('base64'),
    })
    expect(body.fileSize).toBe('157')
    const list = await unlimited.ask('groupAdmin', 'GET', collection)
    expect(list.body).toMatchObject({ totalFileSize: 157, maxFileSize: -1 })
    await unlimited.close()
  })

  it('is followed by every setting that plays it when it is renamed, and by no other', async () => {
    await post(collection, { name: 'Other', content: wave() })
    await use('Welcome')
    const other = { audioMessageSelection: 'File', audioFileList: [{ name: 'Other' }] }
    await put(`${routePoint}forced_forwarding/`, other)
    const before = {
      settings: await textsOf('route_point_settings'),
      dnis: await textsOf('dnis_settings'),
    }
    const name = 'Bienvenue "à tous" / 100%'
    const renamed = await put(itemOf('Welcome'), { name })
    expect(renamed.body).toEqual({ name, ...facts, usages })
    expectRefusal(await get(itemOf('Welcome')), 404)
    expect((await get(itemOf(name))).text).toBe(renamed.text)

    const inText = (texts: string[]) =>
      texts.map((text) => text.replaceAll('"Welcome"', JSON.stringify(name))).sort()
    expect(await textsOf('route_point_settings')).toEqual(inText(before.settings))
    expect(await textsOf('dnis_settings')).toEqual(inText(before.dnis))
    expect(JSON.stringify(before)).toContain('Welcome')

    for (const setting of ['overflow/', 'announcements/']) {
      const { body, text } = await get(`${routePoint}${setting}`)
      const again = await put(`${routePoint}${setting}`, body)
      expect(again.text).toBe(text)
    }
    await put(`${routePoint}forced_forwarding/`, {
      audioMessageSelection: 'Default',
      audioFileList: [null],
    })
  })

  it('keeps its audio when it is renamed, and its name when its audio is replaced', async () => {
    const audio = waveFile(0.2, { tag: 6, bits: 8, rate: 16_000 })
    await put(itemOf('Welcome'), { name: 'Hello' })
    expect((await get(`${itemOf('Hello')}content/`)).bytes.equals(waveFile())).toBe(true)
    const replaced = await put(itemOf('Hello'), { content: audio.toString('base64') })
    expect(replaced.body).toEqual({ name: 'Hello', ...factsOf(audio), usages: [] })
    expect((await get(`${itemOf('Hello')}content/`)).bytes.equals(audio)).toBe(true)
    const both = { name: 'Hallo', content: wave(), description: 'Both at once' }
    expect((await put(itemOf('Hello'), both)).body).toMatchObject({
      name: 'Hallo',
      description: 'Both at once',
      ...facts,
    })
    expect((await get(`${itemOf('Hallo')}content/`)).bytes.equals(waveFile())).toBe(true)
  })

  it('refuses a rename to a name that is taken', async () => {
    await post(collection, { name: 'Other', content: wave() })
    await expectUnchanged(world, async () => {
      expectRefusal(await put(itemOf('Other'), { name: 'Welcome' }), 400, [
        { code: 11, parameter: 'name' },
      ])
    })
  })

  it('tells another state after new audio of the same size, so that nobody overwrites it unseen', async () => {
    const { headers } = await get(itemOf('Welcome'))
    const other = waveFile()
    other.writeInt16LE(other.readInt16LE(50) ^ 1, 50)
    await put(itemOf('Welcome'), { content: other.toString('base64') })
    const match = { 'if-match': String(headers.etag) }
    const stale = await world.ask('groupAdmin', 'PUT', itemOf('Welcome'), { name: 'x' }, match)
    expectRefusal(stale, 412)
  })

  it('writes nothing when the audio is the one that it has', async () => {
    await expectUnchanged(world, async () => {
      const answer = await put(itemOf('Welcome'), { content: wave() })
      expect(answer.status).toBe(200)
    })
  })

  it('leaves no audio behind that was replaced, deleted, or was in a deleted group', async () => {
    const doomed = '/api/v1/tenants/footenant/groups/doomed/'
    const rp = `${doomed}services/route_points/doomedRP/`
    const ask = (method: string, url: string, body?: unknown) =>
      world.ask('system', method, url, body)
    await ask('POST', '/api/v1/tenants/footenant/groups/', { groupId: 'doomed' })
    const kept = await rows('announcement_chunks')
    await ask('POST', `${doomed}announcements/`, { name: 'Welcome', content: wave() })
    await ask('POST', `${doomed}announcements/`, { name: 'Other', content: wave() })
    await ask('PUT', `${doomed}announcements/Other/`, { content: waveFile(0.2).toString('base64') })
    expect(await rows('announcement_chunks')).toBe(Number(kept) + 2)
    await ask('DELETE', `${doomed}announcements/Other/`)
    expect(await rows('announcement_chunks')).toBe(Number(kept) + 1)

    await ask('POST', `${doomed}services/route_points/`, {
      serviceUserId: 'doomedRP',
      serviceInstanceProfile: { name: 'Doomed' },
    })
    const file = { audioMessageSelection: 'File', audioFileList: [{ name: 'Welcome' }] }
    expect((await ask('PUT', `${rp}overflow/`, file)).status).toBe(200)
    await expectUnchanged(world, async () => {
      expectRefusal(await ask('DELETE', doomed), 400, [
        {
          code: 21,
          message: 'Cannot delete the group. It still holds 1 announcement, 1 route point.',
        },
      ])
    })
    expect((await ask('DELETE', `${doomed}?deleteNonEmpty=1`)).text).toBe('{}')
    expect(await rows('announcement_chunks')).toBe(kept)
  })
})
