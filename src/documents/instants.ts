/** A time as RFC 3339, 5.6 writes it; without seconds, as people do, it is taken as well. */
export const instantPattern =
  '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])[Tt]([01]\\d|2[0-3]):[0-5]\\d(:([0-5]\\d|60)(\\.\\d+)?)?' +
  '([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)$'

const instant = new RegExp(instantPattern)

/** Whether a day exists: to the parser the 30th of February is the 2nd of March. */
function isDay(day: string): boolean {
  return new Date(Date.parse(day)).toISOString().startsWith(day)
}

/** Leap seconds come at the end of a month, in UTC (RFC 3339, 5.7); `next` is the time a second later. */
function followsLeapSecond(next: number): boolean {
  return new Date(next).toISOString().includes('-01T00:00:00.')
}

/**
 * Milliseconds since 1970; undefined for what is no time. A leap second is the second after it, as clocks that know none
 * have it.
 */
export function readInstant(text: string): number | undefined {
  if (!instant.test(text) || !isDay(text.slice(0, 'YYYY-MM-DD'.length))) return undefined
  // The parser reads capitals only. Nothing but seconds can be 60.
  const time = text.toUpperCase()
  if (!time.includes(':60')) return Date.parse(time)
  const next = Date.parse(time.replace(':60', ':59')) + 1_000
  return followsLeapSecond(next) ? next : undefined
}
