import { describe, expect, it } from 'vitest'
import type { Target } from '../engines/engine.ts'
import { contactsIn, dialStringOf, endpointOf } from './dial-strings.ts'

const templates = {
  agents: 'PJSIP/{user}',
  numbers: 'PJSIP/{number}@trunk',
  uris: 'PJSIP/trunk/sip:{uri}',
}

function agent(userId: string, { extension = '', phoneNumber = '' } = {}): Target {
  return { kind: 'agent', userId, extension, phoneNumber }
}
const number = (text: string): Target => ({ kind: 'number', number: text })
const uri = (text: string): Target => ({ kind: 'uri', uri: text })

/** What has a meaning to Asterisk where an address is dialled, or ends a line. */
const hostile = [
  '',
  'a&PJSIP/other',
  'a/b',
  'a,b',
  'a(b)',
  'a b',
  'a"b',
  "a'b",
  'a;b',
  'a\\b',
  'a|b',
  'a{b}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: how Asterisk writes a variable
  '${SHELL(reboot)}',
  '$[1]',
  '`reboot`',
  'a\r\nVia: x',
  'a\0',
  'a\n',
  'Zoë',
  '\u017f\u212a',
  '😀',
  '\ud800',
  'a\u2028b',
  'a'.repeat(300),
]

describe('an agent', () => {
  it.each([
    ['PJSIP/{user}', 'PJSIP/jane'],
    ['PJSIP/{userId}', undefined],
    ['PJSIP/agents/sip:{user}@127.0.0.1:5070', 'PJSIP/agents/sip:jane@127.0.0.1:5070'],
    ['PJSIP/agents/sip:{userId}', 'PJSIP/agents/sip:jane@sip.example.org'],
    ['PJSIP/agents/sips:{user}@{domain}', 'PJSIP/agents/sips:jane@sip.example.org'],
    ['PJSIP/{extension}', 'PJSIP/5001'],
    ['PJSIP/{phoneNumber}@trunk', 'PJSIP/+41445550100@trunk'],
    ['Local/{extension}-{user}@agents', 'Local/5001-jane@agents'],
  ])('is dialled by %s as %s', (agents, dialled) => {
    const jane = agent('jane@sip.example.org', {
      extension: '5001',
      phoneNumber: '+41445550100',
    })
    expect(dialStringOf({ ...templates, agents }, jane)).toBe(dialled)
  })

  it.each(hostile)('whose user is %j is no endpoint', (user) => {
    expect(dialStringOf(templates, agent(`${user}@sip.example.org`))).toBeUndefined()
  })

  it.each(hostile)('whose user is %j is a user and nothing more within a SIP URI', (user) => {
    const agents = 'PJSIP/agents/sip:{user}@pbx'
    const dialled = dialStringOf({ ...templates, agents }, agent(`${user}@sip.example.org`))
    if (user === '' || user.length > 255 || !user.isWellFormed()) expect(dialled).toBeUndefined()
    else {
      expect(dialled).toMatch(/^PJSIP\/agents\/sip:[\w.+!*~%-]+@pbx$/)
      expect(decodeURIComponent(dialled?.slice('PJSIP/agents/sip:'.length, -4) ?? '')).toBe(user)
    }
  })

  it.each([
    ...hostile,
    'pbx:port',
    'pbx@',
    '-pbx',
    '[::1',
    '[::1]]',
    'pbx;transport=tcp',
    'pbx?a=b',
  ])('whose domain is %j is not dialled there', (domain) => {
    const jane = agent(`jane@${domain}`)
    for (const agents of ['PJSIP/agents/sip:{userId}', 'PJSIP/agents/sip:jane@{domain}']) {
      expect(dialStringOf({ ...templates, agents }, jane)).toBeUndefined()
    }
  })

  it('without an extension or number is not dialled by it', () => {
    const jane = agent('jane@sip.example.org')
    for (const agents of ['PJSIP/{extension}', 'PJSIP/{phoneNumber}@trunk']) {
      expect(dialStringOf({ ...templates, agents }, jane)).toBeUndefined()
    }
  })

  it('whose user has an escape keeps it as it is', () => {
    const agents = 'PJSIP/agents/sip:{user}@pbx'
    const dialled = dialStringOf({ ...templates, agents }, agent('a%40b%0d@sip.example.org'))
    expect(dialled).toBe('PJSIP/agents/sip:a%40b%0d@pbx')
  })
})

describe('a number', () => {
  it.each(['5001', '+41445550100', '*21#', '0'.repeat(32)])('%s is dialled', (text) => {
    expect(dialStringOf(templates, number(text))).toBe(`PJSIP/${text}@trunk`)
  })

  it.each([...hostile, '+', '+41 44', '41+44', '5001@other', '0'.repeat(33), '١٢٣'])(
    '%j is not dialled',
    (text) => {
      expect(dialStringOf(templates, number(text))).toBeUndefined()
    },
  )
})

describe('a SIP URI', () => {
  it.each([
    ['jane@sip.example.org', 'jane@sip.example.org'],
    ['jane@sip.example.org:5070', 'jane@sip.example.org:5070'],
    ['jane@[2001:db8::1]:5070', 'jane@[2001:db8::1]:5070'],
    ['jane', 'jane'],
    ['a@b@sip.example.org', 'a%40b@sip.example.org'],
    ['a&b@sip.example.org', 'a%26b@sip.example.org'],
  ])('%s is dialled as %s', (text, dialled) => {
    expect(dialStringOf(templates, uri(text))).toBe(`PJSIP/trunk/sip:${dialled}`)
  })

  it.each([
    '',
    '@',
    'jane@',
    '@sip.example.org',
    'jane@a b',
    'jane@a&PJSIP/b',
    'jane@a\r\n',
    '\ud800@a',
  ])('%j is not dialled', (text) => {
    expect(dialStringOf(templates, uri(text))).toBeUndefined()
  })

  it('is not dialled where the configuration does not say how', () => {
    const without = { ...templates, uris: undefined }
    expect(dialStringOf(without, uri('jane@sip.example.org'))).toBeUndefined()
  })
})

describe('an endpoint that may have several telephones', () => {
  it.each([
    ['PJSIP/jane', 'jane'],
    ['PJSIP/jane@trunk', undefined],
    ['PJSIP/trunk/sip:jane@pbx', undefined],
    ['Local/jane', undefined],
    ['PJSIP/', undefined],
  ])('of %s is %s', (dialString, endpoint) => {
    expect(endpointOf(dialString)).toBe(endpoint)
  })

  it.each([
    ['', []],
    ['PJSIP/jane/sip:jane@10.0.0.1', ['PJSIP/jane/sip:jane@10.0.0.1']],
    ['PJSIP/jane/sip:a&b@h&PJSIP/jane/sip:c@h', ['PJSIP/jane/sip:a&b@h', 'PJSIP/jane/sip:c@h']],
  ])('that Asterisk tells as %j has those telephones', (value, contacts) => {
    expect(contactsIn(value)).toEqual(contacts)
  })

  it('has ten of them at most, and none that Asterisk has cut off', () => {
    const one = `PJSIP/jane/sip:${'j'.repeat(100)}@10.0.0.1`
    expect(contactsIn(Array(11).fill(one).join('&'))).toHaveLength(10)
    const long = `PJSIP/jane/sip:${'j'.repeat(2_100)}`
    expect(contactsIn(`${long}&${long}`.slice(0, 4_095))).toEqual([long])
    expect(contactsIn(`${long}&${long}`.slice(0, 4_094))).toHaveLength(2)
  })
})
