import type { FastifyInstance, InjectOptions } from 'fastify'
import { pino } from 'pino'
import { expect } from 'vitest'
import { type AppOptions, buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { type Database, sql } from '../src/database/database.ts'
import { createFirstAdmin } from '../src/features/admins/first-admin.ts'
import type { Engine, TestDatabase } from './engines.ts'
import { Exchange } from './exchange.ts'

/** Everybody who asks in tests: nobody, the five levels, and equals of the group admin elsewhere. */
export const people = [
  'nobody',
  'endUser',
  'departmentAdmin',
  'groupAdmin',
  'tenantAdmin',
  'system',
  'siblingAdmin',
  'otherTenantAdmin',
] as const

export type Person = (typeof people)[number]

export interface Answer {
  status: number
  headers: Record<string, string | string[] | number | undefined>
  text: string
  /** The body as it was sent. */
  bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
}

export interface World {
  app: FastifyInstance
  test: TestDatabase
  database: Database
  /** Whose calls it treats, if any. */
  exchange?: Exchange
  /** Asks as somebody; a `body` that is a string is sent as it is. */
  ask(
    person: Person,
    method: string,
    url: string,
    body?: unknown,
    headers?: Headers,
  ): Promise<Answer>
  /** Every row of every table, but for those that reading changes. */
  snapshot(): Promise<string>
  /** Ends the application and builds it again on the same database, after what is to happen `between`. */
  restart(options?: { between?(): Promise<void> }): Promise<void>
  close(): Promise<void>
}

type Headers = Record<string, string>

export const password = 'correct horse battery'
export const group = '/api/v1/tenants/footenant/groups/foogroup/'
export const routePoint = `${group}services/route_points/APIOTestRP@sip.netaxis.be/`
export const siblingGroup = '/api/v1/tenants/footenant/groups/siblinggroup/'
export const otherGroup = '/api/v1/tenants/othertenant/groups/othergroup/'

const person = { firstName: 'Test', lastName: 'Person', password }

/** What is there before a test begins, in the order of its creation. */
const furniture: [string, object][] = [
  [
    '/api/v1/tenants/',
    {
      tenantId: 'footenant',
      type: 'ServiceProvider',
      defaultDomain: 'sip.netaxis.be',
      country: 'BE',
      timeZone: 'Europe/Brussels',
    },
  ],
  [
    '/api/v1/tenants/',
    { tenantId: 'othertenant', type: 'Enterprise', defaultDomain: 'other.example', country: 'BE' },
  ],
  ['/api/v1/tenants/footenant/groups/', { groupId: 'foogroup' }],
  ['/api/v1/tenants/footenant/groups/', { groupId: 'siblinggroup' }],
  ['/api/v1/tenants/othertenant/groups/', { groupId: 'othergroup' }],
  [`${group}departments/`, { departmentName: 'Sales' }],
  [
    `${group}departments/`,
    { departmentName: 'Inside Sales', parentDepartment: { departmentName: 'Sales' } },
  ],
  ['/api/v1/tenants/footenant/admins/', { userId: 'tenantadmin', ...person }],
  ['/api/v1/tenants/othertenant/admins/', { userId: 'otheradmin', ...person }],
  [`${group}admins/`, { userId: 'groupadmin', ...person }],
  [`${siblingGroup}admins/`, { userId: 'siblingadmin', ...person }],
  [
    `${group}admins/`,
    { userId: 'departmentadmin', ...person, department: { departmentName: 'Sales' } },
  ],
  [`${group}users/`, { userId: 'agent', ...person, department: { departmentName: 'Sales' } }],
  [
    `${group}services/route_points/`,
    { serviceUserId: 'APIOTestRP', serviceInstanceProfile: { name: 'Hotline' } },
  ],
  [
    `${siblingGroup}services/route_points/`,
    { serviceUserId: 'siblingRP', serviceInstanceProfile: { name: 'Sibling' } },
  ],
  [
    `${otherGroup}services/route_points/`,
    { serviceUserId: 'otherRP', serviceInstanceProfile: { name: 'Other' } },
  ],
]

const usernames: Record<Exclude<Person, 'nobody'>, string> = {
  endUser: 'agent@sip.netaxis.be',
  departmentAdmin: 'departmentadmin@sip.netaxis.be',
  groupAdmin: 'groupadmin@sip.netaxis.be',
  tenantAdmin: 'tenantadmin@sip.netaxis.be',
  system: 'admin',
  siblingAdmin: 'siblingadmin@sip.netaxis.be',
  otherTenantAdmin: 'otheradmin@other.example',
}

/** The rows of a table that tell of writes: whose attempt to sign in was refused is recorded as well. */
function rowsOf(table: string): string {
  return table === 'changes' ? `changes WHERE action <> 'sign_in_refused'` : table
}

/** Tables that a read may change, or time: when a token was used, who tried to sign in, who lives. */
const volatile = new Set(['tokens', 'sessions', 'sign_in_attempts', 'nodes', 'routing_presence'])

/**
 * Builds the application on a fresh database, with tenants, groups, people and route points.
 *
 * @param environment variables that differ from the defaults.
 * @param exchange whose calls it treats, if any.
 */
export async function createWorld(
  engine: Engine,
  environment: Record<string, string> = {},
  exchange?: Exchange | Pick<Exchange, 'post' | 'registry'>,
  more: Pick<AppOptions, 'webhookTimes'> = {},
): Promise<World> {
  const test = await engine.open()
  const { database } = test
  await createFirstAdmin(database, 'admin', password)
  const config = readConfig(environment)
  const posts = exchange && [exchange.post]
  const logger = pino({ level: 'silent' })
  const counted = exchange?.registry && { registry: exchange.registry }
  const build = () => buildApp({ config, database, logger, posts, ...counted, ...more })
  let app = await build()
  const tokens = new Map<Person, string>()

  /** The bytes of an answer; of one that has no end there are none, and its client goes away. */
  async function receive(options: InjectOptions) {
    if (
      options.method !== 'GET' ||
      !/\/(?:stream|call_events)\b(?!\/\w)/.test(String(options.url))
    ) {
      const response = await app.inject(options)
      return { response, bytes: response.rawPayload }
    }
    const response = await app.inject({ ...options, payloadAsStream: true })
    if (response.headers['content-type'] !== 'text/event-stream') {
      return { response, bytes: Buffer.concat(await Array.fromAsync(response.stream())) }
    }
    response.raw.res.destroy()
    return { response, bytes: Buffer.alloc(0) }
  }

  async function send(options: InjectOptions): Promise<Answer> {
    const { response, bytes } = await receive(options)
    const { statusCode: status, headers } = response
    const text = bytes.toString()
    const isJson = String(headers['content-type']).includes('json')
    const body = isJson && text !== '' ? JSON.parse(text) : undefined
    return { status, headers, text, bytes, body }
  }

  const ask: World['ask'] = (who, method, url, body, headers = {}) => {
    const token = tokens.get(who)
    return send({
      method: method as 'GET',
      url,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && {
        payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
    })
  }

  async function signIn(who: Exclude<Person, 'nobody'>): Promise<void> {
    const credentials = { username: usernames[who], password }
    const { headers } = await ask('nobody', 'POST', '/api/v1/login/', credentials)
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    const { body } = await ask('nobody', 'POST', '/api/v1/tokens/', { name: 'test' }, { cookie })
    tokens.set(who, body.token)
  }

  await signIn('system')
  for (const [url, body] of furniture) {
    const answer = await ask('system', 'POST', url, body)
    expect(answer.status, `${url} ${answer.text}`).toBe(201)
  }
  for (const who of people) if (who !== 'nobody' && who !== 'system') await signIn(who)

  return {
    get app() {
      return app
    },
    async restart({ between } = {}) {
      await app.close()
      await between?.()
      app = await build()
      await app.ready()
    },
    test,
    database,
    ...(exchange instanceof Exchange && { exchange }),
    ask,
    async snapshot() {
      const tables = await database.tables()
      const names = tables.map(({ name }) => name).filter((name) => !volatile.has(name))
      const rows = await Promise.all(
        names.map(async (name) => [name, await database.all(sql(`SELECT * FROM ${rowsOf(name)}`))]),
      )
      return JSON.stringify(rows)
    },
    async close() {
      await app.close()
      await test.remove()
    },
  }
}

/** The spelling of a path under which changes are recorded. */
export function recorded(path: string): string {
  return path.replace(/(?<=\/route_points\/)[^/]+/, (id) => encodeURIComponent(id.toLowerCase()))
}

/** Expects a refusal with these codes and, where given, parameters. */
export function expectRefusal(
  answer: Answer,
  status: number,
  faults: { code: number; parameter?: string; message?: string }[] = [{ code: status }],
): void {
  expect({ status: answer.status, errors: answer.body?.errors }).toMatchObject({
    status,
    errors: faults,
  })
  expect(answer.body.errors).toHaveLength(faults.length)
  expect(answer.body.requestId).toBe(answer.headers['x-request-id'])
}

/** Expects that nothing was written while `act` ran. */
export async function expectUnchanged(world: World, act: () => Promise<void>): Promise<void> {
  const before = await world.snapshot()
  await act()
  expect(await world.snapshot()).toBe(before)
}
