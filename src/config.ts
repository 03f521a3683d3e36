import { isIP, isIPv4, isIPv6 } from 'node:net'
import { Ajv, type ErrorObject } from 'ajv'
import Type, { type Static } from 'typebox'
import { readDatabaseUrl } from './database/url.ts'

const prefix = 'POINTSMAN_'

/** Every setting of the program: the environment variable is `POINTSMAN_` and the name given here. */
export const ConfigSchema = Type.Object(
  {
    HOST: Type.String({ minLength: 1, default: '127.0.0.1', description: 'Address to listen on.' }),
    PORT: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 8080,
      description: 'Port to listen on; 0 takes a free one.',
    }),
    DATABASE_URL: Type.String({
      default: 'sqlite:data/pointsman.db',
      description:
        'Where the data lives: `sqlite:PATH` (the folder is made when it is missing), or `postgres://…`.',
    }),
    DATABASE_CONNECTIONS_MAX: Type.Integer({
      minimum: 2,
      maximum: 1_000,
      default: 10,
      description: 'PostgreSQL connections of one node; SQLite has its own two.',
    }),
    LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      default: 'info',
      description:
        'The least severe log line that is written; each request is a line of level `info`.',
    }),
    ADMIN_USERNAME: Type.String({
      default: 'admin',
      description: 'Id of the system admin created when there is none.',
    }),
    ADMIN_PASSWORD: Type.Optional(
      Type.String({
        description:
          'Password of that admin, 8 to 128 characters; without it one is generated and printed once.',
      }),
    ),
    ADMIN_PASSWORD_FILE: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'Regular file that holds that password instead; one line end after it is left out.',
      }),
    ),
    SESSION_HOURS: Type.Number({
      exclusiveMinimum: 0,
      maximum: 8_760,
      default: 12,
      description: 'How long a sign-in lasts, in hours; one that was made for longer is shortened.',
    }),
    CHANGES_DAYS: Type.Integer({
      minimum: 0,
      maximum: 36_500,
      default: 365,
      description: 'How long the record of changes is kept, in days; 0 for ever.',
    }),
    CALL_RECORDS_DAYS: Type.Integer({
      minimum: 0,
      maximum: 36_500,
      default: 365,
      description: 'How long records of calls and their figures are kept, in days; 0 for ever.',
    }),
    CALLER_DIGITS_MASKED: Type.Integer({
      minimum: 0,
      maximum: 15,
      default: 0,
      description:
        'So many of the last digits of callers’ numbers are `x` in the records of calls.',
    }),
    CALL_EVENTS_HOURS: Type.Integer({
      minimum: 1,
      maximum: 8_760,
      default: 24,
      description:
        'How long events of calls are kept for streams that begin again behind one, in hours.',
    }),
    BODY_BYTES_MAX: Type.Integer({
      minimum: 1_024,
      maximum: 104_857_600,
      default: 262_144,
      description:
        'Largest request body, in bytes; sign-ins and changes of the password take 16,384 at most.',
    }),
    CONNECTIONS_MAX: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 1_000,
      description:
        'Connections of clients at once; beyond it one that is idle or late gives way, first of the network that holds most.',
    }),
    BYTES_PER_SECOND_MIN: Type.Integer({
      minimum: 1,
      maximum: 1_048_576,
      default: 1_024,
      description:
        'The pace at which clients must send bodies and take answers, in bytes a second; who is 10 s behind it is cut off.',
    }),
    ANNOUNCEMENT_BYTES_MAX: Type.Integer({
      minimum: 1_024,
      maximum: 104_857_600,
      default: 5_242_880,
      description: 'Largest announcement, in bytes.',
    }),
    GROUP_ANNOUNCEMENT_BYTES_MAX: Type.Integer({
      minimum: -1,
      maximum: 1_099_511_627_776,
      default: 268_435_456,
      description:
        'What the announcements of one group may take together, in bytes; -1 for no limit.',
    }),
    FETCH_PRIVATE_ADDRESSES: Type.String({
      format: 'comma-separated addresses or CIDR ranges',
      default: '',
      description:
        'Comma-separated addresses or CIDR ranges that are not public and that may be asked for audio, and sent webhooks, all the same.',
    }),
    MEDIA_FOLDER: Type.String({
      minLength: 1,
      default: 'data/media',
      description:
        'Folder for what telephone engines play; made when it is missing, and filled anew when it is lost.',
    }),
    MEDIA_BYTES_MAX: Type.Integer({
      minimum: 16_777_216,
      maximum: 1_099_511_627_776,
      default: 2_147_483_648,
      description:
        'What such a folder may take, in bytes, files of one tenant a quarter of it; beyond it, what was not played for the longest goes.',
    }),
    MEDIA_DAYS: Type.Integer({
      minimum: 1,
      maximum: 36_500,
      default: 7,
      description: 'How long a file that no call plays stays in such a folder, in days.',
    }),
    PUBLIC_URL: Type.String({
      format: 'https://HOST or https://HOST/PATH, without user, query and fragment',
      default: '',
      description:
        'Where clients reach the service through a proxy, as in `https://calls.example.org/pointsman`.',
    }),
    TRUSTED_PROXIES: Type.String({
      format: 'comma-separated addresses or CIDR ranges',
      default: '',
      description:
        'Comma-separated addresses or CIDR ranges of the proxies whose `X-Forwarded-*` headers are believed.',
    }),
    DRAIN_SECONDS: Type.Number({
      minimum: 0,
      maximum: 3_600,
      default: 20,
      description: 'How long requests in flight have to end after SIGTERM or SIGINT, in seconds.',
    }),
    METRICS_ADDRESS: Type.String({
      format: 'HOST:PORT or off',
      default: '127.0.0.1:9464',
      description: '`HOST:PORT` on which `/metrics` is served, or `off`.',
    }),
    NODE: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description:
          'Name of this node among those that treat calls, the same after a restart; the host’s name and the port unless told.',
      }),
    ),
    NODE_URL: Type.Optional(
      Type.String({
        format: 'http://HOST:PORT or https://HOST:PORT',
        description:
          'Where other nodes reach this one, to have done what clients ask of the calls that it treats.',
      }),
    ),
    ENGINES: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'JSON file that lists the engines which carry calls; without it none are treated.',
      }),
    ),
  },
  { additionalProperties: false },
)

