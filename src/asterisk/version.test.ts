import { describe, expect, it } from 'vitest'
import { refusalOf } from './version.ts'

describe('an Asterisk', () => {
  it.each(['22.10.0', '22.10.1', '22.10', '22.11.0-rc1', '23.0.0', '100.1.2'])(
    'of version %s is used',
    (version) => {
      expect(refusalOf(version)).toBeUndefined()
    },
  )

  it.each([
    '22.9.9',
    '22.1.10',
    '21.99.0',
    '2.210.0',
    '9.10',
    '22',
    '',
    'GIT-master-1a2b3c',
    'certified/22.8-cert1',
    '٢٢.10',
    '22.10x',
  ])('of version "%s" is not, in words that name both versions', (version) => {
    expect(refusalOf(version)).toBe(`it is Asterisk "${version}", and 22.10 or later is needed`)
  })

  it('that says much is quoted on one line, and not to its end', () => {
    const refusal = refusalOf(`1.0\r\n${'x'.repeat(10_000)}`)
    expect(refusal).toContain('"1.0\\r\\nxxx')
    expect(refusal?.length).toBeLessThan(150)
  })
})
