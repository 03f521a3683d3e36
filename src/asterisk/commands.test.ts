import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AriServer } from '../../test/ari-server.ts'
import type { EngineConfiguration } from '../engines/configuration.ts'
import { bridgeCommands } from './bridges.ts'
import type { Office } from './channels.ts'
import { fetchCommand } from './fetches.ts'
import { mediaOf, playCommands } from './plays.ts'
import { createRequests } from './requests.ts'

const patient = { timeout: 15_000 }

let ari: AriServer
let office: Office
beforeEach(async () => {
  ari = await AriServer.open()
  const account = { url: `${ari.url}/ari`, username: 'a', password: 'b' }
  office = {
    configuration: { application: 'pointsman' } as EngineConfiguration,
    requests: createRequests(account, { onOutcome() {} }),
    channelOf: (leg) => leg,
  }
})
afterEach(() => ari.close())

/** Has requests of that method and path answered with a status. */
function refuse(pattern: RegExp, status: number): void {
  ari.answering = (request, response) => {
    const isMeant = pattern.test(`${request.method} ${request.url}`)
    if (isMeant) response.writeHead(status).end('{"message":"no"}')
    return isMeant
  }
}

describe('what is played', () => {
  it.each([
    ['/srv/media/abc.sln16', 'sound:/srv/media/abc'],
    ['/srv/media/abc.wav', 'sound:/srv/media/abc'],
    ['/srv/media/abc', 'sound:/srv/media/abc'],
    ['http://10.0.0.1/media/abc.sln', 'sound:http://10.0.0.1/media/abc.sln'],
  ])('at %s is named %s', (address, media) => {
    expect(mediaOf(address)).toBe(media)
  })

  it('is refused without being asked where a request could not hold it', async () => {
    const { play } = playCommands(office)
    const bytes = (addresses: string[]) =>
      Buffer.byteLength(JSON.stringify({ media: addresses.map(mediaOf) }))
    const most = ['x'.repeat(40_960 - bytes(['']))]
    expect(bytes(most)).toBe(40_960)
    await play('c1', 'p1', most)
    expect(ari.asked).toEqual(['POST /channels/c1/play/p1'])
    await expect(play('c1', 'p2', [`${most[0]}x`])).rejects.toMatchObject({ kind: 'refused' })
    expect(ari.asked).toHaveLength(1)
  })

  it('is heard to its end unless it was stopped, failed, or more was to follow', async () => {
    const { stop, wasWhole } = playCommands(office)
    expect(wasWhole({ id: 'p1', state: 'done' })).toBe(true)
    expect(wasWhole({ id: 'p1', state: 'failed' })).toBe(false)
    expect(wasWhole({ id: 'p1', state: 'done', next_media_uri: 'sound:x' })).toBe(false)
    await stop('p1')
    expect(wasWhole({ id: 'p1', state: 'done' })).toBe(false)
    expect(wasWhole({ id: 'p1', state: 'done' })).toBe(true)
  })

  it('is stopped also where it is gone', async () => {
    refuse(/^DELETE/, 404)
    const { stop, isPlaying } = playCommands(office)
    await stop('p1')
    expect(await isPlaying('p1')).toBe(false)
    refuse(/playbacks/, 500)
    await expect(stop('p1')).rejects.toMatchObject({ kind: 'refused' })
    await expect(isPlaying('p1')).rejects.toMatchObject({ kind: 'refused' })
  })

  it('and stopped is remembered, of 10,000 at most whose end is never told', async () => {
    const { stop, wasWhole } = playCommands(office)
    for (let hundred = 0; hundred < 100; hundred += 1) {
      await Promise.all(Array.from({ length: 100 }, (_, one) => stop(`p${hundred * 100 + one}`)))
    }
    expect(wasWhole({ id: 'p1', state: 'done' })).toBe(false)
    // It takes the place of the one that was told of, and the next has all others forgotten.
    await stop('again')
    await stop('more')
    expect(wasWhole({ id: 'p2', state: 'done' })).toBe(true)
    expect(wasWhole({ id: 'more', state: 'done' })).toBe(false)
  }, 60_000)
})

