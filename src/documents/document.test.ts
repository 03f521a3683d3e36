import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it, vi } from 'vitest'
import { faultsMax } from '../errors.ts'
import { defineDocument, needs } from './document.ts'
import { fold } from './normalise.ts'
import { clearable, fixed, id, name, readOnly, secret, slots, text } from './vocabulary.ts'

/** Random tests print the seed with which they failed, by fast-check's own report; this runs them often enough. */
const runs = { numRuns: 500 }

const Item = Type.Object({ name: text(10) }, { additionalProperties: false })

const schema = Type.Object({
  title: name(5),
  key: fixed(id(10)),
  note: clearable(text(8)),
  count: Type.Integer({ minimum: 0, maximum: 9 }),
  isOpen: Type.Boolean(),
  limit: clearable(Type.Integer({ minimum: 1, maximum: 9 })),
  inner: Type.Object({ left: text(4), right: clearable(text(4)) }),
  reference: clearable(
    Type.Object(
      { place: text(4), level: Type.Optional(text(4)) },
      { additionalProperties: false, whole: true },
    ),
  ),
  list: slots(Item, 'name'),
  made: readOnly(Type.String()),
  password: Type.Optional(secret(Type.String({ minLength: 2, maxLength: 6 }))),
})

type Sample = Record<string, unknown>

const document = defineDocument({ schema, defaults: { count: 1, isOpen: false } })
const least = { title: 'one', key: 'Key', inner: { left: 'l' } }

function stored(): Sample {
  const { value, faults } = document.create(least)
  expect(faults).toEqual([])
  return value
}

/** What a partial update of `before` leaves, as `null` where it is refused. */
function changed(before: Sample, body: unknown): Sample | null {
  const { value, faults } = document.change(before as never, body)
  return faults.length > 0 ? null : (value as Sample)
}

function parametersOf({ faults }: { faults: { parameter?: string }[] }) {
  return faults.map(({ parameter }) => parameter).sort()
}

/** Texts without what is trimmed, composed or refused, of 1 to `most` code points. */
function plain(most: number) {
  const characters = [...'abcXYZ0189-_%\\"\'/?#é€😀ß']
  return fc
    .array(fc.constantFrom(...characters), { minLength: 1, maxLength: most })
    .map((some) => some.join(''))
}

const position = fc.oneof(
  fc.constant(null),
  fc.constant('Unmodify'),
  fc.constant({ name: 'Unmodify' }),
  fc.record({ name: plain(10).filter((one) => one !== 'Unmodify') }),
)

/** Partial updates that are right, members absent, set and cleared. */
const update = fc.record(
  {
    title: plain(5),
    key: fc.constantFrom('Key', 'KEY', 'key', ' key '),
    note: fc.oneof(plain(8), fc.constantFrom(null, '', '  ')),
    count: fc.integer({ min: 0, max: 9 }),
    isOpen: fc.boolean(),
    limit: fc.option(fc.integer({ min: 1, max: 9 })),
    inner: fc.record(
      { left: plain(4), right: fc.oneof(plain(4), fc.constantFrom(null, '')) },
      { requiredKeys: [] },
    ),
    reference: fc.option(
      fc.record({ place: plain(4), level: plain(4) }, { requiredKeys: ['place'] }),
    ),
    list: fc.array(position, { maxLength: 4 }),
  },
  { requiredKeys: [] },
)

/** The merge again, written member by member as the rules say it and not as the code does it. */
function model(before: Sample, body: Sample): Sample {
  const after = structuredClone(before)
  const put = (target: Sample, member: string, value: unknown) => {
    if (value === null || (typeof value === 'string' && value.trim() === '')) delete target[member]
    else target[member] = value
  }
  for (const member of ['title', 'note', 'count', 'isOpen', 'limit', 'reference']) {
    if (Object.hasOwn(body, member)) put(after, member, body[member])
  }
  if (body.inner) {
    for (const [member, value] of Object.entries(body.inner))
      put(after.inner as Sample, member, value)
  }
  if (body.list) {
    const kept = [...((before.list as unknown[]) ?? []), null, null, null, null].slice(0, 4)
    for (const [index, item] of (body.list as unknown[]).entries()) {
      if (item === 'Unmodify' || isDeepStrictEqual(item, { name: 'Unmodify' })) continue
      kept[index] = item
    }
    const last = kept.findLastIndex((item) => item !== null)
    if (last === -1) delete after.list
    else after.list = kept.slice(0, last + 1)
  }
  // An id is shown as it was created, however a later body spells it.
  return after
}

