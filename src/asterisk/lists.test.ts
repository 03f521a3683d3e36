import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AriServer, channel } from '../../test/ari-server.ts'
import { readLists } from './lists.ts'
import { createRequests } from './requests.ts'

let ari: AriServer
beforeEach(async () => {
  ari = await AriServer.open()
})
afterEach(() => ari.close())

function read() {
  const account = { url: `${ari.url}/ari`, username: 'a', password: 'b' }
  const requests = createRequests(account, { onOutcome() {} })
  return readLists(requests, { application: 'pointsman' })
}

const inDialplan = (app_name: string, app_data?: string) => ({
  dialplan: { exten: 's', app_name, ...(app_data !== undefined && { app_data }) },
})

const bridge = (id: string, changed: object = {}) => ({
  id,
  name: 'pointsman',
  channels: ['c1'],
  ...changed,
})

describe('what an engine has', () => {
  it('is told apart: callers, telephones under ids of ours, and bridges', async () => {
    ari.channels = [
      channel('c1'),
      channel('pointsman-1.1'),
      channel('c2', inDialplan('Stasis', 'pointsman,argument')),
    ]
    ari.bridges = [bridge('pointsman-b1'), bridge('pointsman-fetch-1')]
    const { callers, phones, bridges, fetches } = await read()
    expect(callers.map(({ id }) => id)).toEqual(['c1', 'c2'])
    expect(phones.map(({ id }) => id)).toEqual(['pointsman-1.1'])
    expect(bridges).toEqual([bridge('pointsman-b1')])
    expect(fetches).toEqual(['pointsman-fetch-1'])
  })

  it('is left alone where it is of others', async () => {
    ari.channels = [
      channel('c1', inDialplan('Dial', 'pointsman')),
      channel('c2', inDialplan('Stasis', 'other')),
      channel('c3', inDialplan('Stasis', 'pointsman2')),
      channel('c4', inDialplan('Stasis')),
      channel('pointsman-1.1', inDialplan('Stasis', 'other')),
    ]
    const others = { name: 'other' }
    ari.bridges = [
      bridge('b1'),
      bridge('pointsman-b1', others),
      bridge('pointsman-fetch-1', others),
    ]
    expect(await read()).toEqual({ callers: [], phones: [], bridges: [], fetches: [] })
  })

  it('is read without what is no channel and no bridge', async () => {
    ari.channels = [channel('', {}), { id: 'c2' }, [], channel('c1'), channel('c3', { caller: 5 })]
    ari.bridges = [{ id: 'pointsman-b1' }, bridge('pointsman-b2', { channels: [5] })]
    const { callers, bridges } = await read()
    expect(callers.map(({ id }) => id)).toEqual(['c1'])
    expect(bridges).toEqual([])
  })

  it('is read also where it is long', async () => {
    ari.channels = Array.from({ length: 5_000 }, (_, index) => channel(`c${index}`))
    expect((await read()).callers).toHaveLength(5_000)
  })

  it.each(['{}', 'null', '""', '5', ''])(
    'cannot be read from a list that is %j',
    async (answer) => {
      ari.answering = (request, response) => {
        if (request.url === '/ari/channels') response.end(answer)
        return request.url === '/ari/channels'
      }
      await expect(read()).rejects.toMatchObject({ kind: 'refused' })
    },
  )
})
