import { type Guard, type Reader, sql } from '../../../database/database.ts'
import { isObject, type Members } from '../../../documents/normalise.ts'
import type { Schema } from '../../../documents/vocabulary.ts'
import { type Fault, invalid, memberPath } from '../../../errors.ts'
import { groupKeyOf } from '../../../http/place.ts'
import { checkDestination, numberReached } from '../../numbers/destinations.ts'
import type { NumberHolder, Numbers } from '../../numbers/numbers.ts'
import type { Owner, Setting } from './define.ts'
import { settings } from './index.ts'
import { routePointTables } from './storage.ts'

// A call that is sent back to where it came from never ends: no setting leads to its own route point, and no route point
// or DNIS gets a number to which a setting of its own leads.

/** The members of a document that its schema calls destinations, by their paths. */
function destinationsIn(schema: Schema, value: Members, path = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const member = value[key]
    const at = memberPath(path, key)
    if (property.destination && typeof member === 'string') found.set(at, member)
    if (isObject(member)) for (const one of destinationsIn(property, member, at)) found.set(...one)
  }
  return found
}

/**
 * What keeps a change of a setting true. Nothing but what it has read keeps a new destination from becoming the route point's
 * own number at the same moment.
 */
export function guardOf(setting: Setting, body: unknown): Guard {
  const { document, guard } = setting
  const given = document.unwrap(body)
  if (!isObject(given)) return guard
  return destinationsIn(document.schemas.shown, given).size > 0 ? 'reads' : guard
}

/** Judges each destination of a setting that is new, as `checkDestination` does. */
export async function checkDestinations(
  reader: Reader,
  { key }: Owner,
  { setting, before, value }: { setting: Setting; before: Members; value: Members },
): Promise<Fault[]> {
  const { shown } = setting.document.schemas
  const known = destinationsIn(shown, before)
  const [tenantKey, groupKey, identityKey = ''] = key
  const holder = { place: { tenantKey, groupKey }, identityKey, dnisName: null }
  const faults: Fault[] = []
  for (const [parameter, destination] of destinationsIn(shown, value)) {
    if (known.get(parameter) === destination) continue
    faults.push(...(await checkDestination(reader, holder, { parameter, destination })))
  }
  return faults
}

const selectSettings = sql<{ setting: string; value: string }>(
  `SELECT setting, value FROM ${routePointTables.settings}
   WHERE ${routePointTables.key.map((column) => `${column} = ?`).join(' AND ')}`,
)

/** What of `after` is not in `before`. */
function newNumbers(before: Numbers | undefined, after: Numbers): Numbers {
  const { phoneNumber, extension } = after
  return {
    ...(phoneNumber !== undefined && phoneNumber !== before?.phoneNumber && { phoneNumber }),
    ...(extension !== undefined && extension !== before?.extension && { extension }),
  }
}

/** @returns a fault (2) for a number that a route point or its DNIS is to get and to which one of its settings leads. */
export async function checkOwnNumbers(
  reader: Reader,
  holder: NumberHolder,
  { before, after }: { before: Numbers | undefined; after: Numbers },
): Promise<Fault[]> {
  const numbers = newNumbers(before, after)
  if (Object.keys(numbers).length === 0) return []
  const { place, identityKey } = holder
  const key = [...groupKeyOf(place), identityKey]
  const faults = new Map<string, Fault>()
  for (const { setting: name, value } of await reader.all(selectSettings, ...key)) {
    const setting = settings.find((one) => one.name === name)
    if (!setting) continue
    for (const destination of destinationsIn(
      setting.document.schemas.shown,
      JSON.parse(value),
    ).values()) {
      const member = await numberReached(reader, holder, { destination, numbers })
      const message = `The '${name}' setting sends calls to this number, so it cannot be the route point’s own.`
      if (member && !faults.has(member)) faults.set(member, invalid(member, message))
    }
  }
  return [...faults.values()]
}
