import { id } from '../../documents/vocabulary.ts'
import type { Tag } from '../../http/operation.ts'

/** The id of whoever signs in or has a SIP address: with a domain, or completed by the default one. */
export const SignInId = id(161, {
  atDomain: true,
  description:
    'Id to sign in with, `user@domain`, without regard to case; one without a domain gets the default one.',
  pattern: '^(?!\\.{1,2}$)[^@]+(@[^@]+)?$',
  expects: "an id such as 'jane@sip.example.org'",
})

/** Signing in, by whichever means. */
export const signInTag: Tag = {
  name: 'Sign-in',
  description: 'Sessions of people, tokens of programs, and one’s own password.',
}
