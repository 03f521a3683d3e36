import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waveFile } from '../../../test/audio.ts'
import { engines } from '../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'
import { pieceBytes } from '../../documents/upload.ts'
import { readContent } from './contents.ts'

const collection = `${group}announcements/`
const name = 'Grüße / 100% & "mehr".WAV'
const item = `${collection}${encodeURIComponent(name)}/`
const path = `${item}content/`
/** Four chunks, the last of them short. */
const audio = waveFile(12.5)

describe.each(engines)('the audio of an announcement on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    const body = { name, content: audio.toString('base64') }
    expect((await world.ask('groupAdmin', 'POST', collection, body)).status).toBe(201)
  })
  afterAll(() => world.close())

  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    world.ask('groupAdmin', method, path, undefined, headers)

  it.each([
    ['nobody', 401],
    ['endUser', 403],
    ['departmentAdmin', 403],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('is closed to %s', async (person, status) => {
    expectRefusal(await world.ask(person, 'GET', path), status)
  })

  it('is not there without the announcement, and cannot be written there', async () => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('system', 'GET', `${collection}None/content/`), 404)
      const elsewhere = '/api/v1/tenants/footenant/groups/nowhere/announcements/x/content/'
      expectRefusal(await world.ask('system', 'GET', elsewhere), 404)
      const put = await get({}, 'PUT')
      expectRefusal(put, 405)
      expect(put.headers.allow).toBe('GET, HEAD')
    })
  })

  it.each([
    ['application/json', 406],
    ['audio/mpeg', 406],
    ['audio/wav;q=0', 406],
    ['audio/wav', 200],
    ['audio/*;q=0.9', 200],
    ['*/*', 200],
    ['text/html, */*;q=0.1', 200],
  ])('is answered to Accept: %s by %i', async (accept, status) => {
    expect((await get({ accept })).status).toBe(status)
  })

  it('is byte for byte the one that was given', async () => {
    const { status, headers, bytes } = await get()
    expect(status).toBe(200)
    expect(bytes.equals(audio)).toBe(true)
    expect(headers).toMatchObject({
      'content-type': 'audio/wav',
      'content-length': String(audio.length),
      'accept-ranges': 'bytes',
      // Without it a browser that opens the address shows a player that may not load anything.
      'content-security-policy': "default-src 'none'; media-src 'self'; frame-ancestors 'none'",
      'content-disposition':
        'inline; filename*=UTF-8' + "''Gr%C3%BC%C3%9Fe%20%2F%20100%25%20%26%20%22mehr%22.WAV",
    })
    expect(headers).not.toHaveProperty('content-range')
  })

  it.each([[`bytes=${audio.length}-`], ['bytes=-0'], ['bytes=9999999999-']])(
    'refuses the range %s, which lies outside, and tells its size',
    async (range) => {
      const answer = await get({ range })
      expectRefusal(answer, 416)
      expect(answer.headers).toMatchObject({
        'content-range': `bytes */${audio.length}`,
        'content-type': 'application/json; charset=utf-8',
      })
    },
  )

  const last = audio.length - 1
  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=0-', 0, last],
    ['bytes=44-143', 44, 143],
    [`bytes=${pieceBytes - 1}-${pieceBytes}`, pieceBytes - 1, pieceBytes],
    [`bytes=${pieceBytes}-${2 * pieceBytes - 1}`, pieceBytes, 2 * pieceBytes - 1],
    [`bytes=100-${3 * pieceBytes}`, 100, 3 * pieceBytes],
    ['bytes=-1', last, last],
    [`bytes=${last}-${last + 1_000}`, last, last],
  ])('is answered in part for %s', async (range, from, to) => {
    const { status, headers, bytes } = await get({ range })
    expect(status).toBe(206)
    expect(bytes.equals(audio.subarray(from, to + 1))).toBe(true)
    expect(headers).toMatchObject({
      'content-range': `bytes ${from}-${to}/${audio.length}`,
      'content-length': String(to + 1 - from),
      'content-type': 'audio/wav',
    })
  })

  it.each(['bytes=0-1,5-6', 'lines=0-1', 'bytes=5-4', 'nonsense'])(
    'is answered whole for %s',
    async (range) => {
      const { status, bytes } = await get({ range })
      expect(status).toBe(200)
      expect(bytes).toHaveLength(audio.length)
    },
  )

  it('is answered to HEAD without its bytes', async () => {
    const { status, headers, bytes } = await get({ range: 'bytes=0-9' }, 'HEAD')
    expect([status, bytes.length]).toEqual([200, 0])
    expect(headers).toMatchObject({
      'content-length': String(audio.length),
      'accept-ranges': 'bytes',
      'content-type': 'audio/wav',
    })
  })

  it('is not sent to who has it, and in part only to who has the other part of the same', async () => {
    const etag = String((await get()).headers.etag)
    expect(etag).toMatch(/^"[^"]+"$/)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const { status, bytes } = await get({ 'if-none-match': known, range: 'bytes=0-9' })
      expect([status, bytes.length]).toEqual([304, 0])
    }
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200)
    const range = 'bytes=0-9'
    expect((await get({ range, 'if-range': etag })).status).toBe(206)
    for (const other of ['"other"', `W/${etag}`, 'Tue, 24 Nov 2026 04:00:07 GMT']) {
      expect((await get({ range, 'if-range': other })).status, other).toBe(200)
    }
    expect((await get({ range: 'bytes=9999999999-', 'if-range': '"other"' })).status).toBe(200)

    const longer = { content: waveFile(12.6).toString('base64') }
    await world.ask('groupAdmin', 'PUT', item, longer)
    expect((await get({ range, 'if-range': etag })).status).toBe(200)
    expect((await get({ 'if-none-match': etag })).status).toBe(200)
    await world.ask('groupAdmin', 'PUT', item, { content: audio.toString('base64') })
  })

  it('keeps its tag when the announcement is renamed or described anew', async () => {
    const { etag } = (await get()).headers
    await world.ask('groupAdmin', 'PUT', item, { description: 'New' })
    expect((await get()).headers.etag).toBe(etag)
  })

  it('that is replaced while it is read is never mixed with the new one: the reader fails', async () => {
    const select = sql<{ content_id: string }>(
      'SELECT content_id FROM announcement_contents WHERE announcement_name = ?',
    )
    const contentId = (await world.database.get(select, name))?.content_id ?? ''
    const range = { contentId, first: 0, last }
    const reader = readContent(world.database, 'footenant', range)
    const { value } = await reader.next()
    expect(Buffer.from(value ?? []).equals(audio.subarray(0, pieceBytes))).toBe(true)
    const other = waveFile(12.5, { tag: 7, bits: 8, rate: 16_000 })
    await world.ask('groupAdmin', 'PUT', item, { content: other.toString('base64') })
    await expect(reader.next()).rejects.toThrow('The database is not available.')
    expect((await get()).bytes.equals(other)).toBe(true)
    const gone = readContent(world.database, 'footenant', range)
    await expect(gone.next()).rejects.toThrow('The database is not available.')
  })

  it('that vanishes between two statements is told to be asked for again', async () => {
    const whole = (await get()).bytes
    await world.database.write(async (transaction) => {
      await transaction.run(sql('DELETE FROM announcement_chunks'))
    })
    const answer = await get()
    expectRefusal(answer, 503)
    expect(answer.headers).toMatchObject({ 'retry-after': '1' })
    const content = whole.toString('base64')
    await world.ask('groupAdmin', 'DELETE', item)
    await world.ask('groupAdmin', 'POST', collection, { name, content })
    expect((await get()).bytes.equals(whole)).toBe(true)
  })

  it('is read by nobody else’s tenant, even by its id', async () => {
    const select = sql<{ content_id: string }>('SELECT content_id FROM announcement_contents')
    const contentId = (await world.database.get(select))?.content_id ?? ''
    const reader = readContent(world.database, 'othertenant', { contentId, first: 0, last: 10 })
    await expect(reader.next()).rejects.toThrow()
  })
})
