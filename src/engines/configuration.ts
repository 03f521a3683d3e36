import { dirname, resolve } from 'node:path'
import { isSupportedCountry } from 'libphonenumber-js'
import Type, { type Static, type TSchema } from 'typebox'
import { compileSchema } from '../documents/validate.ts'
import { text } from '../documents/vocabulary.ts'
import { type Fault, invalid, itemPath, memberPath, missing } from '../errors.ts'
import { readSecretFile, readTextFile } from '../files.ts'

/** A file of hundreds of engines is smaller. */
const fileBytesMax = 262_144

/** What a template for dialling may have beside its placeholders: what is printable, but no space, double quote, brace or &, which begins another address. */
const literal = "[!#-%'-z|~]"

/** The text of something to dial, with at least one of the placeholders and no other. */
function template(placeholders: readonly string[], example: string) {
  const known = placeholders.join('|')
  return text(256, {
    pattern: `^[A-Za-z][\\w.-]*/(?=.*\\{)(?:${literal}|\\{(?:${known})\\})+$`,
    expects: `an address to dial, as in '${example}', with one or more of ${placeholders
      .map((name) => `{${name}}`)
      .join(', ')}`,
  })
}

const printable = (characters: number) =>
  text(characters, { pattern: '^[ -~]+$', expects: 'of printable ASCII characters' })

const word = (characters: number) =>
  text(characters, { pattern: '^[\\w.-]+$', expects: 'of letters, digits, _, . and -' })

/** Nothing else in braces, so that a misspelt placeholder is no part of a header. */
const callInfoText = Type.String({
  maxLength: 256,
  pattern: '^(?:[ -z|~]|\\{seconds\\})*$',
  expects: 'printable ASCII characters, with {seconds} where the seconds stand',
})

/** A colon would end it where it is sent with the password. */
const username = text(128, {
  pattern: '^[ -9;-~]+$',
  expects: 'of printable ASCII characters without a colon',
})

const agentPlaceholders = ['userId', 'user', 'domain', 'extension', 'phoneNumber'] as const

const EngineSchema = Type.Object(
  {
    name: text(32, {
      pattern: '^[A-Za-z0-9][A-Za-z0-9-]*$',
      expects: 'of letters, digits and -',
    }),
    url: text(1_024),
    application: Type.Optional(word(64)),
    username,
    passwordFile: text(1_024),
    country: text(2),
    domain: Type.Optional(word(253)),
    peers: Type.Optional(Type.Array(printable(128), { maxItems: 1_000 })),
    agents: template(agentPlaceholders, 'PJSIP/{user}'),
    numbers: template(['number'], 'PJSIP/{number}@trunk'),
    uris: Type.Optional(template(['uri'], 'PJSIP/trunk/sip:{uri}')),
    media: Type.Object(
      {
        folder: Type.Optional(text(1_024)),
        ourFolder: Type.Optional(text(1_024)),
        url: Type.Optional(text(1_024)),
      },
      { additionalProperties: false },
    ),
    alertInfo: Type.Optional(
      Type.Object(
        {
          'Long-Long': Type.Optional(printable(128)),
          'Short-Short-Long': Type.Optional(printable(128)),
          'Short-Long-Short': Type.Optional(printable(128)),
        },
        { additionalProperties: false },
      ),
    ),
    callInfo: Type.Optional(callInfoText),
    fallback: Type.Optional(
      Type.Object({ context: word(79), extension: word(79) }, { additionalProperties: false }),
    ),
    callSecondsMax: Type.Optional(Type.Integer({ minimum: 60, maximum: 86_400 })),
  },
  { additionalProperties: false },
)

const FileSchema = Type.Object({ engines: Type.Array(EngineSchema, { maxItems: 1_000 }) })

const faultsOf = compileSchema(FileSchema as TSchema)

/** Names of files that an engine plays, and where they come from. */
export type EngineMedia =
  /** A folder of the engine, and the path of the same folder for us. */
  { kind: 'folder'; folder: string; ourFolder: string } | { kind: 'url'; url: string }

/** Texts of headers by which telephones of agents know how to ring. */
export interface RingHeaders {
  /** Of Alert-Info, by ring pattern. */
  alertInfo: Readonly<Record<'Long-Long' | 'Short-Short-Long' | 'Short-Long-Short', string>>
  /** Of Call-Info, by which a telephone answers by itself after `{seconds}`; '' for none. */
  callInfo: string
}

