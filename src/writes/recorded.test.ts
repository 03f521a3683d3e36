import { describe, expect, it } from 'vitest'
import { valuesIn } from './recorded.ts'

describe('a row', () => {
  const row = { tenant_key: 'sales', group_key: '', position: 3 }

  it('has the values of its key, in its order, empty ones too', () => {
    expect(valuesIn(row, ['position', 'tenant_key', 'group_key'])).toEqual([3, 'sales', ''])
  })

  it('that was read without a column of its key is not taken for another', () => {
    const read = () => valuesIn(row, ['tenant_key', 'route_point_key'])
    expect(read).toThrow('A row was read without its route_point_key.')
  })
})
