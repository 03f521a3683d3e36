import { sql } from '../../../database/database.ts'
import { type Fault, invalid } from '../../../errors.ts'
import { memberKeyIn } from '../../../http/place.ts'
import type { Write } from '../../../resources/resource.ts'
import { numberReached } from '../../numbers/destinations.ts'
import type { Numbers } from '../../numbers/numbers.ts'
import { destinationsIn } from '../settings/destinations.ts'
import { settingNamed } from './effects.ts'

// A call that is sent back to where it came from never ends: no setting leads to its own route point, and no route point
// or DNIS gets a number to which a setting of its own leads.

/** Those that were ever changed. */
const selectSettings = sql<{ setting: string; value: string }>(
  `SELECT setting, value FROM route_point_settings
   WHERE tenant_key = ? AND group_key = ? AND route_point_key = ?`,
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
async function checkNumbers(write: Write<Numbers>): Promise<Fault[]> {
  const { transaction: reader, place, before, value: after } = write
  const numbers = newNumbers(before, after)
  if (Object.keys(numbers).length === 0) return []
  const key = memberKeyIn(write.key)
  const holder = { place, identityKey: key[2], dnisName: null }
  const faults = new Map<string, Fault>()
  for (const { setting: name, value } of await reader.all(selectSettings, ...key)) {
    const setting = settingNamed(name)
    if (!setting) continue
    for (const destination of destinationsIn(setting, JSON.parse(value)).values()) {
      const member = await numberReached(reader, holder, { destination, numbers })
      const message = `The '${name}' setting sends calls to this number, so it cannot be the route point’s own.`
      if (member && !faults.has(member)) faults.set(member, invalid(member, message))
    }
  }
  return [...faults.values()]
}

/** Gets no number to which a setting of its own route point leads. */
export const isCalledByOthers = { check: checkNumbers }
