import { describe, expect, it } from 'vitest'
import { fillPath } from './operation.ts'

describe('a path', () => {
  const path = '/groups/:group_id/users/:user_id/'

  it('is filled with its parameters, each as one segment, and no others', () => {
    const parameters = { group_id: 'a/b', user_id: 'jane@example.org', tenant_id: 'sales' }
    expect(fillPath(path, parameters)).toBe('/groups/a%2Fb/users/jane%40example.org/')
  })

  it('that lacks a parameter is not taken for that of something else', () => {
    const fill = () => fillPath(path, { group_id: 'belgium' })
    expect(fill).toThrow('/groups/:group_id/users/:user_id/ gets no user_id.')
  })
})
