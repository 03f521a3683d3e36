import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  routePoint,
  siblingGroup,
  type World,
} from '../../../../test/world.ts'
import type { Schema } from '../../../documents/vocabulary.ts'
import { dnisSettings } from '../dnis/announcements.ts'
import { settings } from './index.ts'

/** The members that say where calls go, with what else makes a change of them whole. */
const members: [setting: string, member: string][] = [
  ['overflow', 'transferPhoneNumber'],
  ['bounced_call', 'transferPhoneNumber'],
  ['forced_forwarding', 'forwardToPhoneNumber'],
  ['failover_policy', 'failoverPhoneNumber'],
  ['failover_policy', 'perCallFailoverPhoneNumber'],
]

function marked(schema: Schema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const at = path ? `${path}.${key}` : key
    return property.destination ? [at] : marked(property, at)
  })
}

it('every member of a setting that is called a destination is tried here', () => {
  const all = [...settings, ...dnisSettings].flatMap(({ name, document }) =>
    marked(document.schemas.shown, '').map((member) => [name, member]),
  )
  expect(all).toEqual(members)
})

const own = [
  ...['+3225126779', '025126779', '02 512 67-79', '003225126779', '\u200e+32\u00a025126779'],
  ...['5100', '9998', '+3225126780', '112', '7100'],
  ...['APIOTESTRP@SIP.Netaxis.BE', 'apiotestrp@sip.netaxis.be:5060', '%41PIOTestRP@sip.netaxis.be'],
  ...['+3225126779@sip.netaxis.be', '025126780@SIP.netaxis.be:5061', '9998@sip.netaxis.be'],
  ...['+32-2-512-67.79@sip.netaxis.be', '%2B3225126779@sip.netaxis.be'],
  ...['+3225126779;phone-context=x@sip.netaxis.be', '+3225126779@sibling.example'],
]

const foreign = [
  ...['5001', '+3225126778', '51000', '+5100', 'desk@sip.netaxis.be', '5100@carrier.example'],
  ...['+3225126779@carrier.example', 'apiotestrp@carrier.example', 'siblingRP@sip.netaxis.be'],
  // The extension of another group.
  '5100@sibling.example',
]