describe('a partial update', () => {
  it('leaves what a simple model of it says, over any row of updates', () => {
    fc.assert(
      fc.property(fc.array(update, { maxLength: 6 }), (bodies) => {
        let real = stored()
        let modelled = real
        for (const body of bodies) {
          const next = changed(real, body)
          expect(next).not.toBeNull()
          real = next ?? real
          modelled = model(modelled, body)
          expect(real).toEqual(modelled)
        }
      }),
      runs,
    )
  })

  it('may repeat what is stored though it would be refused today, and nothing else', () => {
    const old = {
      ...stored(),
      note: 'a\u200bb',
      count: 77,
      inner: { left: 'too long', right: '\ufeff' },
      reference: { place: 'too long' },
    }
    expect(changed(old, old)).toEqual(old)
    expect(changed(old, { ...old, title: 'two' })).toEqual({ ...old, title: 'two' })
    const inner = { left: 'too long', right: 'r' }
    expect(changed(old, { inner })).toEqual({ ...old, inner })
    for (const [body, parameter] of [
      [{ note: 'a\u200bc' }, 'note'],
      [{ count: 78 }, 'count'],
      [{ inner: { left: 'too long!' } }, 'inner.left'],
      [{ reference: { place: 'too long!' } }, 'reference.place'],
    ] as const) {
      expect(parametersOf(document.change(old as never, body))).toEqual([parameter])
    }
  })

  it('that repeats what GET answers is taken and changes nothing, not even the order', () => {
    fc.assert(
      fc.property(fc.array(update, { maxLength: 3 }), (bodies) => {
        const now = bodies.reduce<Sample>(
          (before, body) => changed(before, body) ?? before,
          stored(),
        )
        const text = JSON.stringify(now)
        expect(JSON.stringify(changed(now, JSON.parse(text)))).toBe(text)
        const shuffled = Object.fromEntries(Object.entries(now).reverse())
        expect(JSON.stringify(changed(now, shuffled))).toBe(text)
      }),
      runs,
    )
  })

  it('done twice is as done once', () => {
    fc.assert(
      fc.property(update, update, (first, second) => {
        const before = changed(stored(), first) ?? stored()
        const once = changed(before, second)
        expect(once && changed(once, second)).toEqual(once)
      }),
      runs,
    )
  })

  it('never alters what it was given', () => {
    fc.assert(
      fc.property(update, fc.jsonValue(), (body, junk) => {
        const before = stored()
        const copies = structuredClone([before, body, junk])
        document.change(before as never, body)
        document.change(before as never, junk)
        document.create(junk)
        expect([before, body, junk]).toEqual(copies)
      }),
      runs,
    )
  })

  it.each(['title', 'count', 'isOpen', 'inner', 'key'])('cannot clear %s', (member) => {
    expect(parametersOf(document.change(stored() as never, { [member]: null }))).toEqual([member])
  })

  it('replaces a key that points elsewhere whole', () => {
    const before = changed(stored(), { reference: { place: 'a', level: 'b' } })
    expect(before && changed(before, { reference: { place: 'c' } })).toMatchObject({
      reference: { place: 'c' },
    })
    expect(before && changed(before, { reference: { place: 'c' } })?.reference).not.toHaveProperty(
      'level',
    )
    expect(parametersOf(document.change(before as never, { reference: { level: 'b' } }))).toEqual([
      'reference.place',
    ])
  })

  it('may repeat what never changes, an id in any case, and not alter it', () => {
    const before = { ...stored(), made: 'here' }
    expect(changed(before, { key: 'KEY', made: 'here' })).not.toBeNull()
    const altered = document.change(before as never, { key: 'other', made: 'there' })
    expect(parametersOf(altered)).toEqual(['key', 'made'])
  })

  it('knows four positions, and no fifth', () => {
    const five = { list: [null, null, null, null, { name: 'x' }] }
    expect(parametersOf(document.change(stored() as never, five))).toEqual(['list'])
  })
})

