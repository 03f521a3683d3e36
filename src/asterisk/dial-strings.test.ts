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
    ['PJSIP/{user}_{domain}', 'PJSIP/jane_sip.example.org'],
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

describe('an endpoint that the templates name is not rung as an agent', () => {
  const trunk = agent('trunk@sip.example.org')

  it.each([
    [{}, 'trunk'],
    [{}, 'Trunk'],
    [{ agents: 'PJSIP/{user}/sip:phone@pbx' }, 'trunk'],
    [{ numbers: 'PJSIP/carrier/sip:{number}@carrier.example' }, 'carrier'],
    [{ uris: 'PJSIP/proxy/sip:{uri}' }, 'proxy'],
  ])('by %j with the user %s', (changed, user) => {
    expect(dialStringOf({ ...templates, ...changed }, agent(`${user}@a`))).toBeUndefined()
  })

  it.each([
    ['PJSIP/agents/sip:{user}@pbx', 'PJSIP/agents/sip:trunk@pbx'],
    ['PJSIP/{user}@trunk', 'PJSIP/trunk@trunk'],
    ['PJSIP/{user}_{domain}', 'PJSIP/trunk_sip.example.org'],
  ])('by %s, but a user of that name is', (agents, dialled) => {
    expect(dialStringOf({ ...templates, agents }, trunk)).toBe(dialled)
  })
})

describe('an address that is not public', () => {
  const hosts = [
    '127.0.0.1',
    '127.0.0.77:5060',
    '10.1.2.3',
    '192.168.0.1',
    '169.254.169.254',
    '[::1]:5060',
    '[fd00::1]',
    '[::ffff:10.0.0.1]',
    '[64:ff9b::a00:1]',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
  ]
  it.each(hosts)('%s is nobody that a target can reach', (host) => {
    const agents = 'PJSIP/agents/sip:{userId}'
    expect(dialStringOf(templates, uri(`jane@${host}`))).toBeUndefined()
    expect(dialStringOf({ ...templates, agents }, agent(`jane@${host}`))).toBeUndefined()
    const byDomain = { ...templates, agents: 'PJSIP/agents/sip:{user}@{domain};transport=tcp' }
    expect(dialStringOf(byDomain, agent(`jane@${host}`))).toBeUndefined()
  })

  it.each(['127.0.0.1', '2130706433', '%31%30.0.0.1'])(
    '%s is none without a user either',
    (host) => {
      expect(dialStringOf(templates, uri(host))).toBeUndefined()
    },
  )

  it.each([
    ['PJSIP/agents/sip:{user}@10.0.0.1', 'PJSIP/agents/sip:jane@10.0.0.1'],
    ['PJSIP/{user}_{domain}', 'PJSIP/jane_10.0.0.2'],
  ])('is dialled where the template says so: %s', (agents, dialled) => {
    expect(dialStringOf({ ...templates, agents }, agent('jane@10.0.0.2'))).toBe(dialled)
  })

  it('is dialled where it is public', () => {
    expect(dialStringOf(templates, uri('jane@8.8.8.8:5070'))).toBe(
      'PJSIP/trunk/sip:jane@8.8.8.8:5070',
    )
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
    ['jane@[2600::1]:5070', 'jane@[2600::1]:5070'],
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
