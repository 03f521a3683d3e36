import { describe, expect, it } from 'vitest'
import type { Dialling, Party } from '../engines/engine.ts'
import { phoneBody } from './phones.ts'

const configuration = { application: 'pointsman', callSecondsMax: 14_400 }

function bodyFor(from: Party, headers: Pick<Dialling, 'alertInfo' | 'callInfo'> = {}) {
  const to = { kind: 'number' as const, number: '5001' }
  const dialling = { to, from, callId: 'call-1', ...headers }
  return phoneBody(configuration, dialling, { channel: 'pointsman-1.1', dialString: 'PJSIP/jane' })
}

function shown(from: Partial<Party>): unknown {
  const { variables } = bodyFor({ name: '', number: '', ...from })
  const { 'CONNECTEDLINE(name)': name, 'CONNECTEDLINE(num)': number } = Object(variables)
  return from.name === undefined ? number : name
}

describe('a telephone', () => {
  it('is made under our id in our application, bound to its call and to a time', () => {
    const { variables, ...rest } = bodyFor({ name: 'Anna', number: '+3225550100' })
    expect(rest).toEqual({ endpoint: 'PJSIP/jane', app: 'pointsman', channelId: 'pointsman-1.1' })
    expect(variables).toEqual({
      POINTSMAN_CALL: 'call-1',
      'TIMEOUT(absolute)': '14400',
      'CONNECTEDLINE(name)': 'Anna',
      'CONNECTEDLINE(num)': '+3225550100',
    })
  })

  it('is told that whoever calls withholds who they are', () => {
    const withheld = { 'CONNECTEDLINE(pres)': 'prohib' }
    expect(bodyFor({ name: 'Anonymous', number: '' }).variables).toMatchObject(withheld)
    for (const shown of [
      { name: '', number: '' },
      { name: 'Anonymous', number: '1' },
    ]) {
      expect(bodyFor(shown).variables).not.toHaveProperty(['CONNECTEDLINE(pres)'])
    }
  })

  it('is told how to ring where it is to ring otherwise', () => {
    const headers = { alertInfo: 'Bellcore-dr2', callInfo: '<sip:a>;answer-after=3' }
    expect(bodyFor({ name: '', number: '' }, headers).variables).toMatchObject({
      'PJSIP_HEADER(add,Alert-Info)': 'Bellcore-dr2',
      'PJSIP_HEADER(add,Call-Info)': '<sip:a>;answer-after=3',
    })
  })
})

describe('a name', () => {
  it.each([
    ['Zürich "X"', 'Zürich "X"'],
    ["O'Neill, Anna <a@b>", "O'Neill, Anna <a@b>"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: how Asterisk writes a variable
    ['${SHELL(reboot)}', '${SHELL(reboot)}'],
    ['株式会社 😀', '株式会社 😀'],
    ['  Anna  ', 'Anna'],
    ['', ''],
    ['Anna\r\nAlert-Info: x', 'Anna Alert-Info: x'],
    ['Anna\nX: y\r\r\n\n', 'Anna X: y'],
    ['a\0b\u001b[2J\u007f\u0085c', 'a b [2J c'],
    ['a\u2028b\u2029c', 'a b c'],
    ['a\ud800', 'a\ufffd'],
    ['\r\n', ''],
  ])('%j is shown on one line as %j', (name, line) => {
    expect(shown({ name })).toBe(line)
  })

  it.each(['a', '😀', '\r\na', '"'])('of 300 times %j is cut after 64 whole characters', (text) => {
    const name = String(shown({ name: text.repeat(300) }))
    expect([...name]).toHaveLength(64)
    expect(name.isWellFormed()).toBe(true)
    expect(name).not.toMatch(/\p{Cc}/u)
  })
})

describe('a number', () => {
  it.each([
    ['+3225550100', '+3225550100'],
    ['anna.smith-2_b', 'anna.smith-2_b'],
    ['*21#', '*21#'],
    ['', ''],
    ['1\r\nVia: x', '1Viax'],
    ['1@other;tag=2>,<sip:3', '1othertag2sip3'],
    ['"1"&2 3%0d', '1230d'],
    ['٣١', ''],
  ])('%j is shown as %j', (number, user) => {
    expect(shown({ number })).toBe(user)
  })

  it('of 300 digits is cut after 64', () => {
    expect(shown({ number: '1'.repeat(300) })).toBe('1'.repeat(64))
  })
})
