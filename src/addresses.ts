import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net'

/** The eight groups of an IPv6 address that is known to be one. */
function groupsOf(address: string): number[] {
  const halves = address.split('::').map((half) =>
    half.split(':').flatMap((group) => {
      if (group === '') return []
      if (!group.includes('.')) return [Number.parseInt(group, 16)]
      const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
      return [a * 256 + b, c * 256 + d]
    }),
  )
  const [head = [], tail = []] = halves
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

/** How IPv6 writes an IPv4 host: mapped by a socket that takes both, or translated on its way (RFC 6052). */
const ipv4Prefixes = ['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0']

/** The IPv4 address that an IPv6 one carries, or undefined. */
function embeddedIpv4(groups: readonly number[]): string | undefined {
  const prefix = groups.slice(0, 6).map((group) => group.toString(16))
  if (!ipv4Prefixes.includes(prefix.join(':'))) return undefined
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join('.')
}

/** No address with its zone, brackets and port is longer. */
const addressLengthMax = 100

/**
 * The one spelling of an address, however a socket or a proxy writes it: with a port, in brackets, with a zone, in capitals,
 * with or without its zeros; an IPv4 host is always IPv4.
 *
 * @returns undefined for a text that is no address.
 */
export function canonicalAddress(text: string): string | undefined {
  if (text.length > addressLengthMax) return undefined
  if (isIPv4(text)) return text
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d*)?|([\d.]+):\d*)$/.exec(text.trim()) ?? []
  const address = (bracketed ?? withPort ?? text.trim()).replace(/%.*$/, '')
  if (isIPv4(address)) return address
  if (!isIPv6(address)) return undefined
  return embeddedIpv4(groupsOf(address)) ?? new SocketAddress({ address, family: 'ipv6' }).address
}

function prefixOf(address: string, groups: number): string {
  if (!isIPv6(address)) return address
  const prefix = groupsOf(address).slice(0, groups)
  return `${prefix.map((group) => group.toString(16)).join(':')}::/${groups * 16}`
}

/**
 * What clients are told apart by where they are counted: a host has all of its IPv6 network's 2^64 addresses.
 *
 * @param address canonical.
 */
export function networkOf(address: string): string {
  return prefixOf(address, 4)
}

/**
 * What one customer of a provider has at most: a /48 (RFC 6177), thus 65,536 networks; many have less and share it.
 *
 * @param address canonical.
 */
export function siteNetworkOf(address: string): string {
  return prefixOf(address, 3)
}

/** Tells whether a canonical address is one of a list's. */
export type AddressTest = (address: string) => boolean

/** @param ranges addresses and CIDR ranges, as the configuration has judged them. */
export function addressTest(ranges: readonly string[]): AddressTest {
  const list = new BlockList()
  for (const range of ranges) {
    const [text = '', bits] = range.split('/')
    const [address = ''] = text.split('%')
    // IPv4 in its IPv6 form is the same to the list.
    if (isIPv4(address)) list.addSubnet(address, Number(bits ?? 32), 'ipv4')
    else list.addSubnet(address, Number(bits ?? 128), 'ipv6')
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/**
 * What is nobody's public IPv4 address (IANA's registry of special purposes, multicast, and what is reserved): this host, private
 * networks, those behind a provider's translation, link-local with the metadata of clouds, tests, and the relay of 6to4.
 */
const specialIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/** Where all public IPv6 addresses are; private, link-local and multicast ones are outside. */
const publicIpv6 = ['2000::/3']

/** What in there is none: protocols of the IETF (Teredo), documentation, and 6to4, which carries any IPv4 address. */
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const isSpecialIpv4 = addressTest(specialIpv4)
const isPublicIpv6 = addressTest(publicIpv6)
const isSpecialIpv6 = addressTest(specialIpv6)

/** Whether a canonical address is one of the public internet. */
export function isPublic(address: string): boolean {
  if (!address.includes(':')) return !isSpecialIpv4(address)
  return isPublicIpv6(address) && !isSpecialIpv6(address)
}
