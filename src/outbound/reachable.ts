import { addressTest, canonicalAddress, isPublic } from '../addresses.ts'

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
