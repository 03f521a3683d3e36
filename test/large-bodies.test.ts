import { once } from 'node:events'
import { type ClientRequest, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import { encodeForm } from './form.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  type Person,
  siblingGroup,
  type World,
} from './world.ts'

/** Of these a tenant may have two in the air, and a node eight. */
const largeBytes = 6_500_000

const pathOf = (place: string) => `${place}announcements/`

describe.each(engines)('large bodies on $name', (engine) => {
  let world: World
  let port: number
  const authorizations = new Map<Person, string>()
  const open = new Set<ClientRequest>()

  beforeAll(async () => {
    world = await createWorld(engine)
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    port = (world.app.server.address() as AddressInfo).port
    for (const person of ['groupAdmin', 'siblingAdmin', 'system'] as const) {
      const { body } = await world.ask(person, 'POST', '/api/v1/tokens/', { name: 'socket' })
      authorizations.set(person, `Bearer ${body.token}`)
    }
  })
  afterAll(() => world.close())
  afterEach(async () => {
    for (const request of open) request.destroy()
    open.clear()
    await expectTaken('groupAdmin', group)
  })

  /** Begins an upload that does not end. */
  function begin(person: Person, place: string, headers: Record<string, string> = {}) {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: pathOf(place),
      headers: {
        authorization: authorizations.get(person) ?? '',
        'content-type': 'application/json',
        ...(!headers['transfer-encoding'] && { 'content-length': String(largeBytes) }),
        ...headers,
      },
    })
    // It is cut off by either side.
    request.on('error', () => {})
    // A database that is busy refuses before anything is held.
    request.on('response', (answer) => {
      answer.resume()
      if (open.delete(request)) begin(person, place, headers)
    })
    request.write('{"name":"')
    open.add(request)
    return request
  }

  /** What a large body, which is no JSON, is answered: 400 once it was read. */
  async function probe(person: Person, place: string, bytes = largeBytes) {
    return world.ask(person, 'POST', pathOf(place), 'x'.repeat(bytes))
  }

  const statusOf = async (person: Person, place: string) => (await probe(person, place)).status
  const expectTaken = (person: Person, place: string) =>
    expect.poll(() => statusOf(person, place), { timeout: 20_000 }).toBe(400)
  const expectBusy = (person: Person, place: string) =>
    expect.poll(() => statusOf(person, place), { timeout: 20_000 }).toBe(503)

  it('of one tenant are bounded, by however many people they are sent', async () => {
    begin('groupAdmin', group)
    begin('siblingAdmin', siblingGroup)
    await expectBusy('groupAdmin', group)
    await expectBusy('siblingAdmin', siblingGroup)
    await expectBusy('tenantAdmin', group)
    await expectUnchanged(world, async () => {
      const answer = await probe('groupAdmin', group)
      expectRefusal(answer, 503)
      expect(answer.headers['retry-after']).toBe('2')
      expect(answer.headers.connection).toBe('close')
    })
  })

  it('of one tenant keep nobody else’s out, nor what is small', async () => {
    begin('groupAdmin', group)
    begin('groupAdmin', group)
    await expectBusy('groupAdmin', group)
    expect(await statusOf('otherTenantAdmin', otherGroup)).toBe(400)
    expect(await statusOf('system', group)).toBe(400)
    expect((await probe('groupAdmin', group, 200_000)).status).toBe(400)
    expect((await world.ask('groupAdmin', 'GET', pathOf(group))).status).toBe(200)
  })

  it.each([
    ['without a length', { 'transfer-encoding': 'chunked' }],
    ['in a form', { 'content-type': 'multipart/form-data; boundary=x' }],
    [
      'of more than is allowed in a form',
      { 'content-length': '900000000', 'content-type': 'multipart/form-data; boundary=x' },
    ],
  ])('%s count as well', async (_, headers) => {
    begin('groupAdmin', group, headers)
    begin('groupAdmin', group, headers)
    await expectBusy('groupAdmin', group)
  })

  it('are counted no longer once they break off', async () => {
    for (let round = 0; round < 3; round += 1) {
      const requests = [
        begin('groupAdmin', group),
        begin('groupAdmin', group, { 'content-type': 'multipart/form-data; boundary=x' }),
      ]
      await expectBusy('groupAdmin', group)
      for (const request of requests) request.destroy()
      await expectTaken('groupAdmin', group)
    }
  })

  it('are not counted when they broke off before their sender was known', async () => {
    for (let count = 0; count < 60; count += 1) {
      const request = begin('groupAdmin', group)
      await once(request, 'socket')
      await setTimeout(count / 10)
      open.delete(request)
      request.destroy()
    }
    await expectTaken('groupAdmin', group)
    begin('groupAdmin', group)
    await expectTaken('groupAdmin', group)
  })

  it('are counted no longer once they are answered, whatever the answer', async () => {
    const form = await encodeForm([
      ['name', 'x'],
      ['content', Buffer.alloc(5_300_000)],
    ])
    for (let round = 0; round < 4; round += 1) {
      const tooLarge = await world.ask('groupAdmin', 'POST', pathOf(group), form.body, form.headers)
      expect(tooLarge.status).toBe(413)
      expect((await probe('groupAdmin', group, 8_000_000)).status).toBe(413)
      expect((await probe('groupAdmin', `${group}none/`, largeBytes)).status).toBe(404)
      expect((await probe('endUser', group)).status).toBe(403)
      const valid = { name: 'x', description: 'y', content: 'A'.repeat(6_000_000) }
      expect((await world.ask('groupAdmin', 'POST', pathOf(group), valid)).status).toBe(400)
    }
  })
})
