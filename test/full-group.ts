import { silence } from '../demo/wave.ts'
import { type Database, sql } from '../src/database/database.ts'
import { first, multiply } from './multiply.ts'

/** A tenant whose group has many of everything, and where in it much hangs on one. */
export const full = {
  tenant: '/api/v1/tenants/fulltenant/',
  group: '/api/v1/tenants/fulltenant/groups/fullgroup/',
  /** Its DNIS, codes and settings are many; its DNIS `Main` is chosen by every user. */
  hub: '/api/v1/tenants/fulltenant/groups/fullgroup/services/route_points/hub@full.example/',
  /** Every route point and every admin is in it. */
  department: 'Everybody',
  /** Every department but this one and the chain stands below it. */
  parent: 'Parent',
  /** Every route point and every DNIS plays it. */
  announcement: 'Welcome',
  /** Of 5 MB. */
  long: 'Long',
} as const

/** The longest chain of departments that is tried. */
const chainMax = 400

/** Asks the API as System; answers the status. */
export type Ask = (method: 'POST' | 'PUT', url: string, body: object) => Promise<number>

const { tenant, group, hub } = full
const routePoint = `${group}services/route_points/rp${first}@full.example/`
const plays = { audioMessageSelection: 'File', audioFileList: [{ name: full.announcement }] }
const person = { firstName: `First ${first}`, lastName: `Last ${first}` }
const codes = 'services/call_centers_properties/disposition_codes/'

/** What there is once. */
const steps: ['POST' | 'PUT', string, object][] = [
  [
    'POST',
    '/api/v1/tenants/',
    { tenantId: 'fulltenant', type: 'ServiceProvider', defaultDomain: 'full.example' },
  ],
  ['POST', `${tenant}groups/`, { groupId: 'fullgroup' }],
  ['POST', `${group}departments/`, { departmentName: full.department }],
  ['POST', `${group}departments/`, { departmentName: full.parent }],
  ['POST', `${group}announcements/`, { name: full.announcement, content: encoded(1) }],
  ['POST', `${group}announcements/`, { name: full.long, content: encoded(325) }],
  [
    'POST',
    `${group}services/route_points/`,
    { serviceUserId: 'hub', serviceInstanceProfile: { name: 'Hub' } },
  ],
  ['POST', `${hub}dnis/`, { name: 'Main', allowOutgoingACDCall: true }],
]

/** What there is as often as was asked for; the number stands in it. */
const manifold: typeof steps = [
  [
    'POST',
    '/api/v1/tenants/',
    { tenantId: `tenant${first}`, type: 'Enterprise', defaultDomain: `${first}.example` },
  ],
  ['POST', '/api/v1/tokens/', { name: `Token ${first}` }],
  ['POST', '/api/v1/admins/', { userId: `system${first}`, ...person }],
  ['POST', `${tenant}admins/`, { userId: `tenantadmin${first}`, ...person }],
  ['POST', `${tenant}groups/`, { groupId: `group${first}`, groupName: `Group ${first}` }],
  [
    'POST',
    `${group}departments/`,
    {
      departmentName: `Department ${first}`,
      parentDepartment: { departmentName: full.parent },
    },
  ],
  [
    'POST',
    `${group}admins/`,
    {
      userId: `admin${first}`,
      ...person,
      department: { departmentName: full.department },
    },
  ],
  [
    'POST',
    `${group}users/`,
    {
      userId: `user${first}`,
      ...person,
      phoneNumber: `+324${first}0`,
      extension: `1${first}`,
      emailAddress: `${first}@full.example`,
      department: { departmentName: `Department ${first}` },
    },
  ],
  [
    'PUT',
    `${group}users/user${first}/services/call_centers/`,
    { outgoingCallDNIS: { serviceUserId: 'hub', name: 'Main' } },
  ],
  [
    'POST',
    `${group}announcements/`,
    { name: `Tone ${first}`, description: `Description ${first}`, content: encoded(0.01) },
  ],
  ['POST', `${group}${codes}`, { code: `${first}`, description: `Code ${first}` }],
  [
    'POST',
    `${group}services/route_points/`,
    {
      serviceUserId: `rp${first}`,
      serviceInstanceProfile: {
        name: `Hotline ${first}`,
        phoneNumber: `+324${first}1`,
        extension: `2${first}`,
        department: { departmentName: full.department },
      },
    },
  ],
  ['PUT', `${routePoint}forced_forwarding/`, { forwardToPhoneNumber: '+3225126779', ...plays }],
  ['PUT', `${routePoint}announcements/`, { mediaOnHoldForQueuedCalls: plays }],
  [
    'POST',
    `${routePoint}dnis/`,
    { name: 'Own', phoneNumber: `+324${first}2`, extension: `3${first}` },
  ],
  ['PUT', `${routePoint}dnis_announcements/Own/`, { mediaOnHoldForQueuedCalls: plays }],
  ['POST', `${routePoint}disposition_codes/`, { code: 'sold' }],
  [
    'PUT',
    `${routePoint}disposition_codes_config/`,
    { defaultCallDispositionCode: { code: 'sold', level: 'CallCenter' } },
  ],
  [
    'POST',
    `${hub}dnis/`,
    { name: `DNIS ${first}`, phoneNumber: `+324${first}3`, extension: `4${first}` },
  ],
  ['POST', `${hub}disposition_codes/`, { code: `${first}`, description: `Code ${first}` }],
]

function encoded(seconds: number): string {
  return silence(seconds).toString('base64')
}

/** Departments below one another, as far down as is permitted. */
async function addChain(ask: Ask): Promise<void> {
  let parent = {}
  for (let level = 1; level <= chainMax; level += 1) {
    const departmentName = `Level ${level}`
    const body = { departmentName, ...parent }
    if ((await ask('POST', `${group}departments/`, body)) !== 201) return
    parent = { parentDepartment: { departmentName } }
  }
}

/** The audio of announcements that were multiplied. */
async function addAudio(database: Database): Promise<void> {
  const insertChunks = sql(
    `INSERT INTO announcement_chunks (tenant_key, content_id, first_byte, bytes)
     SELECT contents.tenant_key, contents.content_id, 0, chunks.bytes
     FROM announcement_contents AS model
     JOIN announcement_chunks AS chunks
       ON chunks.tenant_key = model.tenant_key AND chunks.content_id = model.content_id
     JOIN announcement_contents AS contents
       ON contents.tenant_key = model.tenant_key AND contents.group_key = model.group_key
       AND contents.announcement_name > model.announcement_name
       AND contents.announcement_name < 'Tonf'
     WHERE model.announcement_name = 'Tone ${first}'`,
  )
  await database.write((transaction) => transaction.run(insertChunks))
}

/** Makes one of everything by the API, so that its rows are such as Pointsman writes, and `count` of them by SQL. */
export async function fillGroup(database: Database, ask: Ask, count: number): Promise<void> {
  for (const [method, url, body] of [...steps, ...manifold]) {
    const status = await ask(method, url, body)
    if (status >= 300) throw new Error(`${method} ${url}: ${status}`)
  }
  await multiply(database, count, ['changes'])
  await addAudio(database)
  await addChain(ask)
}