export interface EngineConfiguration {
  name: string
  /** The root of ARI, without a slash at its end. */
  url: string
  /** Of Stasis: the dialplan names it, and one program at a time serves it. */
  application: string
  username: string
  password: string
  /** ISO 3166: how dialled numbers are read. */
  country: string
  /** Of arrivals that tell none. */
  domain: string | undefined
  /** The endpoints whose calls are taken; undefined for all. */
  peers: readonly string[] | undefined
  /** Templates of what is dialled, with placeholders in braces. */
  agents: string
  numbers: string
  uris: string | undefined
  media: EngineMedia
  headers: RingHeaders
  /** Where calls that nobody treats go; undefined for the next step of the dialplan. */
  fallback: { context: string; extension: string } | undefined
  /** Seconds after which the engine ends a leg, whatever happens to us. */
  callSecondsMax: number
}

/** What the Bellcore tones are called by most telephones. */
const alertInfo = {
  'Long-Long': 'Bellcore-dr2',
  'Short-Short-Long': 'Bellcore-dr3',
  'Short-Long-Short': 'Bellcore-dr4',
}

/** What most telephones take for a call that they answer by themselves. */
const callInfo = '<sip:pointsman>;answer-after={seconds}'

/** Four hours: no conversation is longer, and a forgotten leg must not last for ever. */
export const callSecondsMaxDefault = 14_400

/** The parts of an address of the web that can be a root of others; undefined for any other text. */
function readRoot(address: string): URL | undefined {
  const url = URL.parse(address)
  const isRoot =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.username + url.password + url.search + url.hash === ''
  return isRoot ? url : undefined
}

const rootExpected = 'must be http:// or https:// with a host, without user, query and fragment'

type EngineEntry = Static<typeof EngineSchema>

interface Whereabouts {
  /** Of the faulty member in the file. */
  path: string
  /** The folder to which paths are relative. */
  base: string
}

function mediaFaults(media: EngineEntry['media'], { path, base }: Whereabouts): Fault[] {
  const { folder, ourFolder, url } = media
  const faults: Fault[] = []
  const at = (member: string) => memberPath(path, member)
  for (const [member, named] of Object.entries({ folder, ourFolder })) {
    if (named !== undefined && resolve(base, named) === '/') {
      const reason = 'must not be the root of all files'
      faults.push(invalid(at(member), `The '${at(member)}' field ${reason}.`))
    }
  }
  if ((folder === undefined) === (url === undefined)) {
    faults.push(missing(path, `The '${path}' field must have one of 'folder' and 'url'.`))
  }
  if (ourFolder !== undefined && folder === undefined) {
    faults.push(invalid(at('ourFolder'), `The '${at('ourFolder')}' field goes with 'folder' only.`))
  }
  if (folder !== undefined && !/^\/[\w./-]*$/.test(folder)) {
    const form = 'must be a path from the root, of letters, digits, _, ., - and /'
    faults.push(invalid(at('folder'), `The '${at('folder')}' field ${form}.`))
  }
  if (url !== undefined && !readRoot(url)) {
    faults.push(invalid(at('url'), `The '${at('url')}' field ${rootExpected}.`))
  }
  return faults
}

/** The entry before this one that is the same application of the same engine, whose events only one can have. */
function findDouble(entry: EngineEntry, before: readonly EngineEntry[]): EngineEntry | undefined {
  if (!readRoot(entry.url)) return undefined
  return before.find(
    (other) =>
      readRoot(other.url) !== undefined &&
      rootOf(other.url) === rootOf(entry.url) &&
      applicationOf(other) === applicationOf(entry),
  )
}

interface Surroundings {
  index: number
  all: readonly EngineEntry[]
  /** The folder to which paths are relative. */
  base: string
}

