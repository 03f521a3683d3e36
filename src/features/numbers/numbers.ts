import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js'
import { type Reader, sql } from '../../database/database.ts'
import { type Fault, taken } from '../../errors.ts'
import { type Caller, levels } from '../../http/permissions.ts'
import { groupKeyOf, type Place, tenantKeyOf } from '../../http/place.ts'
import type { Work } from '../../writes/door.ts'
import { groupFacts } from '../groups/groups.ts'

/** Who answers to a number: a user or route point, or with a name one of the route point's DNIS. */
export interface NumberHolder {
  place: Place
  identityKey: string
  dnisName: string | null
}

/** The members by which calls find somebody. */
export interface Numbers {
  phoneNumber?: string
  extension?: string
}

/** A national number of up to so many digits is a short code, such as 112, unless the country's plan assigns it. */
const shortDigitsMax = 6

/** Where a number means what it means. */
export interface NumberScope {
  /** '' when unknown. */
  country: string
  tenantKey: string
}

/**
 * The forms under which a number may be kept, the one under which it is kept today first. That is E.164 where the number
 * can be read, with the country for national ones; else its digits with the tenant, since everybody has a 112. The others
 * are those of older versions, which kept all numbers as one of the whole installation.
 */
export function numberKeys(
  phoneNumber: string,
  { country, tenantKey }: NumberScope,
): [string, ...string[]] {
  const region = isSupportedCountry(country) && { defaultCountry: country }
  const read = parsePhoneNumberFromString(phoneNumber, { ...region, extract: false })
  const digits = phoneNumber.replace('+', '')
  const isShort = !phoneNumber.startsWith('+') && digits.length <= shortDigitsMax
  if (!read?.isPossible()) return [`${digits}@${tenantKey}`, digits]
  return isShort && !read.isValid() ? [`${digits}@${tenantKey}`, read.number] : [read.number]
}

/** E.164 where a number can be read, with the country for national ones; else as it is. */
export function internationalForm(phoneNumber: string, country: string): string {
  const [key] = numberKeys(phoneNumber, { country, tenantKey: '' })
  return key.startsWith('+') ? key : phoneNumber
}

/** Whether a number with its plus can be one of E.164. */
export function isInternational(phoneNumber: string): boolean {
  const [key] = numberKeys(phoneNumber, { country: '', tenantKey: '' })
  return key.startsWith('+')
}

interface HolderRow {
  tenant_key: string
  group_key: string
  identity_key: string
  dnis_name: string | null
  identity_id: string
}

const holderColumns = 'tenant_key, group_key, identity_key, dnis_name'
const heldColumns =
  'held.tenant_key, held.group_key, held.identity_key, held.dnis_name, identities.identity_id'
const selectNumber = sql<HolderRow>(
  `SELECT ${heldColumns}
   FROM phone_numbers AS held JOIN identities ON identities.identity_key = held.identity_key
   WHERE held.number_key = ?`,
)
const selectExtension = sql<HolderRow>(
  `SELECT ${heldColumns}
   FROM extensions AS held JOIN identities ON identities.identity_key = held.identity_key
   WHERE held.tenant_key = ? AND held.group_key = ? AND held.extension = ?`,
)
const insertNumber = sql(
  `INSERT INTO phone_numbers (number_key, ${holderColumns}, international)
   VALUES (?, ?, ?, ?, ?, ?)`,
)
const insertExtension = sql(
  `INSERT INTO extensions (extension, ${holderColumns}) VALUES (?, ?, ?, ?, ?)`,
)
const ofHolder =
  'tenant_key = ? AND group_key = ? AND identity_key = ? AND dnis_name IS NOT DISTINCT FROM ?'
const deleteNumber = sql(`DELETE FROM phone_numbers WHERE ${ofHolder}`)
const deleteExtension = sql(`DELETE FROM extensions WHERE ${ofHolder}`)

/** Names a holder inside the caller's scope; of one outside nothing is said. */
function describeHolder(row: HolderRow, caller: Caller): string {
  const { tenantKey, groupKey } = caller
  const isVisible =
    (tenantKey === null || tenantKey === row.tenant_key) &&
    (groupKey === null || groupKey === row.group_key)
  if (!isVisible) return ''
  // Who may not read DNIS learns of the route point only, which they may.
  const isTold = row.dnis_name !== null && caller.level >= levels.GroupAdmin
  const dnis = isTold ? `DNIS '${row.dnis_name}' of ` : ''
  return ` by ${dnis}'${row.identity_id}'`
}

async function scopeOf(reader: Reader, place: Place): Promise<NumberScope> {
  const country = (await groupFacts(reader, place))?.country ?? ''
  return { country, tenantKey: tenantKeyOf(place) }
}

/** The form by which a number of a group is compared. */
export async function numberKey(
  reader: Reader,
  place: Place,
  phoneNumber: string,
): Promise<string> {
  return numberKeys(phoneNumber, await scopeOf(reader, place))[0]
}

/** Whoever has a number; under an older form only in the tenant itself. */
export async function findNumber(
  reader: Reader,
  place: Place,
  phoneNumber: string,
): Promise<HolderRow | undefined> {
  const scope = await scopeOf(reader, place)
  const [key, ...olderKeys] = numberKeys(phoneNumber, scope)
  const row = await reader.get(selectNumber, key)
  if (row) return row
  for (const olderKey of olderKeys) {
    const older = await reader.get(selectNumber, olderKey)
    if (older?.tenant_key === scope.tenantKey) return older
  }
  return undefined
}

/** Whoever has an extension in the group. */
export function findExtension(
  reader: Reader,
  place: Place,
  extension: string,
): Promise<HolderRow | undefined> {
  return reader.get(selectExtension, ...groupKeyOf(place), extension)
}

/** @returns a fault (11) for each number that somebody else has. */
export async function checkNumbers(
  reader: Reader,
  holder: NumberHolder,
  { numbers, caller }: { numbers: Numbers; caller: Caller },
): Promise<Fault[]> {
  const faults: Fault[] = []
  const { phoneNumber, extension } = numbers
  const { place } = holder
  const refuseOther = (member: string, words: string, row: HolderRow | undefined) => {
    const isOwn = row?.identity_key === holder.identityKey && row.dnis_name === holder.dnisName
    if (!row || isOwn) return
    faults.push(taken(member, `The ${words} is already in use${describeHolder(row, caller)}.`))
  }
  if (phoneNumber !== undefined) {
    refuseOther('phoneNumber', 'phone number', await findNumber(reader, place, phoneNumber))
  }
  if (extension !== undefined) {
    refuseOther('extension', 'extension', await findExtension(reader, place, extension))
  }
  return faults
}

/** Gives a holder these numbers in place of those that it had. */
export async function saveNumbers(
  { transaction }: Work,
  { place, identityKey, dnisName }: NumberHolder,
  { before, after }: { before: Numbers | undefined; after: Numbers },
): Promise<void> {
  const holder = [...groupKeyOf(place), identityKey, dnisName]
  if (before?.phoneNumber !== after.phoneNumber) {
    await transaction.run(deleteNumber, ...holder)
    if (after.phoneNumber !== undefined) {
      const key = await numberKey(transaction, place, after.phoneNumber)
      const international = after.phoneNumber.startsWith('+') ? 1 : 0
      await transaction.run(insertNumber, key, ...holder, international)
    }
  }
  if (before?.extension !== after.extension) {
    await transaction.run(deleteExtension, ...holder)
    if (after.extension !== undefined) {
      await transaction.run(insertExtension, after.extension, ...holder)
    }
  }
}
