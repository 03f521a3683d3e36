import { isIPv4, isIPv6 } from 'node:net'
import type { Reader } from '../../database/database.ts'
import { fold } from '../../documents/normalise.ts'
import { type Fault, invalid } from '../../errors.ts'
import { domainKey, isOwnDomain } from '../groups/domains.ts'
import { groupFacts } from '../groups/groups.ts'
import { destinationMax, destinationPattern } from './members.ts'
import { findExtension, findNumber, type NumberHolder, type Numbers, numberKey } from './numbers.ts'

const label = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

/** A name whose last label begins with a letter, or an address (RFC 3261, 25.1). */
function isHost(host: string): boolean {
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1))
  const labels = host.split('.')
  const isName = labels.every((one) => label.test(one)) && /^[A-Za-z]/.test(labels.at(-1) ?? '')
  return isName || isIPv4(host)
}

/** The parts of a SIP URI `user@host:port`; an extension or phone number has no host. */
function partsOf(destination: string) {
  const [, user = destination, host, port] =
    /^([^@]*)@(\[.*\]|[^:]*)(?::(\d+))?$/.exec(destination) ?? []
  return { user, host, port }
}

/** What is wrong with the host or port of a destination, if anything. */
function hostFault(parameter: string, destination: string): Fault | undefined {
  const { host, port } = partsOf(destination)
  if (host !== undefined && !isHost(host)) {
    const hosts =
      "a name such as 'sip.example.org', an IPv4 address, or an IPv6 address in brackets"
    return invalid(parameter, `The host of the '${parameter}' field must be ${hosts}.`)
  }
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535)
  return isPort
    ? undefined
    : invalid(parameter, `The port of the '${parameter}' field must be 1 to 65535.`)
}

/** The user of a SIP URI with its escapes resolved; what they stand for may be no text. */
function withoutEscapes(user: string): string {
  try {
    return decodeURIComponent(user)
  } catch {
    return user
  }
}

/** The number that the user of a SIP URI is: without parameters and visual separators (RFC 3261, 19.1.6; RFC 3966, 3). */
function numberOf(user: string): string | undefined {
  const [subscriber = ''] = user.split(';', 1)
  const digits = subscriber.replaceAll(/[-.()]/g, '')
  return /^\+?\d+$/.test(digits) ? digits : undefined
}

function identityKeyOf(user: string, domain: string): string {
  return `${fold(user)}@${domainKey(domain)}`
}

const destinationForm = new RegExp(destinationPattern)

/** Whether it is what operations take as a destination, and so can be dialled. */
export function isDestination(text: string): boolean {
  return (
    text.length <= destinationMax && destinationForm.test(text) && !hostFault('destination', text)
  )
}

/** What a destination, or what somebody dialled, says by itself. */
interface Address {
  /** Undefined when it names none. */
  host: string | undefined
  /** Digits with an optional leading `+`; undefined when it is no number. */
  number: string | undefined
  /** The ids that it may be: a `;` in it begins parameters, or stands in the id. */
  identityKeysAt(domain: string): string[]
}

/** Reads a phone number, extension, or SIP URI without `sip:`, whose host may be missing. */
export function readAddress(text: string): Address {
  const { user: escaped, host } = partsOf(text)
  const user = withoutEscapes(escaped)
  const [bare = ''] = user.split(';', 1)
  return {
    host,
    number: numberOf(user),
    identityKeysAt: (domain) => [...new Set([user, bare])].map((one) => identityKeyOf(one, domain)),
  }
}

/** What may answer to a destination in a group; an extension only there, a number wherever the tenant is at home. */
export interface Meaning extends Numbers {
  identityKeys: string[]
  /** By which the group reads national numbers; '' when unknown. */
  country: string
}

/** Reads a destination as a route point, `holder`, sends calls to it. */
export async function meaningOf(
  reader: Reader,
  { place, identityKey }: NumberHolder,
  destination: string,
): Promise<Meaning> {
  const { tenantKey = '' } = place
  const { default_domain: groupDomain = '', country = '' } = (await groupFacts(reader, place)) ?? {}
  const { host, number, identityKeysAt } = readAddress(destination)
  const domain = host ?? groupDomain
  const said = { identityKeys: identityKeysAt(domain), country }
  if (number === undefined) return said
  const ownDomains = [groupDomain, identityKey.split('@')[1] ?? ''].map(domainKey)
  const isHere = host === undefined || ownDomains.includes(domainKey(host))
  if (!isHere && !(await isOwnDomain(reader, tenantKey, domain))) return said
  return { ...said, phoneNumber: number, ...(isHere && { extension: number }) }
}

async function leadsBack(
  reader: Reader,
  holder: NumberHolder,
  destination: string,
): Promise<boolean> {
  const { place, identityKey } = holder
  const { identityKeys, phoneNumber, extension } = await meaningOf(reader, holder, destination)
  const [user = '', domain = ''] = identityKey.split('@')
  if (identityKeys.includes(identityKeyOf(user, domain))) return true
  const rows = [
    phoneNumber === undefined ? undefined : await findNumber(reader, place, phoneNumber),
    extension === undefined ? undefined : await findExtension(reader, place, extension),
  ]
  return rows.some((row) => row?.identity_key === identityKey)
}

/**
 * Judges a destination to which calls of `holder` go: its host and port, and that it is none of the holder's own numbers, ids
 * and DNIS, in whatever form, since the call would come back.
 */
export async function checkDestination(
  reader: Reader,
  holder: NumberHolder,
  { parameter, destination }: { parameter: string; destination: string },
): Promise<Fault[]> {
  const malformed = hostFault(parameter, destination)
  if (malformed) return [malformed]
  if (!(await leadsBack(reader, holder, destination))) return []
  const message = `The '${parameter}' field leads back to the route point: this number or id is its own.`
  return [invalid(parameter, message)]
}

/** Which of these numbers, those of `holder`, a destination leads to. */
export async function numberReached(
  reader: Reader,
  holder: NumberHolder,
  { destination, numbers }: { destination: string; numbers: Numbers },
): Promise<keyof Numbers | undefined> {
  const { place } = holder
  const meaning = await meaningOf(reader, holder, destination)
  if (numbers.extension !== undefined && numbers.extension === meaning.extension) return 'extension'
  if (numbers.phoneNumber === undefined || meaning.phoneNumber === undefined) return undefined
  const own = await numberKey(reader, place, numbers.phoneNumber)
  return own === (await numberKey(reader, place, meaning.phoneNumber)) ? 'phoneNumber' : undefined
}