export type Config = Static<typeof ConfigSchema>

/** The parts of `HOST:PORT`, an IPv6 address in brackets; undefined for any other text. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const [, literal, name, digits] = /^(?:\[(.+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = literal ?? name
  const port = Number(digits)
  if (host === undefined || port > 65_535 || (literal && !isIPv6(literal))) return undefined
  return { host, port }
}

/** Where clients reach the service. */
export interface PublicUrl {
  /** Scheme, host and, where it is not the scheme's own, port, as a browser writes them. */
  origin: string
  /** Starts with a slash and ends with none; empty for the root. */
  path: string
}

/** The parts of an address of the web; undefined for any other text, the empty one too. */
export function parsePublicUrl(text: string): PublicUrl | undefined {
  const [, path] = /^https?:\/\/[^\s/?#@\\]+((?:\/[\w~-][\w.~-]*)*)\/?$/i.exec(text) ?? []
  if (path === undefined || !URL.canParse(text)) return undefined
  return { origin: new URL(text).origin, path }
}

function isAddressOrRange(text: string): boolean {
  const [address = '', prefix] = text.split('/')
  if (isIP(address) === 0) return false
  const bits = isIPv4(address) ? 32 : 128
  return (
    prefix === undefined ||
    (/^\d{1,3}$/.test(prefix) && Number(prefix) > 0 && Number(prefix) <= bits)
  )
}

/** The items of a comma-separated setting. */
export function listOf(text: string): string[] {
  return text.split(',').flatMap((item) => item.trim() || [])
}

const formats = {
  'http://HOST:PORT or https://HOST:PORT': (text: string) => parsePublicUrl(text)?.path === '',
  'HOST:PORT or off': (text: string) => text === 'off' || parseAddress(text) !== undefined,
  'https://HOST or https://HOST/PATH, without user, query and fragment': (text: string) =>
    text === '' || parsePublicUrl(text) !== undefined,
  'comma-separated addresses or CIDR ranges': (text: string) =>
    listOf(text).every(isAddressOrRange),
}

/** Only here are texts turned into numbers: an environment has nothing but texts. */
const ajv = new Ajv({ allErrors: true, coerceTypes: true, useDefaults: true, formats })
const validate = ajv.compile<Config>(ConfigSchema)

/**
 * Kubernetes tells every container of the services beside it, as Docker's links do: one called `pointsman`, or `pointsman-…`,
 * makes variables that begin like ours.
 */
const serviceLink =
  /^(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/
const servicePort = /^(?:\w+_)?PORT$/
const serviceAddress = /^(?:tcp|udp|sctp):\/\//

function isServiceLink(name: string, value = ''): boolean {
  if (!name.startsWith(prefix)) return false
  const rest = name.slice(prefix.length)
  return serviceLink.test(rest) || (servicePort.test(rest) && serviceAddress.test(value))
}

/** Names of the variables that begin like settings and tell of a service; `readConfig()` ignores them. */
export function serviceLinksIn(environment: Record<string, string | undefined>): string[] {
  return Object.keys(environment).filter((name) => isServiceLink(name, environment[name]))
}

/** What the schema cannot tell. */
function problemsOf(config: Config): string[] {
  const { ADMIN_PASSWORD, ADMIN_PASSWORD_FILE, DATABASE_URL } = config
  const place = readDatabaseUrl(DATABASE_URL)
  const both = `${prefix}ADMIN_PASSWORD and ${prefix}ADMIN_PASSWORD_FILE are given both, and one is enough`
  // Node puts this character in the place of other bytes: nobody could sign in with such a password, or find such a file.
  const malformed = Object.entries(config).filter(([, value]) => String(value).includes('\uFFFD'))
  return [
    ...malformed.map(([name]) => `${prefix}${name} is not valid UTF-8`),
    ...(ADMIN_PASSWORD !== undefined && ADMIN_PASSWORD_FILE !== undefined ? [both] : []),
    ...(typeof place === 'string' ? [`${prefix}DATABASE_URL ${place}`] : []),
  ]
}

/** What the schema found. */
function describe({ instancePath, keyword, message, params }: ErrorObject): string {
  return keyword === 'additionalProperties'
    ? `${prefix}${params.additionalProperty} is not a setting`
    : `${prefix}${instancePath.slice(1)} ${message}`
}

function badConfiguration(problems: readonly string[]): Error {
  return new Error(`Bad configuration: ${problems.join('; ')}. See docs/operating.md.`)
}

/**
 * Reads the settings from environment variables.
 *
 * @throws Error naming every variable that is unknown or has a bad value; a value is never shown, it may be a secret.
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith(prefix) && !isServiceLink(name, value))
      given[name.slice(prefix.length)] = value
  }
  if (!validate(given)) throw badConfiguration((validate.errors ?? []).map(describe))
  const problems = problemsOf(given)
  if (problems.length > 0) throw badConfiguration(problems)
  return given
}
