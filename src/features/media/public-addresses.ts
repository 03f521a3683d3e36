import { addressTest, canonicalAddress } from '../../http/addresses.ts'

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

function isPublic(address: string): boolean {
  if (!address.includes(':')) return !isSpecialIpv4(address)
  return isPublicIpv6(address) && !isSpecialIpv6(address)
}

/**
 * Tells of an address, in any spelling, whether it may be asked for what a tenant names: a public one, or one of `allowed`. An IPv4 address
 * that IPv6 carries is judged as what it is.
 *
 * @param allowed addresses and CIDR ranges that are not public.
 */
export function reachableAddresses(allowed: readonly string[]): (address: string) => boolean {
  const isAllowed = addressTest(allowed)
  return (text) => {
    const address = canonicalAddress(text)
    return address !== undefined && (isPublic(address) || isAllowed(address))
  }
}
