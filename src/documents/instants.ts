/** A time as RFC 3339 writes it; without seconds, as people do, it is taken as well. */
export const instantPattern =
  '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2}:\\d{2})$'

const instant = new RegExp(instantPattern)

/**
 * Milliseconds since 1970; undefined for what is no time, or on a day that does not exist: to the parser the 30th of February
 * is the 2nd of March.
 */
export function readInstant(text: string): number | undefined {
  if (!instant.test(text)) return undefined
  const day = text.slice(0, 'YYYY-MM-DD'.length)
  const milliseconds = Date.parse(text)
  const midnight = Date.parse(day)
  if (Number.isNaN(milliseconds) || Number.isNaN(midnight)) return undefined
  return new Date(midnight).toISOString().startsWith(day) ? milliseconds : undefined
}
