import { describe, expect, it } from 'vitest'
import { compactNumber, findUnkeepable, findUnshowable } from './characters.ts'

const point = (code: number) => String.fromCodePoint(code)

describe('a text that people read', () => {
  it.each([
    ['a control character', [0x00, 0x0a, 0x7f, 0x85]],
    ['a lone surrogate', [0xd800, 0xdfff]],
    ['a space without width', [0x200b, 0x2060, 0xfeff, 0x180e]],
    ['a mark of direction', [0x61c, 0x200e, 0x200f, 0x202a, 0x202e, 0x2066, 0x2069]],
    ['a separator of lines', [0x2028, 0x2029]],
    ['a joiner without letters to join', [0x200c, 0x200d, 0x34f]],
    ['an invisible operator', [0x2061, 0x2062, 0x2063, 0x2064, 0x206a, 0x1d173]],
    ['a filler', [0x115f, 0x1160, 0x3164, 0xffa0, 0x17b4, 0x2800]],
    ['a hyphen that is seen at the end of lines only', [0xad]],
    ['a variation selector without what it varies', [0xfe00, 0xfe0f, 0x180b, 0xe0100]],
    ['a tag', [0xe0001, 0xe0041, 0xe007f]],
    ['an annotation', [0xfff9, 0xfffb]],
    ['no character', [0xfdd0, 0xfffe, 0xffff, 0x1fffe, 0x10ffff]],
  ])('is refused with %s, wherever it stands', (_, codes) => {
    for (const code of codes) {
      const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
      for (const text of ['Ja_ne', '_Jane', 'Jane_', '1_2', '葛_', '_'].map((one) =>
        one.replace('_', point(code)),
      )) {
        // A Han character may have a variation selector, and only that.
        if (text.startsWith('葛') && [0xfe00, 0xe0100].includes(code)) continue
        // A byte order mark at either end is trimmed.
        if (code === 0xfeff && text.trim() !== text) continue
        expect(findUnshowable(text), `${name} in ${text}`).toBe(name)
      }
    }
  })

  it.each([
    ['Persian', 'می\u200cخواهم'],
    ['Hindi', 'क्\u200dष, क्\u200cष'],
    ['Sinhala', 'ශ්\u200dරී ලංකාව'],
    ['Malayalam', 'അവന്\u200d'],
    ['Japanese', '葛\u{e0100}城'],
    ['Mongolian', 'ᠨᠢ\u180bᠭ\u180eᠠ'],
    ['Arabic with marks', 'مُحَمَّد'],
    ['a heart', 'I ❤\ufe0f you ❤\ufe0e'],
    ['key caps', '1\ufe0f\u20e3 #\ufe0f\u20e3'],
    ['a family', '👩\u200d👩\u200d👧\u200d👦'],
    ['people of all colours', '👩🏽\u200d🚒 🧑🏿\u200d❤\ufe0f\u200d💋\u200d🧑🏻'],
    ['flags', '🏳\ufe0f\u200d🌈 🏴\u200d☠\ufe0f 🇧🇪'],
    ['the flag of Scotland', '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}'],
    ['spaces of other widths', 'A\u00a0B\u2009C\u3000D'],
    ['private and unassigned characters', '\uf8ff\u{f0000}\u{3fffd}'],
  ])('may be %s', (_, text) => {
    expect(findUnshowable(text)).toBeUndefined()
  })

  it.each([
    ['between Latin letters', 'Ja\u200dne'],
    ['between digits', '1\u200c2'],
    ['twice', 'می\u200c\u200cخ'],
    ['at the end of a word that needs none', 'می\u200c'],
    ['after an emoji that joins nothing', '👩\u200d'],
    ['after a letter instead of an emoji', 'a\ufe0f'],
    ['after a digit that is no key cap', '1\ufe0f'],
    ['twice after an emoji', '❤\ufe0f\ufe0f'],
    ['spelling something in a flag', '🏴\u{e0061}\u{e0062}\u{e007f}'],
  ])('is refused with what forms words and emoji standing %s', (_, text) => {
    expect(findUnshowable(text)).toMatch(/^U\+/)
  })
})

it('a text that is only compared is refused for control and malformed characters alone', () => {
  expect(findUnkeepable('a\u200b\u202e\u{10ffff}')).toBeUndefined()
  expect(findUnkeepable('a\u0000')).toBe('U+0000')
  expect(findUnkeepable('a\ud800')).toBe('U+D800')
})

describe('a number', () => {
  it.each([
    ['+32 2 512 67-80', '+3225126780'],
    ['\u202a+32\u00a02\u2009512\u202f67\u201180\u202c', '+3225126780'],
    ['\u200b02\u2013512\u221267\ufe6380\u2060', '025126780'],
    ['\ufeff5001\u200e', '5001'],
    ['5\u00ad0\u206601', '5001'],
  ])('loses what pages print between its digits: %j is %s', (given, number) => {
    expect(compactNumber(given, 'separators')).toBe(number)
  })

  it.each([
    '-5',
    '5-',
    '+ 32',
    '5\t0',
    '5\u20280x',
    'desk\u200b@example.org',
    '5\u200b@example.org',
    '',
  ])('is not read from %j', (given) => {
    expect(compactNumber(given, 'separators')).toBe(given)
  })

  it('keeps its separators where none are taken', () => {
    expect(compactNumber('\u200e5\u200b0 01', 'invisible')).toBe('50 01')
  })
})