describe('any body', () => {
  it('is judged and never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (body) => {
        for (const { faults } of [
          document.create(body),
          document.change(stored() as never, body),
        ]) {
          expect(faults.every(({ message }) => message.length > 0)).toBe(true)
        }
      }),
      runs,
    )
  })

  it('with an unknown member is refused by its name, whatever that is, and nothing of ours goes missing', () => {
    const own = Reflect.ownKeys(Object.prototype)
    const known = new Set(Object.keys(schema.properties))
    const strange = fc.constantFrom(
      '__proto__.x',
      'constructor.prototype.x',
      'toString',
      'a.b',
      'a[0]',
      '0',
      '',
    )
    fc.assert(
      fc.property(fc.oneof(strange, fc.string()), (member) => {
        fc.pre(!known.has(member) && member !== '__proto__')
        const { faults } = document.change(stored() as never, { [member]: 1 })
        expect(faults).toMatchObject([{ code: 2, parameter: member }])
        expect(Reflect.ownKeys(Object.prototype)).toEqual(own)
      }),
      runs,
    )
  })

  it('is told each fault once', () => {
    const { faults } = document.create({
      title: '\u0000',
      count: 'x',
      isOpen: 5,
      made: 1,
      inner: { left: '\u0000' },
    })
    const parameters = faults.map(({ parameter }) => parameter)
    expect([...new Set(parameters)]).toEqual(parameters)
    expect([...parameters].sort()).toEqual([
      'count',
      'inner.left',
      'isOpen',
      'key',
      'made',
      'title',
    ])
  })

  it(`is told at most ${faultsMax} faults`, () => {
    const many = (value: unknown) =>
      Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`m${index}`, value]))
    for (const value of [1, '\u0000']) {
      expect(document.create(many(value)).faults).toHaveLength(faultsMax)
    }
  })

  it('has all that is faulty left out of what is judged next, also beyond the faults that are told', () => {
    const junk = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`m${index}`, 1]))
    const list = Array.from({ length: 50 }, () => ({ name: 'x' }))
    const { value } = document.change(stored() as never, { ...junk, list, title: 'two' })
    expect(value).not.toHaveProperty('list')
    expect(value.title).toBe('two')
  })

  it('is not looked into where nobody knows or can set what it has', () => {
    let looks = 0
    const dark = new Proxy(
      {},
      {
        ownKeys() {
          looks += 1
          return []
        },
      },
    )
    const opaque = defineDocument({
      schema: Type.Object({ title: name(5), ignored: Type.Optional(Type.Unknown()) }),
    })
    for (const ignored of [dark, [dark], { dark }]) {
      expect(opaque.create({ title: 'one', ignored }).faults).toEqual([])
      expect(parametersOf(opaque.create({ title: 5, ignored, unknown: ignored }))).toEqual([
        'title',
        'unknown',
      ])
    }
    expect(looks).toBe(0)
  })

  it('that has a list longer than any is told so, and nothing of its items', () => {
    const list = Array.from({ length: 2_000 }, () => ({ name: '\u0000', unknown: 1 }))
    expect(parametersOf(document.change(stored() as never, { list }))).toEqual(['list'])
  })

  it.each([[], 'x', 5, true, null, undefined])(
    'that is %j is told that it must be an object, and nothing else',
    (body) => {
      const only = [{ code: 2, message: 'The body must be a JSON object.' }]
      expect(document.change(stored() as never, body).faults).toEqual(only)
      expect(document.create(body).faults).toEqual(only)
    },
  )
})