describe('legs that are to hear one another', () => {
  const added = () => ari.asked.filter((one) => one.endsWith('/addChannel')).length

  it('are tried 40 times where one is not in our application yet, and no bridge is left', async () => {
    refuse(/addChannel/, 422)
    await expect(bridgeCommands(office).connect('b1', ['c1', 'c2'])).rejects.toMatchObject({
      kind: 'refused',
    })
    expect(added()).toBe(40)
    expect(ari.asked.at(-1)).toBe('DELETE /bridges/b1')
  })

  it('hear one another as soon as both are', async () => {
    refuse(/addChannel/, 422)
    const connecting = bridgeCommands(office).connect('b1', ['c1', 'c2'])
    await expect.poll(added, patient).toBeGreaterThan(2)
    ari.answering = () => false
    await connecting
    expect(ari.asked).not.toContain('DELETE /bridges/b1')
  })

  it('do not where one is gone, which is told at once, and no bridge is left', async () => {
    refuse(/addChannel/, 400)
    await expect(bridgeCommands(office).connect('b1', ['c1', 'c2'])).rejects.toMatchObject({
      kind: 'gone',
    })
    expect(added()).toBe(1)
    expect(ari.asked.at(-1)).toBe('DELETE /bridges/b1')
  })

  it('do in a bridge that was made already', async () => {
    refuse(/POST \/ari\/bridges$/, 409)
    await bridgeCommands(office).connect('b1', ['c1', 'c2'])
    expect(added()).toBe(1)
  })
})

describe('what an engine is to fetch', () => {
  const address = 'http://10.0.0.1/media/abc.sln'
  const playAt = () => {
    const asked = ari.asked.find((one) => one.includes('/play/'))
    return asked && decodeURIComponent(asked.replace(/.*\/play\//, ''))
  }

  it.each([
    ['done', true],
    ['failed', false],
  ])('is told by its end, %s, and nothing of it is left', async (state, isFetched) => {
    const { fetch, fetched } = fetchCommand(office)
    const fetching = fetch(address).then(
      () => true,
      () => false,
    )
    await expect.poll(playAt, patient).toBeDefined()
    expect(fetched({ id: 'another', state })).toBe(false)
    expect(fetched({ id: playAt() ?? '', state })).toBe(true)
    expect(await fetching).toBe(isFetched)
    expect(ari.asked.at(-1)).toMatch(/^DELETE \/bridges\/pointsman-fetch-[\w-]+$/)
    expect(fetched({ id: playAt() ?? '', state })).toBe(false)
  })

  it('is fetched once for all who want it, also later, but again where that failed', async () => {
    const { fetch, fetched } = fetchCommand(office)
    const plays = () => ari.asked.filter((one) => one.includes('/play/'))
    const end = async (times: number, state: string) => {
      await expect.poll(() => plays().length, patient).toBe(times)
      const [, play = ''] = /\/play\/(.+)/.exec(plays().at(-1) ?? '') ?? []
      fetched({ id: decodeURIComponent(play), state })
    }
    const failing = Promise.allSettled([fetch(address), fetch(address)])
    await end(1, 'failed')
    expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const fetching = Promise.all([fetch(address), fetch(address)])
    await end(2, 'done')
    await fetching
    await fetch(address)
    expect(plays()).toHaveLength(2)
  })

  it('is given up after half a minute, and nothing of it is left', async () => {
    const { fetch } = fetchCommand(office)
    await expect(fetch(address)).rejects.toThrow(`The engine did not fetch ${address}`)
    expect(ari.asked.at(-1)).toMatch(/^DELETE \/bridges\//)
  }, 60_000)
})
