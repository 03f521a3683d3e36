import { mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waveFile } from '../../../test/audio.ts'
import { engines } from '../../../test/engines.ts'
import { createWorld, expectRefusal, group, type World } from '../../../test/world.ts'
import { findContent } from '../announcements/contents.ts'
import type { Copies } from './copies.ts'
import { stemOf } from './files.ts'
import { type FetchingEngine, type Media, type Medium, openMedia, type Playable } from './media.ts'

const collection = `${group}announcements/`
const limits = { bytesMax: 100_000_000, days: 7 }
const holdMusic: Medium = { kind: 'hold music' }

/** There are no addresses here. */
const noCopies: Copies = {
  sourceOf: () => Promise.reject(new Error('No address is asked for.')),
  tidy: async () => {},
  close: async () => {},
}

describe.each(engines)('what calls play on $name', (engine) => {
  let world: World
  let folder: string
  let media: Media
  const lines: { medium: string }[] = []
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line)) })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pointsman-media-'))
    world = await createWorld(engine, { POINTSMAN_MEDIA_FOLDER: join(folder, 'ours') })
    media = await openMedia({
      database: world.database,
      copies: noCopies,
      logger,
      folder: join(folder, 'ours'),
      limits,
    })
  })
  afterAll(async () => {
    await media.close()
    await world.close()
    rmSync(folder, { recursive: true })
  })

  const shared = () => ({ folder: '/var/spool/pointsman', ourFolder: join(folder, 'shared') })

  /** An engine that fetches from us, and what it was told to fetch. */
  function fetching(fetch = async (_: Playable) => {}) {
    const fetched: string[] = []
    const place: FetchingEngine = {
      url: 'https://pointsman.example/base',
      async fetch(playable) {
        fetched.push(playable.address)
        await fetch(playable)
      },
    }
    return { place, fetched }
  }

  async function announce(name: string, seconds = 1): Promise<Medium & { kind: 'announcement' }> {
    const content = waveFile(seconds, { tag: 6, bits: 8 }).toString('base64')
    const { body, status } = await world.ask('groupAdmin', 'POST', collection, { name, content })
    expect(status).toBe(201)
    const found = await findContent(world.database, ['footenant', 'foogroup', name])
    const { contentId = '' } = found ?? {}
    return { kind: 'announcement', tenantKey: 'footenant', contentId, sha256: body.sha256, name }
  }

  it('is left out where it is gone, damaged or another’s, told once, and all else is played', async () => {
    const kept = await announce('Kept')
    const gone = await announce('Gone', 2)
    await world.ask('groupAdmin', 'DELETE', `${collection}Gone/`)
    const others = { ...(await announce('Others', 3)), tenantKey: 'othertenant' }
    const damaged = { ...kept, sha256: 'f'.repeat(64), name: 'Damaged' }
    lines.length = 0
    for (let round = 0; round < 2; round += 1) {
      const playable = await media.playable(shared(), [gone, others, kept, damaged, holdMusic])
      expect(playable).toEqual([
        { address: `/var/spool/pointsman/${stemOf(kept)}`, seconds: 1 },
        {
          address: expect.stringMatching(/^\/var\/spool\/pointsman\/[0-9a-f]{64}$/),
          seconds: 48,
        },
      ])
    }
    expect(lines.map(({ medium }) => medium).sort()).toEqual([
      'footenant: announcement Damaged',
      'footenant: announcement Gone',
      'othertenant: announcement Others',
    ])
  })

  it('lies in the folder that the engine shares', async () => {
    const one = await announce('Shared', 4)
    await media.playable(shared(), [one])
    expect(await readdir(join(folder, 'shared'))).toContain(`${stemOf(one)}.sln`)
    expect(await readdir(join(folder, 'ours')).catch(() => [])).not.toContain(`${stemOf(one)}.sln`)
  })

  it('is not read from the database where it lies there already', async () => {
    const one = await announce('Remembered', 5)
    await media.playable(shared(), [one])
    await world.ask('groupAdmin', 'DELETE', `${collection}Remembered/`)
    expect(await media.playable(shared(), [one])).toHaveLength(1)
  })

  it('is fetched by an engine that shares no folder, before any call plays it', async () => {
    const one = await announce('Fetched', 6)
    const { place, fetched } = fetching()
    const answers = await media.playable(place, [one])
    const address = `https://pointsman.example/base/media/${stemOf(one)}.sln`
    expect(answers).toEqual([{ address, seconds: 6 }])
    expect(fetched).toEqual([address])
  })

  it('is left out while the engine cannot fetch it, and fetched again at the next call', async () => {
    const { place, fetched } = fetching(async () => {
      throw new Error('The engine is away.')
    })
    expect(await media.playable(place, [holdMusic])).toEqual([])
    expect(await media.playable(place, [holdMusic])).toEqual([])
    expect(fetched).toHaveLength(2)
  })

  it('keeps nobody waiting for ever', async () => {
    const { place } = fetching(() => new Promise(() => {}))
    expect(await media.playable(place, [holdMusic])).toEqual([])
  })

  it('is served to nobody who does not know its hash', async () => {
    const one = await announce('Served', 7)
    await media.playable(fetching().place, [one])
    const name = stemOf(one)
    const bad = [
      one.sha256,
      `${one.sha256}.sln`,
      name,
      `${name}.wav`,
      `${name}.sln16`,
      `${name.toUpperCase()}.sln`,
    ]
    const others = ['', '%2e%2e%2fpointsman.db', `..%2fours%2f${name}.sln`, `${'0'.repeat(64)}.sln`]
    for (const other of [...bad, ...others]) {
      expectRefusal(await world.ask('system', 'GET', `/media/${other}`), 404)
    }
    expectRefusal(await world.ask('nobody', 'POST', `/media/${name}.sln`), 405)
    const answer = await world.ask('nobody', 'GET', `/media/${name}.sln`)
    expect(answer.status).toBe(200)
    expect(answer.bytes.length).toBe(7 * 16_000)
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    const part = { range: 'bytes=0-9' }
    const range = await world.ask('nobody', 'GET', `/media/${name}.sln`, undefined, part)
    expect([range.status, range.bytes.length]).toEqual([206, 10])
  })
})
