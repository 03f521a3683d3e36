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

  it('is not one whose text is long', () => {
    const content = 'A'.repeat(1_000_000)
    expect(parseJson(Buffer.from(JSON.stringify({ content })))).toEqual({ content })
  })
})
