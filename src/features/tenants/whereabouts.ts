import { getCountries } from 'libphonenumber-js'
import Type from 'typebox'
import { clearable, text } from '../../documents/vocabulary.ts'
import { type Fault, invalid } from '../../errors.ts'

const countries = new Set<string>(getCountries())

/** A host name: labels of letters, digits and dashes, joined by dots. */
const domainPattern =
  '^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$'

export const DefaultDomain = text(80, {
  pattern: domainPattern,
  expects: "a domain such as 'sip.example.org'",
  description: 'Domain that ids without one get.',
})

/** Where a tenant or group is. */
export const whereabouts = {
  country: clearable(
    Type.String({ description: 'ISO 3166-1 alpha-2 code; national phone numbers are read by it.' }),
  ),
  timeZone: clearable(Type.String({ description: 'IANA name.' })),
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** Lists of the outside world that no pattern holds: countries with a numbering plan, IANA's time zones. */
export function* whereaboutsRules(value: { country?: string; timeZone?: string }): Iterable<Fault> {
  const { country, timeZone } = value
  if (country !== undefined && !countries.has(country)) {
    yield invalid('country', "The 'country' field must be an ISO 3166-1 code such as 'BE'.")
  }
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    yield invalid(
      'timeZone',
      "The 'timeZone' field must be an IANA name such as 'Europe/Brussels'.",
    )
  }
}
