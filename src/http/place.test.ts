import { describe, expect, it } from 'vitest'
import {
  groupKeyIn,
  groupKeyOf,
  memberKeyIn,
  memberKeyOf,
  nameKeyOf,
  tenantKeyOf,
} from './place.ts'

const key = ['sales', 'belgium', 'jane@example.org', 'Main']

describe('a key', () => {
  it('begins with those of its tenant, its group and its route point', () => {
    expect(groupKeyIn(key)).toEqual(['sales', 'belgium'])
    expect(memberKeyIn(key)).toEqual(['sales', 'belgium', 'jane@example.org'])
  })

  it('that is too short is not taken for somebody else’s', () => {
    expect(() => groupKeyIn([])).toThrow('No tenant is named.')
    expect(() => groupKeyIn(key.slice(0, 1))).toThrow('No group is named.')
    expect(() => memberKeyIn(key.slice(0, 2))).toThrow('No user or route point is named.')
  })
})

describe('a path', () => {
  it('that does not name what is asked for is not taken for somebody else’s', () => {
    const place = { tenantKey: 'sales', groupKey: 'belgium' }
    expect(() => tenantKeyOf({})).toThrow('No tenant is named.')
    expect(() => groupKeyOf({ tenantKey: 'sales' })).toThrow('No group is named.')
    expect(() => memberKeyOf(place)).toThrow('No user or route point is named.')
    expect(() => nameKeyOf({ params: {} })).toThrow('No instance is named.')
  })
})
