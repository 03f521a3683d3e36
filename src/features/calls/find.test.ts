import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import {
  createWorld,
  group,
  otherGroup,
  routePoint,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import type { Reader } from '../../database/database.ts'
import type { RoutePointKey } from '../route-points/route-point.ts'
import { findAgent, findCallee, resolveDestination } from './find.ts'

const hotline: RoutePointKey = ['footenant', 'foogroup', 'apiotestrp@sip.netaxis.be']
const sibling: RoutePointKey = ['footenant', 'siblinggroup', 'siblingrp@sip.netaxis.be']
const other: RoutePointKey = ['othertenant', 'othergroup', 'otherrp@other.example']
const alone: RoutePointKey = ['footenant', 'alonegroup', 'alonerp@alone.example']

const tenant = '/api/v1/tenants/footenant/'
const aloneGroup = `${tenant}groups/alonegroup/`

/** Addresses of engines are nobody's domain. */
const trunk = '192.0.2.1'
const domain = 'sip.netaxis.be'
const longest = `${'x'.repeat(161 - domain.length - 1)}@${domain}`

const control = ['\r', '\n', '\0', '%00', '%0d%0a', '\u007f', '\ud800']

describe.each(engines)('calls on $name', (engine) => {
  let world: World
  /** How many look-ups there were. */
  let lookUps = 0
  let reader: Reader

  async function ask(method: string, path: string, body: object) {
    const answer = await world.ask('system', method, path, body)
    expect([200, 201], `${path} ${answer.text}`).toContain(answer.status)
  }

  beforeAll(async () => {
    world = await createWorld(engine)
    const { database } = world
    reader = {
      ...database,
      get(statement, ...values) {
        lookUps += 1
        return database.get(statement, ...values)
      },
      all(statement, ...values) {
        lookUps += 1
        return database.all(statement, ...values)
      },
    }
    const profile = (phoneNumber: string, extension: string) => ({
      serviceInstanceProfile: { phoneNumber, extension },
    })
    await ask('PUT', routePoint, profile('+3225126779', '5100'))
    await ask('POST', `${routePoint}dnis/`, {
      name: 'Main',
      phoneNumber: '025126780',
      extension: '9998',
    })
    await ask('POST', `${routePoint}dnis/`, { name: 'Short', phoneNumber: '112' })
    await ask('PUT', `${group}users/agent/`, { phoneNumber: '+3225126778', extension: '5001' })
    const others = `${siblingGroup}services/route_points/siblingRP/`
    await ask('PUT', others, profile('+3225126781', '5200'))
    await ask('POST', `${siblingGroup}users/`, {
      userId: 'sister',
      firstName: 'A',
      lastName: 'B',
      extension: '5201',
      phoneNumber: '025126782',
    })
    const foreign = `${otherGroup}services/route_points/otherRP/`
    await ask('PUT', foreign, profile('+3225126790', '5300'))
    await ask('POST', `${foreign}dnis/`, { name: 'Short', phoneNumber: '112', extension: '5301' })
    await ask('POST', `${otherGroup}users/`, {
      userId: 'stranger',
      firstName: 'A',
      lastName: 'B',
      extension: '5302',
      phoneNumber: '+3225126791',
    })
    // The only group with its domain, in a country of its own; and one that is nowhere.
    await ask('POST', `${tenant}groups/`, {
      groupId: 'alonegroup',
      defaultDomain: 'alone.example',
      country: 'DE',
    })
    await ask('POST', `${aloneGroup}services/route_points/`, {
      serviceUserId: 'aloneRP',
      serviceInstanceProfile: { name: 'x', phoneNumber: '017012345678', extension: '5100' },
    })
    await ask('POST', `${aloneGroup}services/route_points/`, {
      serviceUserId: '7000',
      serviceInstanceProfile: { name: 'x' },
    })
    await ask('POST', `${aloneGroup}services/route_points/`, {
      serviceUserId: 'a;b c',
      serviceInstanceProfile: { name: 'x' },
    })
    await ask('POST', `${group}services/route_points/`, {
      serviceUserId: longest,
      serviceInstanceProfile: { name: 'x' },
    })
  })
  afterAll(() => world.close())

  describe('that arrive', () => {
    const find = (user: string, at = trunk, country = 'BE') =>
      findCallee(reader, { user, domain: at, country })

    it.each([
      ['', domain],
      ['unknown', domain],
      ['@', domain],
      ['apiotestrp', ''],
      ['apiotestrp', trunk],
      ['apiotestrp', 'sibling.example'],
      ['apiotestrp@sip.netaxis.be@sip.netaxis.be', domain],
      ['+3225129999', domain],
      ['+32251267790', domain],
      ['+', domain],
      ['+32x', domain],
      ['%', domain],
      // People, by whatever they have.
      ...['+3225126778', '025126778', '5001', 'agent', 'groupadmin', 'tenantadmin'].map((user) => [
        user,
        domain,
      ]),
      ['5302', 'other.example'],
      ['admin', ''],
      // Extensions where several groups have the domain, and where nobody has.
      ['5100', domain],
      ['9998', domain],
      ['5100', trunk],
      ['5100', ''],
      ['5100', 'other.example'],
      ['5200', 'alone.example'],
      // Short codes of a tenant that is not named.
      ['112', trunk],
      ['112', ''],
      ['112', 'carrier.example'],
    ])('%j at %j are for no route point', async (user, at) => {
      expect(await find(user, at)).toBeUndefined()
    })

    it('are for no route point where a text is too long or no text, and nothing is looked up', async () => {
      lookUps = 0
      const tooLong = ['x'.repeat(200), '1'.repeat(200), `+3225126779;${'x'.repeat(200)}`]
      for (const user of [...tooLong, '1'.repeat(1_000_000)]) {
        expect(await find(user, domain)).toBeUndefined()
        expect(await find('apiotestrp', user)).toBeUndefined()
      }
      for (const one of control.filter((text) => text.length === 1)) {
        expect(await find(`apiotestrp${one}`, domain)).toBeUndefined()
        expect(await find('apiotestrp', `${domain}${one}`)).toBeUndefined()
      }
      expect(lookUps).toBe(0)
      for (const one of control) {
        expect(await find(`${one}apiotestrp`, domain)).toBeUndefined()
        expect(await find(`+3225126779${one}`, domain)).toBeUndefined()
      }
    })

    it.each([
      '+3225126779',
      '025126779',
      '003225126779',
      '3225126779',
      '+32-2-512-67.79',
      '%2B3225126779',
      '+3225126779;phone-context=x',
      '+3225126779;npdi;rn=+3200000',
      '+3225126779@carrier.example',
      '+3225126779@[2001:db8::1]:5060',
    ])('%s are for the route point with the number, whatever the domain', async (user) => {
      for (const at of [trunk, '', domain, 'alone.example', 'other.example', '[2001:db8::1]']) {
        expect(await find(user, at), at).toEqual({ routePoint: hotline, dnisName: null })
      }
    })

    it.each([
      ['+3225126780', { routePoint: hotline, dnisName: 'Main' }],
      ['02 512', undefined],
      ['025126780', { routePoint: hotline, dnisName: 'Main' }],
      ['+4917012345678', { routePoint: alone, dnisName: null }],
      ['+3225126790', { routePoint: other, dnisName: null }],
      ['025126781', { routePoint: sibling, dnisName: null }],
    ])('%s are for %j', async (user, callee) => {
      expect(await find(user)).toEqual(callee)
    })

    it('are read by the country of the engine, which may deliver E.164 without a plus', async () => {
      const found = { routePoint: alone, dnisName: null }
      expect(await find('017012345678', trunk, 'DE')).toEqual(found)
      expect(await find('017012345678', trunk, 'BE')).toBeUndefined()
      expect(await find('017012345678', trunk, '')).toBeUndefined()
      for (const country of ['DE', 'BE', '', 'US', 'ZZ']) {
        expect(await find('4917012345678', trunk, country), country).toEqual(found)
      }
    })

    it.each([
      ['apiotestrp', domain, hotline],
      ['APIOTestRP', 'SIP.Netaxis.BE', hotline],
      ['apiotestrp', 'sip.netaxis.be:5060', hotline],
      ['apiotestrp', 'sip.netaxis.be.', hotline],
      ['apiotestrp', 'sip.netaxis.be;transport=tls', hotline],
      ['%41PIOTestRP', domain, hotline],
      ['apiotestrp;x=y', domain, hotline],
      ['apiotestrp@sip.netaxis.be', trunk, hotline],
      ['apiotestrp@SIP.netaxis.be:5061', '', hotline],
      ['otherrp', 'other.example', other],
      ['a;b c', 'alone.example', ['footenant', 'alonegroup', 'a;b c@alone.example']],
      ['a%3Bb%20c', 'alone.example', ['footenant', 'alonegroup', 'a;b c@alone.example']],
      ['7000', 'alone.example', ['footenant', 'alonegroup', '7000@alone.example']],
      [longest, '', ['footenant', 'foogroup', longest]],
    ] as const)('%s at %s are for the route point with the id', async (user, at, callee) => {
      expect(await find(user, at)).toEqual({ routePoint: callee, dnisName: null })
    })

    it('mean what they mean at a domain that is one tenant’s, or one group’s, own', async () => {
      expect(await find('112', domain)).toEqual({ routePoint: hotline, dnisName: 'Short' })
      expect(await find('112', 'alone.example')).toEqual({ routePoint: hotline, dnisName: 'Short' })
      expect(await find('112', 'OTHER.example:5060')).toEqual({
        routePoint: other,
        dnisName: 'Short',
      })
      expect(await find('112@other.example', domain)).toEqual({
        routePoint: other,
        dnisName: 'Short',
      })
      expect(await find('5100', 'alone.example')).toEqual({ routePoint: alone, dnisName: null })
    })

    it('mean nothing any more at a domain that a second tenant or group gets', async () => {
      const groupId = 'second'
      const second = `${tenant}groups/${groupId}/`
      const body = { groupId, defaultDomain: 'alone.example' }
      await ask('POST', `${tenant}groups/`, body)
      expect(await find('5100', 'alone.example')).toBeUndefined()
      expect(await find('112', 'alone.example')).toEqual({ routePoint: hotline, dnisName: 'Short' })
      await world.ask('system', 'DELETE', second)
      await ask('POST', '/api/v1/tenants/othertenant/groups/', body)
      expect(await find('5100', 'alone.example')).toBeUndefined()
      expect(await find('112', 'alone.example')).toBeUndefined()
      expect(await find('alonerp', 'alone.example')).toEqual({ routePoint: alone, dnisName: null })
      await world.ask('system', 'DELETE', `/api/v1/tenants/othertenant/groups/${groupId}/`)
      expect(await find('5100', 'alone.example')).toEqual({ routePoint: alone, dnisName: null })
    })

    it('cost one look-up by a number or id that is there, and four at most', async () => {
      const costs = async (user: string, at: string) => {
        lookUps = 0
        await find(user, at)
        return lookUps
      }
      expect(await costs('+3225126779', trunk)).toBe(1)
      expect(await costs('025126780', trunk)).toBe(1)
      expect(await costs('apiotestrp', domain)).toBe(1)
      expect(await costs('nobody', domain)).toBe(1)
      expect(await costs('112', domain)).toBe(3)
      expect(await costs('5999', 'alone.example')).toBe(3)
      expect(await costs('+3225129999', domain)).toBe(1)
      expect(await costs('025129999', domain)).toBe(3)
      // It could have been E.164 without its plus.
      expect(await costs('3225129999', domain)).toBe(4)
    })
  })

  describe('that are sent on', () => {
    const resolve = (destination: string, from = hotline) =>
      resolveDestination(reader, from, destination)
    const agent = {
      kind: 'agent',
      userId: 'agent@sip.netaxis.be',
      extension: '5001',
      phoneNumber: '+3225126778',
    }
    const sister = {
      kind: 'agent',
      userId: 'sister@sip.netaxis.be',
      extension: '5201',
      phoneNumber: '025126782',
    }

    it.each([
      '',
      '+',
      '@',
      '@sip.netaxis.be',
      'agent',
      'sip:agent@sip.netaxis.be',
      'agent@',
      'agent@-',
      'agent@sip.netaxis.be:0',
      'agent@sip.netaxis.be\r\nX: y',
      '5001\0',
      '5001 ',
      '5001&SIP/x',
      '1'.repeat(162),
      `${'x'.repeat(161)}@y`,
    ])('to %j go nowhere', async (destination) => {
      expect(await resolve(destination)).toEqual({ kind: 'nowhere' })
    })

    it('go nowhere where a text is too long, and nothing is looked up', async () => {
      lookUps = 0
      for (const one of ['1', 'x', '%']) {
        expect(await resolve(one.repeat(1_000_000))).toEqual({ kind: 'nowhere' })
      }
      expect(lookUps).toBe(0)
    })

    it.each([
      ['5001', agent],
      ['+3225126778', agent],
      ['025126778', agent],
      ['+32-2-512.67.78@sip.netaxis.be', agent],
      ['AGENT@sip.netaxis.be:5060', agent],
      ['%61gent@sip.netaxis.be', agent],
      ['agent;x=y@sip.netaxis.be', agent],
      ['5001@sip.netaxis.be', agent],
      ['025126782', sister],
      ['sister@sip.netaxis.be', sister],
    ])('to %s go to the user', async (destination, user) => {
      expect(await resolve(destination)).toEqual(user)
    })

    it.each([
      ['5100', hotline, null],
      ['9998', hotline, 'Main'],
      ['112', hotline, 'Short'],
      ['025126780', hotline, 'Main'],
      ['siblingrp@sip.netaxis.be', sibling, null],
      ['+3225126781', sibling, null],
      ['+3225126790', other, null],
      ['otherRP@other.example', other, null],
      ['+4917012345678', alone, null],
    ] as const)('to %s arrive anew at the route point', async (destination, key, dnisName) => {
      expect(await resolve(destination)).toEqual({
        kind: 'route point',
        routePoint: key,
        dnisName,
      })
    })

    it.each([
      // Extensions of other groups and tenants mean nothing here.
      ['5201', { kind: 'number', number: '5201' }],
      ['5300', { kind: 'number', number: '5300' }],
      ['5302', { kind: 'number', number: '5302' }],
      ['5302@other.example', { kind: 'uri', uri: '5302@other.example' }],
      ['5999@sip.netaxis.be', { kind: 'number', number: '5999' }],
      // Of another tenant's people nothing is told.
      ['+3225126791', { kind: 'number', number: '+3225126791' }],
      ['stranger@other.example', { kind: 'uri', uri: 'stranger@other.example' }],
      // Those who take no calls.
      ['groupadmin@sip.netaxis.be', { kind: 'uri', uri: 'groupadmin@sip.netaxis.be' }],
      ['025129999', { kind: 'number', number: '+3225129999' }],
      ['0044 20'.replace(' ', ''), { kind: 'number', number: '004420' }],
      ['00442071234567', { kind: 'number', number: '+442071234567' }],
      ['+999123', { kind: 'number', number: '+999123' }],
      ['100', { kind: 'number', number: '100' }],
      ['+3225126778@carrier.example', { kind: 'uri', uri: '+3225126778@carrier.example' }],
      ['desk@[2001:db8::1]:5060', { kind: 'uri', uri: 'desk@[2001:db8::1]:5060' }],
      ['a%00b@sip.netaxis.be', { kind: 'uri', uri: 'a%00b@sip.netaxis.be' }],
      ['%ED%A0%80@sip.netaxis.be', { kind: 'uri', uri: '%ED%A0%80@sip.netaxis.be' }],
    ])('to %s go outside', async (destination, route) => {
      expect(await resolve(destination)).toEqual(route)
    })

    it('mean what they mean in the route point’s own group', async () => {
      expect(await resolve('5201', sibling)).toEqual(sister)
      expect(await resolve('5100', sibling)).toEqual({ kind: 'number', number: '5100' })
      expect(await resolve('5100', alone)).toMatchObject({ routePoint: alone })
      expect(await resolve('017012345678', alone)).toMatchObject({ routePoint: alone })
      expect(await resolve('025129999', alone)).toEqual({ kind: 'number', number: '+4925129999' })
      expect(await resolve('112', other)).toMatchObject({ routePoint: other, dnisName: 'Short' })
      expect(await resolve('112', alone)).toMatchObject({ routePoint: hotline })
    })
  })

  describe('that are offered', () => {
    const find = (userId: string, at: readonly [string, string] = ['footenant', 'foogroup']) =>
      findAgent(reader, at, userId)

    it.each([
      '',
      '.',
      'nobody',
      'sister',
      'groupadmin',
      'apiotestrp',
      '5001',
      '+3225126778',
      'agent@other.example',
      'agent@sip.netaxis.be@sip.netaxis.be',
      'stranger@other.example',
      'x'.repeat(200),
      ...control.map((one) => `agent${one}`),
    ])('to %j reach no agent of the group', async (userId) => {
      expect(await find(userId)).toBeUndefined()
    })

    it.each(['agent', 'AGENT', 'agent@sip.netaxis.be', 'Agent@SIP.netaxis.be'])(
      'to %s reach the agent',
      async (userId) => {
        expect(await find(userId)).toEqual({
          kind: 'agent',
          userId: 'agent@sip.netaxis.be',
          extension: '5001',
          phoneNumber: '+3225126778',
        })
      },
    )

    it('reach nobody in another group, and one without a number by the id alone', async () => {
      expect(await find('agent', ['footenant', 'siblinggroup'])).toBeUndefined()
      expect(await find('agent@sip.netaxis.be', ['othertenant', 'othergroup'])).toBeUndefined()
      expect(await find('agent', ['footenant', 'nogroup'])).toBeUndefined()
      await ask('PUT', `${group}users/agent/`, { phoneNumber: null, extension: null })
      expect(await find('agent')).toMatchObject({ extension: '', phoneNumber: '' })
    })
  })
})
