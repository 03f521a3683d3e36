import { randomUUIDv7 } from 'node:crypto'
import type { Arrival, Party } from '../../../engines/engine.ts'
import type { Call } from '../call.ts'
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
export function newCall(
  { engine, configuration }: Station,
  { leg, dialled, caller }: Arrival,
  { callee, now }: { callee: Callee; now: number },
): Call {
  return {
    id: randomUUIDv7(),
    engine: engine.name,
    leg,
    caller: cleanParty(caller),
    dialled,
    arrivedAt: now,
    routePoint: callee.routePoint,
    dnis: callee.dnisName,
    hops: 0,
    isAnswered: false,
    numbered: 0,
    offers: 0,
    waitingSince: null,
    isBounced: false,
    taken: null,
    hearing: { what: 'nothing' },
    phase: { name: 'arriving' },
    timers: { life: now + configuration.callSecondsMax * 1_000 },
  }
}
