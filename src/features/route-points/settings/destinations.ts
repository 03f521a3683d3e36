import type { Guard, Reader } from '../../../database/database.ts'
import { isObject, type Members } from '../../../documents/normalise.ts'
import type { Fault } from '../../../errors.ts'
import { memberKeyIn } from '../../../http/place.ts'
import { checkDestination } from '../../numbers/destinations.ts'
import type { Setting } from './define.ts'

/** Where a setting sends calls: the members that its schema calls destinations, by their paths. */
export function destinationsIn({ destinations }: Setting, value: Members): Map<string, string> {
  const texts = destinations.find(value).filter((member) => typeof member.value === 'string')
  return new Map(texts.map(({ path, value: destination }) => [path, String(destination)]))
}

/**
 * What keeps a change of a setting true, as far as it rests on where calls go. Nothing but what it has read keeps a new
 * destination from becoming the route point's own number at the same moment.
 */
export function destinationsGuard(setting: Setting, body: unknown): Guard {
  const given = setting.document.unwrap(body)
  return isObject(given) && destinationsIn(setting, given).size > 0 ? 'reads' : 'keys'
}

/** Judges each destination of a setting that is new, as `checkDestination` does. */
export async function checkDestinations(
  reader: Reader,
  key: readonly string[],
  { setting, before, value }: { setting: Setting; before: Members; value: Members },
): Promise<Fault[]> {
  const [tenantKey, groupKey, identityKey] = memberKeyIn(key)
  const known = destinationsIn(setting, before)
  const holder = { place: { tenantKey, groupKey }, identityKey, dnisName: null }
  const faults: Fault[] = []
  for (const [parameter, destination] of destinationsIn(setting, value)) {
    if (known.get(parameter) === destination) continue
    faults.push(...(await checkDestination(reader, holder, { parameter, destination })))
  }
  return faults
}
