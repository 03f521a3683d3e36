import type { FastifyInstance } from 'fastify'
import { silence } from '../demo/wave.ts'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import type { Database } from '../src/database/database.ts'
import { createFirstAdmin } from '../src/features/admins/first-admin.ts'
import { createLog } from '../src/log/log.ts'
import { first, multiply } from '../test/multiply.ts'

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

/**
 * Fills an empty SQLite database: one route point by the API, so that its rows are such as Pointsman writes, and from
 * them all others by SQL, which takes seconds.
 */
export async function furnish(
  database: Database,
  { routePointCount, announcementCount }: { routePointCount: number; announcementCount: number },
): Promise<void> {
  await createFirstAdmin(database, username, password)
  const { logger } = createLog('silent')
  const app = await buildApp({ config: readConfig({}), database, logger })
  const content = silence(12).toString('base64')
  const announcements = Array.from({ length: announcementCount }, (_, index): Step => {
    const name = `Announcement ${index + 1}`
    return ['POST', `${group}announcements/`, { name, content }]
  })
  await createByApi(app, [...tenant, ...announcements, ...whole])
  await app.close()
  await multiply(database, routePointCount)
}
