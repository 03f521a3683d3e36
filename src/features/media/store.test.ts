import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waveFile } from '../../../test/audio.ts'
import type { MediaSource } from './make-file.ts'
import { openStore, type Store } from './store.ts'

const limits = { bytesMax: 1_000_000, days: 7 }
const hour = 3_600

describe('the folder of media', () => {
  let folder: string
  let store: Store
  /** How often a source was read. */
  let reads: number
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'pointsman-media-')), 'made', 'later')
    store = openStore(folder, limits)
    reads = 0
  })
  afterEach(() => rmSync(join(folder, '..', '..'), { recursive: true }))

  /** What everybody plays, unless it is a tenant's. */
  function source(bytes: Buffer, given: Partial<MediaSource> = {}): MediaSource {
    return {
      sha256: createHash('sha256').update(bytes).digest('hex'),
      ...given,
      async *read() {
        reads += 1
        for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000)
      },
    }
  }

  /** What is unused for so many hours. */
  async function age(name: string, hours: number): Promise<void> {
    const time = Date.now() / 1_000 - hours * hour
    await utimes(join(folder, name), time, time)
  }

  const files = () => readdir(folder).catch(() => [])

  it.each([
    ['what is no audio', Buffer.from('no audio'), {}],
    ['what has no audio in it', waveFile(0), {}],
    ['what has another hash than was told', waveFile(), { sha256: 'a'.repeat(64) }],
    ['what has no hash', waveFile(), { sha256: '../../escaped' }],
  ])('takes nothing of %s', async (_, bytes, given) => {
    await expect(store.ensure(source(bytes, given))).rejects.toThrow()
    expect((await files()).filter((name) => name !== `${source(bytes).sha256}.sln`)).toEqual([])
  })

  it('takes nothing of what ends before it is whole', async () => {
    const whole = source(waveFile())
    async function* read() {
      yield waveFile().subarray(0, 500)
      throw new Error('It was deleted.')
    }
    await expect(store.ensure({ ...whole, read })).rejects.toThrow('It was deleted.')
    expect(await files()).toEqual([])
    expect((await store.ensure(whole)).name).toBe(`${whole.sha256}.sln`)
  })

  it('has a file under the hash of its source, which tells how long it lasts', async () => {
    const bytes = waveFile(1.5, { rate: 16_000 })
    const one = source(bytes)
    const file = await store.ensure(one)
    expect(file).toEqual({ name: `${one.sha256}.sln16`, bytes: 48_000, seconds: 1.5 })
    expect(await store.find(file.name)).toEqual(file)
    expect((await readFile(join(folder, file.name))).equals(bytes.subarray(-48_000))).toBe(true)
    expect((await stat(join(folder, file.name))).mode & 0o777).toBe(0o644)
    const part = await Array.fromAsync(store.read(file, { first: 10, last: 19 }))
    expect(Buffer.concat(part).equals(bytes.subarray(-47_990, -47_980))).toBe(true)
  })

  it.each([
    ['at 8 kHz', {}, 16_000, 'sln'],
    ['at 16 kHz', { rate: 16_000 }, 32_000, 'sln16'],
    ['of A-law', { tag: 6, bits: 8 }, 16_000, 'sln'],
  ])(
    'lets one sample %s last a second, so that music of it keeps no engine busy',
    async (_, given, bytes, ending) => {
      const one = source(waveFile(1 / 16_000, given))
      const file = await store.ensure(one)
      expect(file).toEqual({ name: `${one.sha256}.${ending}`, bytes, seconds: 1 })
      const audio = await readFile(join(folder, file.name))
      expect(audio.subarray(0, 2).equals(Buffer.alloc(2))).toBe(false)
      expect(audio.subarray(2).equals(Buffer.alloc(bytes - 2))).toBe(true)
      // As it was made before.
      await writeFile(join(folder, file.name), audio.subarray(0, 2))
      expect(await store.find(file.name)).toBeUndefined()
      expect(await store.ensure(one)).toEqual(file)
    },
  )

  it('makes a file once for all who want it at the same moment, and later, and elsewhere', async () => {
    const one = source(waveFile())
    await Promise.all(Array.from({ length: 50 }, () => store.ensure(one)))
    await store.ensure(one)
    await openStore(folder, limits).ensure(one)
    expect(reads).toBe(1)
    expect(await files()).toEqual([`${one.sha256}.sln`])
  })

  it('makes a file anew that somebody removed or emptied', async () => {
    const one = source(waveFile())
    const { name, bytes } = await store.ensure(one)
    rmSync(join(folder, name))
    await store.ensure(one)
    await writeFile(join(folder, name), '')
    expect(await store.find(name)).toBeUndefined()
    await store.ensure(one)
    expect((await stat(join(folder, name))).size).toBe(bytes)
  })

  it('notes a use at most once an hour', async () => {
    const one = source(waveFile())
    const { name } = await store.ensure(one)
    const usedAt = async () => (await stat(join(folder, name))).mtimeMs
    await age(name, 0.9)
    const before = await usedAt()
    await store.ensure(one)
    expect(await usedAt()).toBe(before)
    await age(name, 1.1)
    await store.ensure(one)
    expect(Date.now() - (await usedAt())).toBeLessThan(60_000)
  })

  it('loses what nobody uses, and what was never finished, and nothing of anybody else', async () => {
    const [old, used] = await Promise.all(
      [waveFile(1), waveFile(2)].map((one) => store.ensure(source(one))),
    )
    if (!old || !used) throw new Error('Both were made.')
    await age(old.name, 7 * 24 + 1)
    await age(used.name, 7 * 24 - 1)
    const unfinished = `${'a'.repeat(64)}.${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}.part`
    for (const name of [unfinished, 'moh.wav', `${'b'.repeat(64)}.wav`]) {
      await writeFile(join(folder, name), 'x')
      await age(name, 1_000)
    }
    await store.tidy()
    expect((await files()).sort()).toEqual([`${'b'.repeat(64)}.wav`, 'moh.wav', used.name].sort())
    expect(store.bytes()).toBe(used.bytes)
  })

  it('makes room where there is none, but not by what may be playing', async () => {
    const small = openStore(folder, { ...limits, bytesMax: 40_000 })
    const ensure = (seconds: number) =>
      small.ensure(source(waveFile(seconds), { tenantKey: `tenant${seconds}` }))
    const [first, second] = [await ensure(1), await ensure(2)]
    await expect(ensure(3)).rejects.toThrow('There are 48000 bytes, of 40000 in all.')
    await age(first.name, 5)
    await age(second.name, 7)
    const third = await ensure(3)
    expect((await files()).sort()).toEqual([first.name, third.name].sort())
  })

  it('gives a tenant a quarter, makes room in it by that tenant’s own, and is never too full for what everybody plays', async () => {
    const small = openStore(folder, { ...limits, bytesMax: 200_000 })
    const of = (tenantKey: string, seconds: number) =>
      small.ensure(source(waveFile(seconds), { tenantKey }))
    const others = await of('other', 1)
    const own = [await of('greedy', 1), await of('greedy', 1.5), await of('greedy', 2)]
    expect(new Set([others, ...own].map(({ name }) => name)).size).toBe(4)
    await expect(of('greedy', 3)).rejects.toThrow('The tenant has 72000 bytes, of 50000.')
    await age(others.name, 9)
    for (const { name } of own.slice(0, 2)) await age(name, 8)
    const more = await of('greedy', 3)
    const left = [others, own[2], more].map((file) => file?.name)
    expect((await files()).sort()).toEqual(left.sort())
    // Who opens the folder next knows whose is what.
    const next = openStore(folder, { ...limits, bytesMax: 200_000 })
    const asked = next.ensure(source(waveFile(4), { tenantKey: 'greedy' }))
    await expect(asked).rejects.toThrow('The tenant has 80000 bytes, of 50000.')
    const full = openStore(folder, { ...limits, bytesMax: 10 })
    await expect(full.ensure(source(waveFile(5), { tenantKey: 'new' }))).rejects.toThrow()
    expect((await full.ensure(source(waveFile(5)))).seconds).toBe(5)
  })

  it('is not cleared of what is wanted meanwhile', async () => {
    const one = source(waveFile())
    const { name } = await store.ensure(one)
    for (let round = 0; round < 20; round += 1) {
      await age(name, 1_000)
      const [file] = await Promise.all([store.ensure(one), store.tidy()])
      expect(await store.find(file.name)).toEqual(file)
    }
  })
})
