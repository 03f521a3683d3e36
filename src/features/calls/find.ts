import type { Reader } from '../../database/database.ts'
import { findUnkeepable } from '../../documents/characters.ts'
import { fold } from '../../documents/normalise.ts'
import type { GroupKey } from '../../http/place.ts'
import { ownerOf } from '../groups/domains.ts'
import { completeId } from '../groups/groups.ts'
import { isDestination, meaningOf, readAddress } from '../numbers/destinations.ts'
import { internationalForm, isInternational } from '../numbers/numbers.ts'
import { findReached, type Reached } from '../numbers/reached.ts'
import type { RoutePointKey } from '../route-points/route-point.ts'
import { findUser } from '../users/users.ts'

/** Characters that are looked at: the longest id has 161. */
export const dialledMax = 199

function isReadable(text: string): boolean {
  return text.length <= dialledMax && findUnkeepable(text) === undefined
}

/** What was dialled, as an engine tells it. */
interface Dialled {
  /** A number, or an id that may lack its domain: the user part of the Request-URI. */
  user: string
  /** The host of the Request-URI, '' where there is none. */
  domain: string
  /** ISO 3166-1 alpha-2 code by which the engine's national numbers are read; '' when unknown. */
  country: string
}

/** A route point that was called, and the DNIS by whose number or extension it was. */
export interface Callee {
  routePoint: RoutePointKey
  dnisName: string | null
}

const anywhere = { tenantKey: '', groupKey: '' }

/** Trunks deliver E.164 without its plus, which some countries' plans take for a national number. */
async function findWithoutPlus(reader: Reader, number: string): Promise<Reached | undefined> {
  const phoneNumber = `+${number}`
  if (!isInternational(phoneNumber)) return undefined
  return findReached(reader, { country: '', ...anywhere }, { phoneNumber, identityKeys: [] })
}

/** What a number means at the domain: an extension of its one group, or a number that its one tenant has for itself, as 112. */
async function findAtHome(
  reader: Reader,
  domain: string,
  number: string,
): Promise<Reached | undefined> {
  const { tenantKey, groupKey = '' } = domain === '' ? {} : await ownerOf(reader, domain)
  if (tenantKey === undefined) return undefined
  // As groups without a country keep all national numbers.
  const scope = { country: '', tenantKey, groupKey }
  const names = { extension: number, phoneNumber: number, identityKeys: [] }
  return findReached(reader, scope, names)
}

/**
 * Finds the route point that a call is for: by a number in E.164, whatever the domain; else by an id, which the domain
 * completes; else by what the number means where the domain is at home, if that is one place. Undefined for all else, such as a
 * user's number.
 */
export async function findCallee(
  reader: Reader,
  { user, domain, country }: Dialled,
): Promise<Callee | undefined> {
  if (user === '' || !isReadable(user) || !isReadable(domain)) return undefined
  const { number, host = domain, identityKeysAt } = readAddress(user)
  const identityKeys = host === '' ? [] : identityKeysAt(host)
  const names = { ...(number !== undefined && { phoneNumber: number }), identityKeys }
  let found = await findReached(reader, { country, ...anywhere }, names)
  // What is E.164 means the same everywhere.
  if (number !== undefined && !isInternational(number)) {
    found ??= await findWithoutPlus(reader, number)
    found ??= await findAtHome(reader, host, number)
  }
  return found?.isRoutePoint ? { routePoint: found.key, dnisName: found.dnisName } : undefined
}

/** A user of ours, with all that an engine may dial them by; '' for what they do not have. */
export interface Agent {
  kind: 'agent'
  userId: string
  extension: string
  phoneNumber: string
}

/** Where a destination leads. */
export type Route =
  | ({ kind: 'route point' } & Callee)
  | Agent
  /** Outside, in E.164 where it can be read. */
  | { kind: 'number'; number: string }
  /** Outside, without `sip:`. */
  | { kind: 'uri'; uri: string }
  /** It cannot be dialled. */
  | { kind: 'nowhere' }

async function agentOf(
  reader: Reader,
  key: readonly [...GroupKey, userKey: string],
): Promise<Agent | undefined> {
  const user = await findUser(reader, key)
  if (!user) return undefined
  const { userId, extension = '', phoneNumber = '' } = user
  return { kind: 'agent', userId, extension, phoneNumber }
}

/**
 * Tells where a route point's destination leads: extensions are those of its group, numbers are read by the group's country,
 * ids without a host get its domain. A user of another tenant is called as anybody outside, so that nothing of them is told.
 *
 * @param reach whether route points of other tenants are found: nobody is to be told which there are.
 */
export async function resolveDestination(
  reader: Reader,
  routePoint: RoutePointKey,
  destination: string,
  reach: 'everywhere' | 'tenant' = 'everywhere',
): Promise<Route> {
  if (!isDestination(destination)) return { kind: 'nowhere' }
  const [tenantKey, groupKey, identityKey] = routePoint
  const holder = { place: { tenantKey, groupKey }, identityKey, dnisName: null }
  const meaning = await meaningOf(reader, holder, destination)
  const { phoneNumber, country } = meaning
  const found = await findReached(reader, { country, tenantKey, groupKey }, meaning)
  const isOurs = found?.key[0] === tenantKey
  if (found?.isRoutePoint && (isOurs || reach === 'everywhere')) {
    return { kind: 'route point', routePoint: found.key, dnisName: found.dnisName }
  }
  const agent = found && isOurs ? await agentOf(reader, found.key) : undefined
  if (agent) return agent
  if (phoneNumber === undefined) return { kind: 'uri', uri: destination }
  return { kind: 'number', number: internationalForm(phoneNumber, country) }
}

/** Finds a user of a group by their id, which the group's domain completes. */
export async function findAgent(
  reader: Reader,
  group: GroupKey,
  userId: string,
): Promise<Agent | undefined> {
  if (!isReadable(userId)) return undefined
  const [tenantKey, groupKey] = group
  const id = await completeId(reader, { tenantKey, groupKey }, userId)
  return agentOf(reader, [...group, fold(id)])
}