/** What the schema cannot tell of an engine. */
function entryFaults(entry: EngineEntry, { index, all, base }: Surroundings): Fault[] {
  const path = itemPath('engines', index)
  const at = (member: string) => memberPath(path, member)
  const faults: Fault[] = []
  const isNamesake = (other: EngineEntry) => other.name.toLowerCase() === entry.name.toLowerCase()
  if (all.findIndex(isNamesake) < index) {
    faults.push(invalid(at('name'), `The '${at('name')}' field has the name of another engine.`))
  }
  if (!readRoot(entry.url)) {
    faults.push(invalid(at('url'), `The '${at('url')}' field ${rootExpected}.`))
  }
  const double = findDouble(entry, all.slice(0, index))
  if (double) {
    const reason = `gives '${entry.name}' the URL and the application of '${double.name}'`
    faults.push(invalid(at('url'), `The '${at('url')}' field ${reason}.`))
  }
  if (!isSupportedCountry(entry.country)) {
    const form = "must be a country of ISO 3166, as in 'CH'"
    faults.push(invalid(at('country'), `The '${at('country')}' field ${form}.`))
  }
  return [...faults, ...mediaFaults(entry.media, { path: at('media'), base })]
}

function readMedia({ folder, ourFolder, url }: EngineEntry['media'], base: string): EngineMedia {
  if (folder === undefined) return { kind: 'url', url: withoutSlash(url ?? '') }
  return {
    kind: 'folder',
    folder: withoutSlash(folder),
    ourFolder: resolve(base, ourFolder ?? folder),
  }
}

const withoutSlash = (path: string) => path.replace(/\/+$/, '')

const applicationOf = ({ application }: EngineEntry) => application ?? 'pointsman'

/** The address of ARI; an engine's address alone stands for where Asterisk has it. */
function rootOf(address: string): string {
  const { origin, pathname } = new URL(address)
  return `${origin}${pathname === '/' ? '/ari' : withoutSlash(pathname)}`
}

function readEntry(entry: EngineEntry, password: string, base: string): EngineConfiguration {
  return {
    name: entry.name,
    url: rootOf(entry.url),
    application: applicationOf(entry),
    username: entry.username,
    password,
    country: entry.country,
    domain: entry.domain,
    peers: entry.peers,
    agents: entry.agents,
    numbers: entry.numbers,
    uris: entry.uris,
    media: readMedia(entry.media, base),
    headers: {
      alertInfo: { ...alertInfo, ...entry.alertInfo },
      callInfo: entry.callInfo ?? callInfo,
    },
    fallback: entry.fallback,
    callSecondsMax: entry.callSecondsMax ?? callSecondsMaxDefault,
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** @throws Error naming the file and all that is wrong with it. */
function badFile(file: string, reason: string, cause?: unknown): Error {
  const message = `POINTSMAN_ENGINES: the file '${file}' cannot be used: ${reason}`
  return new Error(`${message} See docs/operating.md.`, { cause })
}

/** @throws Error without a word of the text, which may be a secret that was named by mistake. */
function parse(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch (error) {
    // What has no position quotes the text instead.
    const [, line, column] = /\(line (\d+) column (\d+)\)$/.exec(reasonOf(error)) ?? []
    throw new Error(line ? `it is no JSON: see line ${line}, column ${column}` : 'it is no JSON')
  }
}

async function readEntries(file: string): Promise<EngineEntry[]> {
  let engines: unknown
  try {
    engines = parse(await readTextFile(file, fileBytesMax))
  } catch (error) {
    throw badFile(file, `${reasonOf(error)}.`, error)
  }
  if (!Array.isArray(engines)) throw badFile(file, 'it must be a list of engines.')
  let faults = faultsOf({ engines })
  const entries = engines as EngineEntry[]
  if (faults.length === 0) {
    const base = dirname(file)
    faults = entries.flatMap((entry, index) => entryFaults(entry, { index, all: entries, base }))
  }
  if (faults.length > 0) throw badFile(file, faults.map(({ message }) => message).join(' '))
  return entries
}

/**
 * Reads the engines that a file of JSON lists. Paths in it are relative to the file's own folder.
 *
 * @throws Error naming the file and every member that is unknown or wrong, or the file of a password that cannot be read.
 */
export async function readEngines(file: string): Promise<EngineConfiguration[]> {
  const entries = await readEntries(file)
  const base = dirname(file)
  return Promise.all(
    entries.map(async (entry, index) => {
      const passwordFile = resolve(base, entry.passwordFile)
      try {
        return readEntry(entry, await readSecretFile(passwordFile), base)
      } catch (error) {
        const member = memberPath(itemPath('engines', index), 'passwordFile')
        const reason = `'${member}' names '${passwordFile}': ${reasonOf(error)}.`
        throw badFile(file, reason, error)
      }
    }),
  )
}
