import Type from 'typebox'
import { text } from '../../documents/vocabulary.ts'

/** E.164 allows 15 digits; carriers' private plans more, up to what the reference takes. */
export const PhoneNumber = text(23, {
  compact: 'separators',
  pattern: '^\\+?[0-9]+$',
  expects: "a phone number: digits with an optional leading '+', as in '+3225126779'",
  description:
    'Digits with an optional leading `+`. Spaces, dashes and invisible characters are accepted and dropped.',
})

export const Extension = Type.String({
  compact: 'invisible',
  pattern: '^[0-9]{2,20}$',
  expects: '2 to 20 digits',
  description: 'Number inside the group: 2 to 20 digits.',
})

const sipUser = "(?:[A-Za-z0-9_.!~*'()&=+$,;?/-]|%[0-9A-Fa-f]{2})+"
const sipHost = '(?:[A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?'

/** Characters of a destination: as many as an id can have. */
export const destinationMax = 161
export const destinationPattern = `^(?:\\+?[0-9]+|${sipUser}@${sipHost})$`

/** Where a call can be sent; `checkDestination` judges the host of a SIP URI. */
export const Destination = text(destinationMax, {
  destination: true,
  compact: 'separators',
  pattern: destinationPattern,
  expects:
    "an extension or a phone number (digits with an optional leading '+'), or a SIP URI without 'sip:' such as " +
    "'desk@sip.example.org'",
  description: 'An extension, a phone number, or a SIP URI without `sip:`.',
})
