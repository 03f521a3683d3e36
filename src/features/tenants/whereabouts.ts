import Type from 'typebox'
import { clearable, text } from '../../documents/vocabulary.ts'
import { type Fault, invalid } from '../../errors.ts'

/** Every code that ISO 3166-1 assigns. Some have no numbering plan, and plans have codes that are no country's. */
const countries = new Set(
  `
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO
BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ
DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP
GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG
KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML
MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE
PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL
SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM
US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
`
    .trim()
    .split(/\s+/),
)

const label = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?'
/** A host name: labels of letters, digits and dashes, joined by dots. */
const domainPattern = `^${label}(?:\\.${label})*$`

export const DefaultDomain = text(80, {
  pattern: domainPattern,
  expects: "a domain such as 'sip.example.org'",
  description: 'Domain that ids without one get.',
})

/** Where a tenant or group is. */
export const whereabouts = {
  country: clearable(
    Type.String({
      description:
        'ISO 3166-1 alpha-2 code; national phone numbers are read by it where it has a numbering plan.',
    }),
  ),
  timeZone: clearable(Type.String({ description: 'IANA name, in its own spelling.' })),
}

/** Whether IANA spells a time zone so; `Intl` takes other cases, offsets and names of ICU's own as well. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Z]/.test(name)) return false
  try {
    return new Temporal.ZonedDateTime(0n, name).timeZoneId === name
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

interface Whereabouts {
  country?: string
  timeZone?: string
}

/** Lists of the outside world that no pattern holds: ISO's countries, IANA's time zones. What stays is not judged again. */
export function* whereaboutsRules(value: Whereabouts, before?: Whereabouts): Iterable<Fault> {
  const { country, timeZone } = value
  if (country !== undefined && country !== before?.country && !countries.has(country)) {
    yield invalid('country', "The 'country' field must be an ISO 3166-1 code such as 'BE'.")
  }
  if (timeZone !== undefined && timeZone !== before?.timeZone && !isTimeZone(timeZone)) {
    yield invalid(
      'timeZone',
      "The 'timeZone' field must be an IANA name in its own spelling, such as 'Europe/Brussels'.",
    )
  }
}
