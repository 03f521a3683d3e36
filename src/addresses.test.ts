import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { addressTest, canonicalAddress, networkOf } from './addresses.ts'
import { clientAddress } from './http/client-address.ts'

describe('an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    [' 192.0.2.7 ', '192.0.2.7'],
    ['192.0.2.7:51234', '192.0.2.7'],
    ['192.0.2.7:', '192.0.2.7'],
    ['[192.0.2.7]:80', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['0000:0000:0000:0000:0000:ffff:c000:0207', '192.0.2.7'],
    ['[::ffff:192.0.2.7]:443', '192.0.2.7'],
    ['::ffff:192.0.2.7%eth0', '192.0.2.7'],
    ['64:ff9b::192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:51234', '2001:db8::1'],
    ['[2001:DB8:0::1%25eth0]:51234', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
  ])('%s is %s', (text, address) => {
    expect(canonicalAddress(text)).toBe(address)
  })

  it.each([
    '',
    'unknown',
    '_hidden',
    'localhost',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.7:80:80',
    '192.0.2.7 192.0.2.8',
    '010.0.2.7',
    '0x7f.0.0.1',
    '3221225991',
    '[2001:db8::1',
    '2001:db8::1]:80',
    '2001:db8:::1',
    '::ffff:192.0.2.999',
    '1'.repeat(100_000),
    ` ${'['.repeat(100_000)}`,
  ])('is not %s', (text) => {
    expect(canonicalAddress(text)).toBeUndefined()
  })

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s is counted as %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('a list of addresses', () => {
  it.each([
    [['10.0.0.0/8'], '10.9.8.7', true],
    [['10.0.0.0/8'], '11.9.8.7', false],
    [['10.0.0.1'], '10.0.0.1', true],
    [['10.0.0.1'], '10.0.0.2', false],
    [['::ffff:10.0.0.1'], '10.0.0.1', true],
    [['::ffff:10.0.0.0/104'], '10.9.8.7', true],
    [['::ffff:10.0.0.0/104'], '11.9.8.7', false],
    [['2001:DB8::/32'], '2001:db8:9::1', true],
    [['2001:db8::/32', '192.0.2.1'], '192.0.2.1', true],
    [['fe80::1%eth0'], 'fe80::1', true],
    [['::1'], '127.0.0.1', false],
    [[], '127.0.0.1', false],
  ])('of %j has %s: %s', (ranges, address, has) => {
    expect(addressTest(ranges)(address)).toBe(has)
  })
})

describe('a client', () => {
  const isProxy = addressTest(['127.0.0.1', '10.0.0.0/8', '2001:db8:ffff::/48'])

  function found(forwarded: string | undefined, remoteAddress: string | undefined = '127.0.0.1') {
    const headers = { ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }) }
    return clientAddress({ socket: { remoteAddress }, headers } as IncomingMessage, isProxy)
  }

  it.each([
    [undefined, '127.0.0.1'],
    ['', '127.0.0.1'],
    ['192.0.2.7', '192.0.2.7'],
    ['198.51.100.1, 192.0.2.7', '192.0.2.7'],
    ['192.0.2.7, 10.0.0.1', '192.0.2.7'],
    ['192.0.2.7, 10.0.0.1:4711', '192.0.2.7'],
    ['192.0.2.7:5060,10.0.0.1:4711,::ffff:10.0.0.2', '192.0.2.7'],
    ['2001:DB8::7, [2001:db8:ffff::1]:4711', '2001:db8::7'],
    ['10.0.0.9, 10.0.0.1', '10.0.0.9'],
    ['unknown', '127.0.0.1'],
    ['192.0.2.7, garbage, 10.0.0.1', '10.0.0.1'],
    ['192.0.2.7,', '127.0.0.1'],
  ])('whose proxies passed on %j is %s', (forwarded, address) => {
    expect(found(forwarded)).toBe(address)
  })

  it('that is no proxy says nothing of itself', () => {
    expect(found('192.0.2.7', '203.0.113.9')).toBe('203.0.113.9')
    expect(found('192.0.2.7', '::ffff:203.0.113.9')).toBe('203.0.113.9')
    expect(found('192.0.2.7', '::ffff:127.0.0.1')).toBe('192.0.2.7')
  })
})
