import { describe, expect, it } from 'vitest'
import { Refusal } from '../errors.ts'
import { parseJson } from './json.ts'

const many = 5_001
const list = (item: (index: number) => string) => Array.from({ length: many }, (_, at) => item(at))

describe('a body that would take long to judge', () => {
  it.each([
    ['members', `{${list((index) => `"${index}":0`).join(',')}}`],
    ['items', `[${list(() => '0').join(',')}]`],
    ['nested lists', `${'['.repeat(many)}${']'.repeat(many)}`],
    ['nested objects', `${'{"a":'.repeat(many)}0${'}'.repeat(many)}`],
    ['brackets that are no JSON', '['.repeat(1_000_000)],
  ])('is refused: thousands of %s', (_, text) => {
    const parse = () => parseJson(Buffer.from(text))
    expect(parse).toThrow(Refusal)
    expect(parse).toThrow('The body has more than 5000 values.')
  })

  it('is refused: more escapes than an encoder of base64 makes, wherever they stand', () => {
    for (const one of ['\\"', '\\\\', '\\/', '\\u0041', '\\n']) {
      const long = one.repeat(1_000_000)
      for (const text of [`{"content":"${long}"}`, `{"${long}":1}`, `["${long}"]`, long]) {
        expect(() => parseJson(Buffer.from(text))).toThrow(/more than \d+ escaped characters/)
      }
    }
  })

  it('is refused: a name longer than any of ours, of which only the start is told', () => {
    for (const name of [
      'k'.repeat(65),
      'k'.repeat(7_000_000),
      '\\u0001'.repeat(65),
      '\u0301'.repeat(65),
    ]) {
      for (const text of [`{"${name}":0}`, `{"a":{"b":[{"c":0,"${name}":[0]}]}}`]) {
        const parse = () => parseJson(Buffer.from(text))
        expect(parse).toThrow(
          `The name of a field has more than 64 characters: '${name.slice(0, 32)}…'.`,
        )
      }
    }
    for (const name of ['k'.repeat(64), '\\u006b'.repeat(64)]) {
      expect(parseJson(Buffer.from(`{"${name}":0}`))).toEqual({ ['k'.repeat(64)]: 0 })
    }
  })

  it('is not one whose base64 is escaped and broken into lines', () => {
    const line = `${'A'.repeat(31)}/${'A'.repeat(31)}+`
    const lines = Array.from({ length: 50_000 }, () => line).join('\r\n')
    const text = JSON.stringify({ content: lines })
      .replaceAll('/', '\\/')
      .replaceAll('+', '\\u002B')
    expect(parseJson(Buffer.from(text))).toEqual({ content: lines })
  })

  it('is not one whose text is long', () => {
    const content = 'A'.repeat(1_000_000)
    expect(parseJson(Buffer.from(JSON.stringify({ content })))).toEqual({ content })
  })
})

describe('a name given twice', () => {
  it.each([
    ['at once', '{"a":1,"a":1}'],
    ['escaped', '{"a":1,"\\u0061":1}'],
    ['after texts that look like the end of one', '{"a":"\\\\","b":"\\"","c":"\\\\\\"}{[","a":1}'],
    ['far below', '[[{"b":[]}],{"c":{"a":"{","b":[","],"a":2}}]'],
    ['after spaces', `{${' '.repeat(100_000)}"a"${'\n'.repeat(100_000)}:1,"a":1}`],
  ])('is refused %s', (_, text) => {
    expect(() => parseJson(Buffer.from(text))).toThrow("The 'a' field is given twice.")
  })

  it('is none in another object, or as a text', () => {
    const value = { a: ['a', 'a', { a: '"a":"a"' }], b: { a: 'a' }, c: '{"a":1,"a":1}' }
    expect(parseJson(Buffer.from(JSON.stringify(value)))).toEqual(value)
  })
})
