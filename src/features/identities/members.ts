import { id } from '../../documents/vocabulary.ts'

/** The id of whoever signs in or has a SIP address: with a domain, or completed by the default one. */
export const SignInId = id(161, {
  atDomain: true,
  pattern: '^(?!\\.{1,2}$)[^@]+(@[^@]+)?$',
  expects: "an id such as 'jane@sip.example.org'",
})
