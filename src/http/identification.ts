import type { FastifyRequest } from 'fastify'
import { fold } from '../documents/normalise.ts'
import { Refusal, unauthorized } from '../errors.ts'
import { authorize, type Caller } from './permissions.ts'
import { type Place, parametersIn } from './place.ts'

/** What the floor must ask of the features: who a secret belongs to, and where an id without a domain is at home. */
export interface Identification {
  findBySession(secret: string): Promise<Caller | undefined>
  findByToken(secret: string): Promise<Caller | undefined>
  /** Folds an id, completed with the default domain of its group or tenant. */
  identityKeyOf(place: Place, id: string): Promise<string>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before every handler but the public ones'. */
    caller: Caller
    place: Place
  }
}

export const sessionCookie = 'sessionid'

/** A cookie that may be ours: 256 bits in base64url, which a client may have put in quotes. */
const ownCookie = new RegExp(`^\\s*${sessionCookie}\\s*=\\s*"?([\\w-]{43})"?\\s*$`)

/** Cookies that are tried, by which nobody costs much. */
const secretsMax = 8

/** What may be secrets of ours: other applications of the host, or of the domain above it, may use the cookie's name. */
export function sessionSecrets({ headers }: FastifyRequest): string[] {
  const secrets = new Set<string>()
  for (const pair of headers.cookie?.split(';') ?? []) {
    const [, secret] = ownCookie.exec(pair) ?? []
    if (secret !== undefined) secrets.add(secret)
    if (secrets.size === secretsMax) break
  }
  return [...secrets]
}

function bearerSecret(request: FastifyRequest): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Host and port as both a URL's origin and a Host header may write them. */
function hostOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/:(?:80|443)$/, '')
}

/** Longer names of hosts are not worth showing whole. */
const shownMax = 100

function fromAnotherSite(reason: string): Refusal {
  return new Refusal([{ code: 403, message: `This request comes from another site${reason}.` }])
}

/**
 * A browser sends our cookie, and takes one from us, whichever page asks; its own headers tell which one did.
 *
 * @throws Refusal 403 when they show another site. Where only a proxy may have changed what they are compared with, the
 * message says what was compared.
 */
function refuseForeignSite({ method, headers, host = '', server }: FastifyRequest): void {
  if (safeMethods.has(method)) return
  const site = headers['sec-fetch-site']
  if (site === 'cross-site') throw fromAnotherSite('')
  const { origin } = headers
  if (site !== undefined || origin === undefined) return
  if (origin.toLowerCase() === server.publicUrl?.origin || hostOf(origin) === hostOf(host)) return
  const [from, to] = [origin, host].map((text) => `'${text.slice(0, shownMax)}'`)
  throw fromAnotherSite(
    `: its Origin is ${from}, and it asked for the host ${to}. Where a proxy changes the host or ` +
      'its port, it must pass the Host header as it came, or POINTSMAN_PUBLIC_URL must name the origin',
  )
}

async function findCaller(request: FastifyRequest, identification: Identification) {
  const token = bearerSecret(request)
  if (token !== undefined) return identification.findByToken(token)
  for (const secret of sessionSecrets(request)) {
    const caller = await identification.findBySession(secret)
    if (!caller) continue
    refuseForeignSite(request)
    return caller
  }
  return undefined
}

async function placeOf(request: FastifyRequest, identification: Identification): Promise<Place> {
  const parameters = parametersIn(request)
  const place: Place = {}
  if (parameters.tenant_id !== undefined) place.tenantKey = fold(parameters.tenant_id)
  if (parameters.group_id !== undefined) place.groupKey = fold(parameters.group_id)
  const id = parameters.user_id ?? parameters.route_point_user_id
  if (id !== undefined) {
    place.identityKey = id.includes('@') ? fold(id) : await identification.identityKeyOf(place, id)
  }
  return place
}

/**
 * Finds who is asking and what about, and lets them pass or not.
 *
 * @throws Refusal 401 for nobody, then as `authorize` does.
 */
export async function identify(request: FastifyRequest, identification: Identification) {
  const { permission } = request.routeOptions.config
  if (permission === undefined) throw new Error(`${request.routeOptions.url} declares no right.`)
  if (permission === 'public') return refuseForeignSite(request)
  const caller = await findCaller(request, identification)
  if (!caller) throw unauthorized()
  request.caller = caller
  request.place = await placeOf(request, identification)
  authorize(caller, permission, request.place)
}