describe('a text', () => {
  function titled(title: unknown) {
    return document.change(stored() as never, { title })
  }

  it('is trimmed and composed', () => {
    fc.assert(
      fc.property(
        plain(5),
        fc.constantFrom('', ' ', '  ', '\u00a0', '\u2003', '\ufeff'),
        (title, space) => {
          fc.pre(![' ', ''].includes(title))
          expect(titled(`${space}${title.normalize('NFD')}${space}`)).toMatchObject({
            faults: [],
            value: { title },
          })
        },
      ),
      runs,
    )
  })

  it('is measured in code points, not in UTF-16 units', () => {
    expect(titled('😀😀😀😀😀').faults).toEqual([])
    expect(parametersOf(titled('😀😀😀😀😀😀'))).toEqual(['title'])
    // Composed first: five characters of two code points each are five.
    expect(titled('e\u0301'.repeat(5)).faults).toEqual([])
    expect(parametersOf(titled('abcdef'))).toEqual(['title'])
  })

  it('is measured before it is composed: not even the longest spelling of a character is longer', () => {
    const all = Array.from({ length: 0x110000 }, (_, code) => code)
    const decomposed = all
      .filter((code) => code < 0xd800 || code > 0xdfff)
      .map((code) => {
        const spelling = String.fromCodePoint(code).normalize('NFD')
        return [...spelling].length
      })
    expect(Math.max(...new Set(decomposed))).toBe(4)
    // The longest spelling of one character, as long a text as may be.
    expect(titled('\u03b1\u0313\u0300\u0345'.repeat(5))).toMatchObject({
      faults: [],
      value: { title: '\u1f82'.repeat(5) },
    })
    const normalize = vi.spyOn(String.prototype, 'normalize')
    try {
      const { faults } = titled('a\u0301\u0316'.repeat(100_000))
      expect(faults).toMatchObject([{ message: "The 'title' field must have 1 to 5 characters." }])
      const composed = normalize.mock.contexts.map((context) => String(context).length)
      expect(Math.max(...composed)).toBeLessThanOrEqual(40)
    } finally {
      normalize.mockRestore()
    }
  })

  it('may not hold a control character or half a character', () => {
    const controls = Array.from({ length: 0xa0 }, (_, code) => code)
      .filter((code) => code < 0x20 || code >= 0x7f)
      .map((code) => String.fromCharCode(code))
    for (const bad of [...controls, '\ud800', '\udfff', '\ude00\ud83d']) {
      expect(parametersOf(titled(`a${bad}b`)), JSON.stringify(bad)).toEqual(['title'])
    }
    for (const bad of ['\ud800', '\u0000']) {
      const secretive = document.change(stored() as never, { password: `abc${bad}` })
      expect(parametersOf(secretive)).toEqual(['password'])
    }
  })

  it.each(['.', '..', ' . ', '..\u2003'])('that is %j is no name', (title) => {
    expect(parametersOf(titled(title))).toEqual(['title'])
  })

  it.each(['...', '.a', 'a.', '..b', '. .'])('that is %j is one', (title) => {
    expect(titled(title).faults).toEqual([])
  })

  it('that is a password is used as it was typed, kept apart and never shown', () => {
    const { value, secrets, faults } = document.change(stored() as never, { password: ' e\u0301 ' })
    expect(faults).toEqual([])
    expect(secrets).toEqual({ password: ' e\u0301 ' })
    expect(value).not.toHaveProperty('password')
  })
})

describe('folding', () => {
  it('is done once and for all, and does not mind how a character is composed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (given) => {
        expect(fold(fold(given))).toBe(fold(given))
        expect(fold(given.normalize('NFD'))).toBe(fold(given))
        expect(fold(given)).toBe(fold(given).normalize('NFC'))
      }),
      { numRuns: 2_000 },
    )
  })

  it('lets the start of a name be found in it', () => {
    const letters = fc.array(fc.constantFrom(...'aBÉöΣσςΑЖ'), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(letters, letters, (start, rest) => {
        expect(fold([...start, ...rest].join('')).startsWith(fold(start.join('')))).toBe(true)
      }),
      runs,
    )
  })
})

describe('a rule', () => {
  const ruled = defineDocument({
    schema: Type.Object({
      active: Type.Boolean(),
      target: clearable(text(5)),
      targetName: clearable(text(5)),
    }),
    defaults: { active: false },
    *rules(value) {
      yield needs(value, value.active, 'target', "The 'target' must be set.")
      yield needs(value, value.target === 'named', 'targetName', 'A name is needed.')
    },
  })

  it('is judged on what the update would leave', () => {
    expect(ruled.create({}).faults).toEqual([])
    expect(ruled.create({ active: true }).faults).toMatchObject([{ code: 9, parameter: 'target' }])
    const { value } = ruled.create({ active: true, target: 'x' })
    expect(ruled.change(value, { target: null }).faults).toMatchObject([{ code: 9 }])
    expect(ruled.change(value, { target: null, active: false }).faults).toEqual([])
  })

  it('says what it has to of a member whose name begins as a faulty one’s', () => {
    const { value } = ruled.create({ target: 'named', targetName: 'x' })
    const { faults } = ruled.change(value, { target: 5, targetName: null })
    expect(faults).toMatchObject([{ parameter: 'target' }, { code: 9, parameter: 'targetName' }])
  })

  it('says nothing of a member that is faulty already', () => {
    expect(ruled.create({ active: true, target: 5 }).faults).toMatchObject([
      { code: 2, parameter: 'target' },
    ])
  })
})

describe('a wrapper', () => {
  const wrapped = defineDocument({
    schema: Type.Object({ a: clearable(text(5)) }),
    wrapper: 'whole',
  })

  it('may be sent or left out, alone', () => {
    expect(wrapped.create({ whole: { a: 'x' } })).toMatchObject({ faults: [], value: { a: 'x' } })
    expect(wrapped.create({ a: 'x' })).toMatchObject({ faults: [], value: { a: 'x' } })
    expect(parametersOf(wrapped.create({ whole: { a: 'x' }, a: 'y' }))).toEqual(['whole'])
    expect(wrapped.create({ whole: [] }).faults).toMatchObject([{ code: 2 }])
  })
})
