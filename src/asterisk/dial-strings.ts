import { canonicalAddress, isPublic } from '../addresses.ts'
import type { EngineConfiguration } from '../engines/configuration.ts'
import type { Target } from '../engines/engine.ts'

/** How Asterisk is told whom to ring. */
type Templates = Pick<EngineConfiguration, 'agents' | 'numbers' | 'uris'>

/** Names of endpoints and of SIP users that mean themselves, wherever they stand. */
const plainName = /^[\w.+!*~-]{1,128}$/

const dialledNumber = /^\+?[0-9*#]{1,32}$/

/** A name, an IPv4 address or an IPv6 address in brackets, with a port or without. */
const hostAndPort =
  /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i

/** Characters of a SIP user: longer ones are of nobody. */
const userCharactersMax = 255

/**
 * A text as the user of a SIP URI (RFC 3261, `user`): what has a meaning there, in dial strings or in headers is
 * percent-encoded. What is encoded already stays so.
 */
function encodeUser(user: string): string | undefined {
  if (user === '' || user.length > userCharactersMax || !user.isWellFormed()) return undefined
  // Whole characters, whose halves have no code; without a look at case, by which two letters more would be plain.
  return user.replaceAll(/%[0-9A-Fa-f]{2}|[^\w.+!*~-]/gu, (found) =>
    /^%[0-9a-f]{2}$/i.test(found)
      ? found
      : [...new TextEncoder().encode(found)]
          .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
          .join(''),
  )
}

/** The parts of `user@host`; the last `@` divides, for a host has none. */
function divide(address: string): { user: string; host: string } {
  const at = address.lastIndexOf('@')
  return at < 0
    ? { user: address, host: '' }
    : { user: address.slice(0, at), host: address.slice(at + 1) }
}

function encodeAddress(address: string): string | undefined {
  const { user, host } = divide(address)
  const encoded = encodeUser(user)
  if (encoded === undefined) return undefined
  if (host === '') return address.includes('@') ? undefined : encoded
  return hostAndPort.test(host) ? `${encoded}@${host}` : undefined
}

/** What stands for a placeholder; undefined for what cannot be dialled there. */
type Value = (isInUri: boolean) => string | undefined

const fitting =
  (pattern: RegExp, text: string): Value =>
  () =>
    pattern.test(text) ? text : undefined

const asUser =
  (text: string): Value =>
  (isInUri) =>
    isInUri ? encodeUser(text) : fitting(plainName, text)(isInUri)

const asAddress =
  (text: string): Value =>
  (isInUri) =>
    isInUri ? encodeAddress(text) : fitting(plainName, text)(isInUri)

function valuesOf(target: Target): Record<string, Value> {
  switch (target.kind) {
    case 'agent': {
      const { userId, extension, phoneNumber } = target
      const { user, host } = divide(userId)
      return {
        userId: asAddress(userId),
        user: asUser(user),
        domain: fitting(hostAndPort, host),
        extension: fitting(dialledNumber, extension),
        phoneNumber: fitting(dialledNumber, phoneNumber),
      }
    }
    case 'number':
      return { number: fitting(dialledNumber, target.number) }
    case 'uri':
      return { uri: asAddress(target.uri) }
  }
}

function templateFor({ agents, numbers, uris }: Templates, target: Target): string | undefined {
  return { agent: agents, number: numbers, uri: uris }[target.kind]
}

/** The name of the endpoint that a dial string rings, or a template of some: `PJSIP/NAME`, `PJSIP/NAME/URI`, `PJSIP/USER@NAME`. */
function endpointNameIn(dialString: string): string | undefined {
  const [, alone, behindUser] =
    /^PJSIP\/(?:([^/@]+)(?:\/|$)|[^/@]+@([^/@]+)$)/i.exec(dialString) ?? []
  return (alone ?? behindUser)?.toLowerCase()
}

/** The host, with its port, to which a dial string sends its call, where that stands in it. */
function hostIn(dialString: string): string | undefined {
  const [, uri] = /\/sips?:(.*)$/i.exec(dialString) ?? []
  return uri?.slice(uri.lastIndexOf('@') + 1).split(/[;?]/, 1)[0]
}

const isOfTarget = (part: string | undefined) => part?.includes('{') === true

/**
 * Whether a host may be one of the public internet: a name, whose addresses only the engine learns, or a public address in any
 * of the spellings that a resolver reads as one, such as `127.1`.
 */
function mayBePublic(host: string): boolean {
  const hostname = URL.parse(`http://${host}`)?.hostname
  if (hostname === undefined) return false
  const address = canonicalAddress(hostname)
  return address === undefined || isPublic(address)
}

/** Whether what a target has chosen in a dial string is its to choose: no endpoint that the templates keep for something else, and no private host. */
function isAllowed(dialString: string, template: string, templates: Templates): boolean {
  const { agents, numbers, uris = '' } = templates
  const taken = [agents, numbers, uris].map(endpointNameIn)
  const host = hostIn(dialString)
  if (isOfTarget(endpointNameIn(template)) && taken.includes(endpointNameIn(dialString))) {
    return false
  }
  return host === undefined || !isOfTarget(hostIn(template)) || mayBePublic(host)
}

/**
 * What Asterisk dials for a target; undefined where it cannot be dialled: the configuration does not say how, or what stands
 * for a placeholder is missing, would mean something else there, or is not a target's to choose. No text of a target becomes more
 * than a part of an address.
 */
export function dialStringOf(templates: Templates, target: Target): string | undefined {
  const template = templateFor(templates, target)
  const dialString = template && fill(template, valuesOf(target))
  return dialString && isAllowed(dialString, template, templates) ? dialString : undefined
}

function fill(template: string, values: Record<string, Value>): string | undefined {
  const pieces: string[] = []
  // Pieces of the template and placeholders take turns.
  for (const [index, piece] of template.split(/\{(\w+)\}/).entries()) {
    const isPlaceholder = index % 2 === 1
    const isInUri = /\/sips?:/i.test(pieces.join(''))
    const text = isPlaceholder ? values[piece]?.(isInUri) : piece
    if (text === undefined) return undefined
    pieces.push(text)
  }
  return pieces.join('')
}

/** The endpoint of a dial string that rings one telephone of an endpoint, which may have more of them. */
export function endpointOf(dialString: string): string | undefined {
  return /^PJSIP\/([^/@]+)$/.exec(dialString)?.[1]
}

/** A phone more than these is not rung: nobody has so many. */
const phonesMax = 10

/** Characters of a function's value at which Asterisk cuts it off. */
const valueCharactersMax = 4_095

/**
 * The dial strings in what Asterisk's `PJSIP_DIAL_CONTACTS` tells of an endpoint, one for each telephone that is
 * registered. An address may hold the character that divides them, but not what follows it.
 */
export function contactsIn(value: string): string[] {
  const contacts = value === '' ? [] : value.split(/&(?=PJSIP\/)/)
  // The last one was cut off.
  if (value.length >= valueCharactersMax) contacts.pop()
  return contacts.slice(0, phonesMax)
}
