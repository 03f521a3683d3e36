import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { waveFile } from '../../../test/audio.ts'
import { type AudioServer, startAudioServer } from '../../../test/audio-server.ts'
import { engines } from '../../../test/engines.ts'
import {
  createWorld,
  expectUnchanged,
  otherGroup,
  routePoint,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'
import { reachableAddresses } from '../../outbound/reachable.ts'
import { findNamedUrls } from '../route-points/in-database/audio-urls.ts'
import { type Copies, openCopies } from './copies.ts'
import { type Media, type Medium, openMedia } from './media.ts'
import type { RefreshOptions } from './refresh.ts'

const hour = 3_600_000
const bytesMax = 100_000
const file = waveFile(1)
const selectCopies = sql<{ url: string; sha256: string; bytes: number }>(
  'SELECT url, sha256, bytes FROM audio_copies ORDER BY url',
)
const selectChunks = sql<{ chunks: number }>('SELECT count(*) AS chunks FROM audio_copy_chunks')

describe.each(engines)('audio of addresses that settings name, on $name', (engine) => {
  let world: World
  let server: AudioServer
  let folder: string
  let copies: Copies
  let media: Media
  const outcomes: string[] = []
  const lines: { url: string; err: { message: string } }[] = []
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line)) })

  beforeAll(async () => {
    world = await createWorld(engine)
    server = await startAudioServer()
  })
  afterAll(async () => {
    await world.close()
    await server.close()
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pointsman-copies-'))
    open()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await media?.close()
    await copies.close()
    server.paths.clear()
    server.asked.length = 0
    lines.length = 0
    outcomes.length = 0
    await world.database.write((transaction) => transaction.run(sql('DELETE FROM audio_copies')))
    rmSync(folder, { recursive: true })
  })

  /** Opens them anew, as a restart does. */
  function open(options: Partial<RefreshOptions> = {}): void {
    const { database } = world
    copies = openCopies({
      database,
      logger,
      namedUrls: (named) => findNamedUrls(database, named),
      fetching: {
        isReachable: reachableAddresses(['127.0.0.1']),
        bytesMax,
        timeLimitMilliseconds: 10_000,
      },
      groupBytesMax: 60_000,
      groupCopiesMax: 3,
      count: (outcome) => outcomes.push(outcome),
      ...options,
    })
  }

  async function openAll(): Promise<void> {
    media = await openMedia({
      database: world.database,
      copies,
      logger,
      folder: join(folder, 'media'),
      limits: { bytesMax: 100_000_000, days: 7 },
    })
  }

  const addressOf = (path: string, url = server.url) => ({
    tenantKey: 'footenant',
    groupKey: 'foogroup',
    url: `${url}${path}`,
  })

  function serve(
    path: string,
    body: Uint8Array = file,
    headers: Record<string, string> = {},
  ): void {
    server.paths.set(path, (_, response) => response.writeHead(200, headers).end(body))
  }

  async function bytesOf(path: string): Promise<Buffer> {
    const { read } = await copies.sourceOf(addressOf(path))
    return Buffer.concat(await Array.fromAsync(read()))
  }

  const place = () => ({ folder: '/media', ourFolder: join(folder, 'media') })
  const paths = () => server.asked.map(({ path }) => path)
  const kept = async () =>
    (await world.database.all(selectCopies)).map(({ url }) => url.slice(server.url.length))

  async function setUrls(...urls: string[]): Promise<void> {
    const value = {
      audioMessageSelection: urls.length > 0 ? 'URL' : 'Default',
      audioUrlList: [0, 1, 2, 3].map((at) => (urls[at] === undefined ? null : { url: urls[at] })),
    }
    const { status, text } = await world.ask(
      'groupAdmin',
      'PUT',
      `${routePoint}forced_forwarding/`,
      value,
    )
    expect(status, text).toBe(200)
  }

  /** As if it were so much later. */
  function later(milliseconds: number): void {
    const now = { date: Date.now(), monotonic: performance.now() }
    vi.spyOn(Date, 'now').mockReturnValue(now.date + milliseconds)
    vi.spyOn(performance, 'now').mockReturnValue(now.monotonic + milliseconds)
  }

  it('is not kept where it cannot be played, is too large, or may not be asked for', async () => {
    serve('/page', Buffer.from('<!doctype html>'))
    serve('/large', waveFile(10))
    await expectUnchanged(world, async () => {
      await expect(copies.sourceOf(addressOf('/page'))).rejects.toThrow(/expected WAVE/)
      await expect(copies.sourceOf(addressOf('/large'))).rejects.toThrow(/larger than/)
      await expect(copies.sourceOf(addressOf('/nowhere'))).rejects.toThrow('The answer was 404.')
      open({ fetching: { isReachable: reachableAddresses([]), bytesMax } })
      await expect(copies.sourceOf(addressOf('/page'))).rejects.toThrow(/no address/)
    })
    expect(outcomes).toEqual(['failed', 'failed', 'failed', 'failed'])
  })

  it('is not kept for a group that there is not', async () => {
    serve('/x')
    await expectUnchanged(world, async () => {
      const address = { ...addressOf('/x'), groupKey: 'nowhere' }
      await expect(copies.sourceOf(address)).rejects.toThrow()
    })
  })

  it('is not asked for again for a while where it failed, and then for longer', async () => {
    const fails = () => expect(copies.sourceOf(addressOf('/x?secret=1'))).rejects.toThrow('404')
    for (let round = 0; round < 5; round += 1) await fails()
    expect(paths()).toHaveLength(1)
    expect(lines.map(({ url }) => url)).toEqual([`${server.url}/x`])
    later(61_000)
    await fails()
    expect(paths()).toHaveLength(2)
    later(61_000)
    await fails()
    expect(paths()).toHaveLength(2)
    later(121_000)
    serve('/x?secret=1')
    await copies.sourceOf(addressOf('/x?secret=1'))
    expect(paths()).toHaveLength(3)
  })

  it('is fetched once for all who ask for it, and known to other nodes and after a restart', async () => {
    serve('/x')
    const sources = await Promise.all(
      Array.from({ length: 20 }, () => copies.sourceOf(addressOf('/x'))),
    )
    expect(new Set(sources.map(({ sha256 }) => sha256)).size).toBe(1)
    expect((await bytesOf('/x')).equals(file)).toBe(true)
    open()
    server.paths.clear()
    expect((await bytesOf('/x')).equals(file)).toBe(true)
    expect(paths()).toEqual(['/x'])
  })

  it('is each group’s own', async () => {
    serve('/x')
    await copies.sourceOf(addressOf('/x'))
    await copies.sourceOf({ ...addressOf('/x'), tenantKey: 'othertenant', groupKey: 'othergroup' })
    expect(paths()).toEqual(['/x', '/x'])
    expect(await kept()).toEqual(['/x', '/x'])
  })

  it('goes on being played while it is asked, an hour later, whether it is still the same', async () => {
    serve('/x', file, { etag: '"1"' })
    const before = await copies.sourceOf(addressOf('/x'))
    later(hour + 1_000)
    server.paths.set('/x', (_, response) => response.writeHead(304).end())
    expect(await copies.sourceOf(addressOf('/x'))).toMatchObject({ sha256: before.sha256 })
    await vi.waitFor(() => expect(outcomes).toEqual(['new', 'unchanged']))
    expect(server.asked.at(-1)?.headers['if-none-match']).toBe('"1"')
    await copies.sourceOf(addressOf('/x'))
    expect(paths()).toHaveLength(2)
  })

  it('is what is there now once that was fetched', async () => {
    serve('/x')
    const before = await copies.sourceOf(addressOf('/x'))
    const other = waveFile(1, { rate: 16_000 })
    serve('/x', other)
    later(hour + 1_000)
    expect((await copies.sourceOf(addressOf('/x'))).sha256).toBe(before.sha256)
    await vi.waitFor(() => expect(outcomes).toEqual(['new', 'new']))
    expect((await bytesOf('/x')).equals(other)).toBe(true)
    expect(await world.database.all(selectChunks)).toEqual([{ chunks: 1 }])
  })

  it('goes on being played where it cannot be fetched any more', async () => {
    serve('/x')
    await copies.sourceOf(addressOf('/x'))
    server.paths.clear()
    later(hour + 1_000)
    expect((await bytesOf('/x')).equals(file)).toBe(true)
    await vi.waitFor(() => expect(outcomes).toEqual(['new', 'failed']))
    expect((await bytesOf('/x')).equals(file)).toBe(true)
    expect(paths()).toHaveLength(2)
  })

  it('has a room in each group, of which what no setting names any more is cleared', async () => {
    for (const path of ['/1', '/2', '/3', '/4', '/5']) serve(path)
    serve('/long', waveFile(2))
    await setUrls(...['/1', '/2'].map((path) => `${server.url}${path}`))
    for (const path of ['/1', '/2', '/3']) await copies.sourceOf(addressOf(path))
    expect(await kept()).toEqual(['/1', '/2', '/3'])
    await copies.sourceOf(addressOf('/4'))
    expect(await kept()).toEqual(['/1', '/2', '/4'])
    await setUrls(...['/1', '/2', '/4'].map((path) => `${server.url}${path}`))
    await expect(copies.sourceOf(addressOf('/5'))).rejects.toThrow('already take 48132 bytes')
    // 32 KB beside 2 times 16 KB are too much.
    await setUrls(...['/1', '/2'].map((path) => `${server.url}${path}`))
    await copies.tidy()
    await expect(copies.sourceOf(addressOf('/long'))).rejects.toThrow('already take 32088 bytes')
    // Another group has its own.
    const other = { tenantKey: 'othertenant', groupKey: 'othergroup' }
    await copies.sourceOf({ ...addressOf('/long'), ...other })
    await setUrls()
  })

  it('goes when no setting of its group names it, selected or not, and with its group', async () => {
    serve('/named')
    serve('/forgotten')
    const urls = ['/named', '/forgotten'].map((path) => `${server.url}${path}`)
    await setUrls(...urls)
    for (const path of ['/named', '/forgotten']) await copies.sourceOf(addressOf(path))
    const unselected = { audioMessageSelection: 'Default' }
    await world.ask('groupAdmin', 'PUT', `${routePoint}forced_forwarding/`, unselected)
    await copies.tidy()
    expect(await kept()).toEqual(['/forgotten', '/named'])
    await setUrls(...urls.slice(0, 1))
    await copies.tidy()
    expect(await kept()).toEqual(['/named'])
    const temporary = '/api/v1/tenants/othertenant/groups/temporary/'
    await world.ask('system', 'POST', otherGroup.replace('othergroup/', ''), {
      groupId: 'temporary',
    })
    await copies.sourceOf({
      ...addressOf('/named'),
      tenantKey: 'othertenant',
      groupKey: 'temporary',
    })
    expect((await world.ask('system', 'DELETE', temporary)).status).toBe(200)
    expect(await kept()).toEqual(['/named'])
    await setUrls()
    await copies.tidy()
    expect(await kept()).toEqual([])
    expect(await world.database.all(selectChunks)).toEqual([{ chunks: 0 }])
  })

  it('is named by a DNIS’s announcements as well', async () => {
    await world.ask('groupAdmin', 'POST', `${routePoint}dnis/`, { name: 'Main' })
    const mediaOnHoldForQueuedCalls = {
      audioMessageSelection: 'URL',
      audioUrlList: [{ url: `${server.url}/a"b%_.wav` }],
    }
    const url = `${routePoint}dnis_announcements/Main/`
    const { status, text } = await world.ask('groupAdmin', 'PUT', url, {
      mediaOnHoldForQueuedCalls,
    })
    expect(status, text).toBe(200)
    const named = await findNamedUrls(world.database, ['footenant', 'foogroup'])
    expect([...named]).toEqual([`${server.url}/a"b%_.wav`])
    await world.ask('groupAdmin', 'DELETE', `${routePoint}dnis/Main/`)
  })

  it('is left out of a call that wants it before it is there, and played by the next', async () => {
    await openAll()
    const held: (() => void)[] = []
    server.paths.set('/x', (_, response) => held.push(() => response.end(file)))
    const medium: Medium = { kind: 'url', ...addressOf('/x') }
    const music: Medium = { kind: 'hold music' }
    expect(await media.playable(place(), [medium, music])).toHaveLength(1)
    for (const answer of held) answer()
    await vi.waitFor(() => expect(outcomes).toEqual(['new']))
    const [first] = await media.playable(place(), [medium, music])
    expect(first).toEqual({
      address: expect.stringMatching(/^\/media\/[0-9a-f]{64}-[0-9a-f]{16}$/),
      seconds: 1,
    })
  })

  it('is fetched as soon as a setting names it, where that is wanted', async () => {
    await openAll()
    serve('/early')
    media.fetchEarly()
    // What was written before is not looked for.
    await vi.waitFor(
      async () => {
        await setUrls()
        await setUrls(`${server.url}/early`)
        expect(outcomes).toEqual(['new'])
      },
      { timeout: 20_000, interval: 200 },
    )
    expect(paths()).toEqual(['/early'])
    await setUrls()
  })

  it('is given up when the service ends', async () => {
    server.paths.set('/x', () => {})
    const asked = copies.sourceOf(addressOf('/x'))
    asked.catch(() => {})
    await vi.waitFor(() => expect(paths()).toEqual(['/x']))
    await copies.close()
    await expect(asked).rejects.toThrow()
    expect(outcomes).toEqual([])
  })
})
