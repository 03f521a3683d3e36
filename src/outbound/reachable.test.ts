import { describe, expect, it } from 'vitest'
import { reachableAddresses } from './reachable.ts'

const privateAddresses = [
  ...[
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.0.9',
  ],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1'],
  ...['192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.5', '224.0.0.1'],
  ...['239.255.255.250', '240.0.0.1', '255.255.255.255'],
  ...[
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
    '::7f00:1',
  ],
  ...['64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1'],
  ...['2002:7f00:1::1', '2002:a00:1::', '3fff::1', '5f00::1', 'fc00::1', 'fd12:3456::1', 'fe80::1'],
  ...['fe80::1%eth0', 'fec0::1', 'ff02::1', 'FD00::1', '0:0:0:0:0:0:0:1', '[::1]'],
]
const publicAddresses = [
  ...['1.1.1.1', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.255.255.255'],
  ...['128.0.0.1', '172.15.255.255', '172.32.0.1', '192.167.1.1', '192.169.1.1', '223.255.255.255'],
  ...['2606:4700::1111', '2a00:1450:4001::1', '64:ff9b::101:101', '::ffff:1.1.1.1'],
]

describe('addresses that tenants may have asked', () => {
  const isReachable = reachableAddresses([])

  it.each(privateAddresses)('do not have %s among them', (address) => {
    expect(isReachable(address)).toBe(false)
  })

  it.each(['', 'localhost', '127.1', '2130706433', '1.1.1.1.1', '1.1.1.1/8'])(
    'do not have %j among them, which is none',
    (text) => expect(isReachable(text)).toBe(false),
  )

  it.each(publicAddresses)('have %s among them', (address) => {
    expect(isReachable(address)).toBe(true)
  })

  it('have those among them that the operator allows, in every spelling, and no others', () => {
    const isAllowed = reachableAddresses(['127.0.0.1', '10.1.0.0/16', 'fd00:1::/32'])
    const allowed = ['127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '10.1.255.9', 'fd00:1:2::3']
    for (const address of allowed) expect(isAllowed(address), address).toBe(true)
    for (const address of ['127.0.0.2', '10.2.0.1', '::1', 'fd00:2::1']) {
      expect(isAllowed(address), address).toBe(false)
    }
  })
})
