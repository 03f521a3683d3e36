import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import { createWorld, expectRefusal, group, password, routePoint, type World } from './world.ts'

const person = { firstName: 'A', lastName: 'B', password }
const admins = `${group}admins/`

describe.each(engines)(
  'a body on $name that arrives after its sender’s right has ended',
  (engine) => {
    let world: World
    beforeAll(async () => {
      world = await createWorld(engine)
    })
    afterAll(() => world.close())

    /** Sends the headers as a new group admin, lets `meanwhile` happen, and sends the body. */
    async function sendLate(
      request: { method: 'POST' | 'PUT' | 'DELETE'; url: string; body: object },
      meanwhile: (path: string) => Promise<unknown>,
    ) {
      const made = await world.ask('groupAdmin', 'POST', admins, { userId: 'late', ...person })
      const path = String(made.headers.location)
      const credentials = { username: 'late@sip.netaxis.be', password }
      const { headers } = await world.ask('nobody', 'POST', '/api/v1/login/', credentials)
      const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
      const payload = new PassThrough()
      const { method, url, body } = request
      const sent = world.app.inject({
        method,
        url,
        payload,
        headers: { cookie, 'content-type': 'application/json' },
      })
      // Were it identified only after what follows, it would be refused all the more.
      await delay(100)
      await meanwhile(path)
      payload.end(JSON.stringify(body))
      const answer = await sent
      await world.ask('groupAdmin', 'DELETE', path)
      const { statusCode: status, payload: text } = answer
      return {
        status,
        headers: answer.headers,
        text,
        bytes: answer.rawPayload,
        body: JSON.parse(text),
      }
    }

    const requests = [
      { method: 'POST', url: admins, body: { userId: 'backdoor', ...person } },
      { method: 'PUT', url: `${admins}groupadmin/`, body: { lastName: 'Changed' } },
      { method: 'DELETE', url: `${group}users/agent/`, body: {} },
      { method: 'PUT', url: `${routePoint}overflow/`, body: { timeoutSeconds: 99 } },
      {
        method: 'PUT',
        url: `${group}users/agent/services/call_centers/`,
        body: { makeOutgoingCallsAsCallCenter: true },
      },
      { method: 'POST', url: '/api/v1/tokens/', body: { name: 'late' } },
    ] as const

    it.each(requests)('is refused after a deletion: $method $url', async (request) => {
      const answer = await sendLate(request, (path) => world.ask('groupAdmin', 'DELETE', path))
      expectRefusal(answer, 401)
    })

    it.each(requests)('is refused after a demotion: $method $url', async (request) => {
      const department = { departmentName: 'Sales' }
      const answer = await sendLate(request, (path) =>
        world.ask('groupAdmin', 'PUT', path, { department }),
      )
      expectRefusal(answer, 403)
    })

    it('is taken when nothing has changed', async () => {
      const [, change] = requests
      const answer = await sendLate(change, async () => {})
      expect(answer.status, answer.text).toBe(200)
    })
  },
)
