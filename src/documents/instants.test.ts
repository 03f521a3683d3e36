import { describe, expect, it } from 'vitest'
import { instantPattern, readInstant } from './instants.ts'

const taken: [text: string, same: string][] = [
  ['2026-11-28T12:00:00Z', '2026-11-28T12:00:00.000Z'],
  ['2026-11-28t12:00:00z', '2026-11-28T12:00:00.000Z'],
  ['2026-11-28t12:00:00+01:30', '2026-11-28T10:30:00.000Z'],
  ['2026-11-28T12:00:00-23:59', '2026-11-29T11:59:00.000Z'],
  ['2026-11-28T12:00:00-00:00', '2026-11-28T12:00:00.000Z'],
  ['2026-11-28T12:00:00.5Z', '2026-11-28T12:00:00.500Z'],
  [`2026-11-28T12:00:00.${'9'.repeat(200)}Z`, '2026-11-28T12:00:00.999Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ['2000-02-29T23:59:59Z', '2000-02-29T23:59:59.000Z'],
  ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  // Without seconds it is not RFC 3339.
  ['2026-11-28T12:00Z', '2026-11-28T12:00:00.000Z'],
  ['2026-11-28t12:00+01:00', '2026-11-28T11:00:00.000Z'],
  // Leap seconds, there where they have been and where they may be.
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
  ['1990-12-31T15:59:60-08:00', '1991-01-01T00:00:00.000Z'],
  ['2015-07-01t01:59:60.25+02:00', '2015-07-01T00:00:00.250Z'],
  ['2027-03-31T23:59:60Z', '2027-04-01T00:00:00.000Z'],
  ['2028-02-29T23:59:60Z', '2028-03-01T00:00:00.000Z'],
]

const refused: [words: string, ...texts: string[]][] = [
  ['no time', '', 'now', '0', '2026', '2026-11-28', '12:00:00Z'],
  ['no offset', '2026-11-28T12:00:00', '2026-11-28T12:00:00.5', '2026-11-28T12:00'],
  ['an offset of another kind', '2026-11-28T12:00:00+0100', '2026-11-28T12:00:00+01'],
  ['an offset that there is not', '2026-11-28T12:00:00+24:00', '2026-11-28T12:00:00+01:60'],
  [
    'an hour that there is not',
    '2026-11-28T24:00:00Z',
    '2026-11-28T24:00Z',
    '2026-11-28T25:00:00Z',
  ],
  ['a minute or second that there is not', '2026-11-28T12:60:00Z', '2026-11-28T12:00:61Z'],
  ['a day that there is not', '2026-02-30T00:00:00Z', '2026-02-29T00:00Z', '1900-02-29T00:00:00Z'],
  ['a month that there is not', '2026-00-01T00:00:00Z', '2026-13-01T00:00:00Z'],
  [
    'a leap second in between',
    '2016-12-31T23:58:60Z',
    '2016-12-31T22:59:60Z',
    '2016-12-30T23:59:60Z',
  ],
  ['a leap second of a local month', '2016-12-31T23:59:60+01:00', '2016-12-31T23:59:60-00:01'],
  ['another spelling', '2026-11-28 12:00:00Z', '2026-11-28T12:00:00,5Z', '2026-11-28T12:00:00.Z'],
  ['more than a time', ' 2026-11-28T12:00:00Z', '2026-11-28T12:00:00Z ', '2026-11-28T12:00:00Z\n'],
  [
    'a year of another length',
    '+002026-11-28T12:00:00Z',
    '26-11-28T12:00:00Z',
    '-0001-01-01T00:00:00Z',
  ],
  ['figures of another script', '２０２６-11-28T12:00:00Z', '2026-11-28T1٢:00:00Z'],
]

describe('a time', () => {
  it.each(taken)('is taken as %s', (text, same) => {
    expect(new Date(readInstant(text) ?? Number.NaN).toISOString()).toBe(same)
    // OpenAPI shows the pattern.
    expect(text).toMatch(new RegExp(instantPattern, 'u'))
  })

  it.each(refused)('is none with %s', (_words, ...texts) => {
    expect(texts.filter((text) => readInstant(text) !== undefined)).toEqual([])
  })
})
