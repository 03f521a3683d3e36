import { randomUUIDv7 } from 'node:crypto'
import type { Arrival, Party } from '../../../engines/engine.ts'
import { type Call, newCall } from '../call.ts'
import type { Callee } from '../find.ts'
import type { Station } from './station.ts'

/** As long as a name or number can be that telephones show. */
export const nameCharactersMax = 80
export const numberCharactersMax = 64

/** What a caller wrote, fit to be shown, kept and sent on: no control characters, no halves of characters, no more than has room. */
function clean(text: string, charactersMax: number): string {
  const measured = text.slice(0, 2 * charactersMax).toWellFormed()
  return Array.from(measured.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu, ' '))
    .slice(0, charactersMax)
    .join('')
    .trim()
}

function cleanParty({ name, number }: Party): Party {
  return { name: clean(name, nameCharactersMax), number: clean(number, numberCharactersMax) }
}

/** A call that has just come to a route point. */
export function arrivedCall(
  { engine, configuration }: Station,
  { leg, dialled, caller }: Arrival,
  { callee, now }: { callee: Callee; now: number },
): Call {
  const { routePoint, dnisName: dnis } = callee
  const known = {
    id: randomUUIDv7(),
    engine: engine.name,
    leg,
    caller: cleanParty(caller),
    dialled,
  }
  return newCall({ ...known, arrivedAt: now, routePoint, dnis }, configuration.callSecondsMax)
}
