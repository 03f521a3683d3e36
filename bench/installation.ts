import type { FastifyInstance } from 'fastify'
import { silence } from '../demo/wave.ts'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { type Database, sql } from '../src/database/database.ts'
import type { TableShape } from '../src/database/shape.ts'
import { createFirstAdmin } from '../src/features/admins/first-admin.ts'
import { createLogger } from '../src/http/logger.ts'

/** These digits stand for the number of a route point, in every text of the first one and of what belongs to it. */
const first = 1_000_000

const username = 'admin'
const password = 'bench password'
const group = '/api/v1/tenants/benchtenant/groups/benchgroup/'
const routePoints = `${group}services/route_points/`
const routePoint = `${routePoints}rp${first}/`

type Step = [method: 'POST' | 'PUT', path: string, body: object]

const tenant: Step[] = [
  [
    'POST',
    '/api/v1/tenants/',
    {
      tenantId: 'benchtenant',
      type: 'ServiceProvider',
      defaultDomain: 'bench.example',
      country: 'BE',
    },
  ],
  ['POST', '/api/v1/tenants/benchtenant/groups/', { groupId: 'benchgroup' }],
  ['POST', `${group}departments/`, { departmentName: 'Sales' }],
  [
    'POST',
    `${group}departments/`,
    { departmentName: 'Inside Sales', parentDepartment: { departmentName: 'Sales' } },
  ],
]

/** A route point with two settings of its own, a number, an extension, a DNIS, a code: each with its changes. */
const whole: Step[] = [
  [
    'POST',
    routePoints,
    {
      serviceUserId: `rp${first}`,
      serviceInstanceProfile: {
        name: `Hotline ${first}`,
        phoneNumber: `+324${first}0`,
        extension: `1${first}`,
        department: { departmentName: 'Inside Sales' },
      },
    },
  ],
  [
    'PUT',
    `${routePoint}forced_forwarding/`,
    {
      active: true,
      forwardToPhoneNumber: '+3225126779',
      playAnnouncementBeforeForwarding: true,
      audioMessageSelection: 'File',
      audioFileList: [{ name: 'Announcement 1' }],
    },
  ],
  ['PUT', `${routePoint}bounced_call/`, { active: true, numberOfRingsBeforeBouncingCall: 7 }],
  [
    'POST',
    `${routePoint}dnis/`,
    { name: 'Main', phoneNumber: `+324${first}1`, extension: `2${first}` },
  ],
  [
    'POST',
    `${routePoint}disposition_codes/`,
    { code: 'sold', active: true, description: 'Something was sold' },
  ],
]

async function createByApi(app: FastifyInstance, steps: readonly Step[]): Promise<void> {
  const signedIn = await app.inject({
    method: 'POST',
    url: '/api/v1/login/',
    payload: { username, password },
  })
  const cookie = String(signedIn.headers['set-cookie']).split(';', 1)[0] ?? ''
  for (const [method, url, payload] of steps) {
    const { statusCode, body } = await app.inject({ method, url, payload, headers: { cookie } })
    if (statusCode >= 300) throw new Error(`${method} ${url}: ${body}`)
  }
}

/** Columns of a key in which nothing tells one route point from another; the number is added to them. */
const unique = new Set(['change_id'])

/** Writes again, for each number of a range, the rows of a table that name the first route point. */
async function multiply(database: Database, { name }: TableShape, count: number): Promise<void> {
  const row = await database.get(sql<object>(`SELECT * FROM ${name} LIMIT 1`))
  const columns = Object.keys(row ?? {})
  if (columns.length === 0) return
  const values = columns.map((column) =>
    unique.has(column)
      ? `${column} || '-' || number`
      : `CASE typeof(${column}) WHEN 'text' THEN replace(${column}, '${first}', number) ELSE ${column} END`,
  )
  const names = columns.map((column) => `instr(${column}, '${first}') > 0`).join(' OR ')
  const statement = sql(`
    WITH RECURSIVE numbers (number) AS (
      SELECT ${first + 1} UNION ALL SELECT number + 1 FROM numbers WHERE number < ${first + count - 1}
    )
    INSERT INTO ${name} (${columns.join(', ')})
    SELECT ${values.join(', ')} FROM ${name} CROSS JOIN numbers WHERE ${names}`)
  await database.write((transaction) => transaction.run(statement))
}

/**
 * Fills an empty SQLite database: one route point by the API, so that its rows are such as Pointsman writes, and from
 * them all others by SQL, which takes seconds.
 */
export async function furnish(
  database: Database,
  { routePointCount, announcementCount }: { routePointCount: number; announcementCount: number },
): Promise<void> {
  await createFirstAdmin(database, username, password)
  const logger = createLogger('silent')
  const app = await buildApp({ config: readConfig({}), database, logger })
  const content = silence(12).toString('base64')
  const announcements = Array.from({ length: announcementCount }, (_, index): Step => {
    const name = `Announcement ${index + 1}`
    return ['POST', `${group}announcements/`, { name, content }]
  })
  await createByApi(app, [...tenant, ...announcements, ...whole])
  await app.close()
  for (const table of await database.tables()) await multiply(database, table, routePointCount)
}