describe.each(engines)('calls on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    await world.ask('system', 'PUT', siblingGroup, { defaultDomain: 'sibling.example' })
    const numbers = { phoneNumber: '+3225126779', extension: '5100' }
    await put(routePoint, { serviceInstanceProfile: numbers })
    await post(`${routePoint}dnis/`, { name: 'Main', phoneNumber: '025126780', extension: '9998' })
    await post(`${routePoint}dnis/`, { name: 'Short', phoneNumber: '112', extension: '7100' })
  })
  afterAll(() => world.close())

  const put = (path: string, body: object) => world.ask('groupAdmin', 'PUT', path, body)
  const post = (path: string, body: object) => world.ask('groupAdmin', 'POST', path, body)

  describe.each(members)('by the setting %s', (setting, member) => {
    const path = `${routePoint}${setting}/`

    it('do not come back to the route point, in whatever form', async () => {
      await expectUnchanged(world, async () => {
        for (const destination of own) {
          const answer = await put(path, { [member]: destination })
          expect(answer.status, destination).toBe(400)
          expectRefusal(answer, 400, [{ code: 2, parameter: member }])
          expect(answer.body.errors[0].message).toContain('leads back')
        }
      })
    })

    it('go anywhere else', async () => {
      for (const destination of foreign) {
        const answer = await put(path, { [member]: destination })
        expect(answer.status, `${destination} ${answer.text}`).toBe(200)
      }
      await put(path, { [member]: null })
    })

    it.each([
      ['desk@sip.example.org:0', 'port'],
      ['desk@sip.example.org:65536', 'port'],
      [`desk@${'a'.repeat(64)}.example`, 'host'],
      ['desk@sip..example', 'host'],
      ['desk@-sip.example', 'host'],
      ['desk@sip-.example', 'host'],
      ['desk@sip.example.', 'host'],
      ['desk@256.1.1.1', 'host'],
      ['desk@1.2.3', 'host'],
      ['desk@5', 'host'],
      ['desk@[::1::]', 'host'],
      ['desk@[1.2.3.4]', 'host'],
      ['desk@[12345::]:5060', 'host'],
    ])('go to no host such as that of %s', async (destination, part) => {
      await expectUnchanged(world, async () => {
        const answer = await put(path, { [member]: destination })
        expectRefusal(answer, 400, [{ code: 2, parameter: member }])
        expect(answer.body.errors[0].message).toContain(`The ${part} of the '${member}' field must`)
      })
    })

    it.each([
      'desk@localhost',
      `desk@${'a'.repeat(63)}.example:65535`,
      'desk@10.0.0.255:1',
      'desk@[2001:db8::1]:5060',
      'desk@[::ffff:10.0.0.1]',
      'desk%20one@1.example',
    ])('go to a host such as that of %s', async (destination) => {
      const answer = await put(path, { [member]: destination })
      expect(answer.body[member], answer.text).toBe(destination)
      await put(path, { [member]: null })
    })

    it.each(['*97', '#31#', 'sip:user@host', 'tel:+3225126779', 'desk', 'desk%2@host', 'a@b:x'])(
      'go by the forms that are told, and %s is none',
      async (destination) => {
        await expectUnchanged(world, async () => {
          const answer = await put(path, { [member]: destination })
          expectRefusal(answer, 400, [{ code: 2, parameter: member }])
          const told = "an extension or a phone number (digits with an optional leading '+')"
          expect(answer.body.errors[0].message).toContain(told)
          expect(answer.body.errors[0].message).toContain("without 'sip:'")
        })
      },
    )

    it.each([
      ['+3225126790', { phoneNumber: '02 512 67 90' }, 'phoneNumber'],
      ['118', { phoneNumber: '118' }, 'phoneNumber'],
      ['5200', { extension: '5200' }, 'extension'],
      ['5200@sip.netaxis.be', { extension: '5200' }, 'extension'],
      ['+32-25126790@sip.netaxis.be', { phoneNumber: '+3225126790' }, 'phoneNumber'],
    ])(
      'that go to %s keep the route point and its DNIS from that number',
      async (destination, numbers, parameter) => {
        expect((await put(path, { [member]: destination })).status).toBe(200)
        const faults = [{ code: 2, parameter }]
        await expectUnchanged(world, async () => {
          const answer = await put(routePoint, { serviceInstanceProfile: numbers })
          expectRefusal(answer, 400, [
            { code: 2, parameter: `serviceInstanceProfile.${parameter}` },
          ])
          expect(answer.body.errors[0].message).toContain(setting)
          expectRefusal(await put(`${routePoint}dnis/Main/`, numbers), 400, faults)
          expectRefusal(await post(`${routePoint}dnis/`, { name: 'New', ...numbers }), 400, faults)
        })
        // Others may have it, and what is no new number is not judged.
        const user = { userId: 'holder', firstName: 'A', lastName: 'B', ...numbers }
        const holder = await post(`${group}users/`, user)
        expect(holder.status, holder.text).toBe(201)
        await world.ask('system', 'DELETE', String(holder.headers.location))
        expect((await put(`${routePoint}dnis/Main/`, { cliLastName: 'x' })).status).toBe(200)
        await put(path, { [member]: null })
        expect((await put(`${routePoint}dnis/Main/`, numbers)).status).toBe(200)
        await put(`${routePoint}dnis/Main/`, { phoneNumber: '025126780', extension: '9998' })
      },
    )
  })

  it('of a number and a setting that are given at once do not come back', async () => {
    const forward = put(`${routePoint}forced_forwarding/`, { forwardToPhoneNumber: '5300' })
    const number = put(routePoint, { serviceInstanceProfile: { extension: '5300' } })
    const statuses = (await Promise.all([forward, number])).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 400])
  })
})
