import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { openDatabase } from '../src/database/open.ts'
import { createFirstAdmin } from '../src/features/admins/first-admin.ts'
import { createLog } from '../src/log/log.ts'
import { fillGroup, full } from '../test/full-group.ts'

/**
 * `npm run bench:costs [items]`: how long a single permitted request keeps all others waiting, on SQLite, in a group that
 * has so many of everything. A turn is what runs between two looks at what else has arrived.
 */
const count = Number(process.argv[2] ?? 10_000)
const rounds = 3

const username = 'admin'
const password = 'bench password'

interface Request {
  method: 'GET' | 'PUT' | 'DELETE' | 'POST'
  url: string
  body?: object
}

interface Cost {
  request: string
  status: number
  'answer, KB': number
  'whole, ms': number
  /** Of the thread's own time, so that other processes do not count; waiting for the disk does not either. */
  'longest turn, ms': number
  /** By the clock. */
  'longest wait, ms': number
}

/** Microseconds that the thread has worked. */
function worked(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

/** Looks at the clock at every turn of the event loop; answers the longest one, in milliseconds. */
function watchTurns() {
  let isWatching = true
  let [turn, wait] = [0, 0]
  let [at, used] = [performance.now(), worked()]
  const look = () => {
    const [now, total] = [performance.now(), worked()]
    turn = Math.max(turn, (total - used) / 1_000)
    wait = Math.max(wait, now - at)
    at = now
    used = total
    if (isWatching) setImmediate(look)
  }
  setImmediate(look)
  return () => {
    look()
    isWatching = false
    return { turn, wait }
  }
}

async function signIn(app: FastifyInstance): Promise<string> {
  const payload = { username, password }
  const signedIn = await app.inject({ method: 'POST', url: '/api/v1/login/', payload })
  const cookie = String(signedIn.headers['set-cookie']).split(';', 1)[0] ?? ''
  const url = '/api/v1/tokens/'
  const made = await app.inject({
    method: 'POST',
    url,
    payload: { name: 'x' },
    headers: { cookie },
  })
  return `Bearer ${made.json().token}`
}

const folder = mkdtempSync(join(tmpdir(), 'pointsman-bench-'))
const database = await openDatabase(`sqlite:${join(folder, 'costs.db')}`)
await createFirstAdmin(database, username, password)
const app = await buildApp({
  config: readConfig({}),
  database,
  logger: createLog('silent').logger,
})
const authorization = await signIn(app)

async function ask({ method, url, body }: Request) {
  const payload = body && { payload: body }
  return app.inject({ method, url, headers: { authorization }, ...payload })
}

async function measureOnce(request: Request): Promise<Cost> {
  await new Promise((resolve) => setTimeout(resolve, 20))
  const stop = watchTurns()
  const started = performance.now()
  const answer = await ask(request)
  const whole = performance.now() - started
  const { turn, wait } = stop()
  const { pathname, search } = new URL(request.url, 'http://x')
  const query = search.length > 60 ? `${search.slice(0, 60)}…` : search
  return {
    request: `${request.method} ${pathname.replace('/api/v1/tenants/fulltenant/', '')}${query}`,
    status: answer.statusCode,
    'answer, KB': Math.round(answer.rawPayload.length / 1_024),
    'whole, ms': Math.round(whole),
    'longest turn, ms': Math.round(turn),
    'longest wait, ms': Math.round(wait),
  }
}

/** The median of some rounds of a read; a write can be done once. */
async function measure(request: Request): Promise<Cost> {
  const costs = [await measureOnce(request)]
  while (request.method === 'GET' && costs.length < rounds) costs.push(await measureOnce(request))
  costs.sort((one, other) => one['longest turn, ms'] - other['longest turn, ms'])
  return costs[Math.floor(costs.length / 2)] as Cost
}

const needles = ['', '%20', '1', '10', '100', 'e', 'r', 'er']

/** Filters on these fields that nearly every item fits, all different. */
async function filters(path: string, fields: readonly string[], most: number): Promise<string[]> {
  const found: string[] = []
  const totalOf = async (query: string) =>
    Number(
      (await ask({ method: 'GET', url: `${path}?pageSize=1&${query}` })).headers['x-total-count'],
    )
  const total = await totalOf('')
  for (const needle of needles) {
    for (const field of fields) {
      for (const kind of ['insensitive', 'sensitive']) {
        const filter = `${kind}${field}Contains=${needle}`
        if (found.length < most && (await totalOf(filter)) > total * 0.9) found.push(filter)
      }
    }
  }
  return found
}

/** The dearest ways to ask for a list that are permitted, as far as anybody knows. */
async function listRequests(path: string, fields: readonly string[]): Promise<Request[]> {
  const orders = fields.flatMap((field) =>
    ['insensitive', 'sensitive'].map((kind) => `${kind}Descending${field}`),
  )
  const last = fields.at(-1) ?? ''
  const queries = [
    '',
    `?startIndex=${count - 999}&pageSize=1000`,
    `?sortOrders=${orders.join(',')}`,
  ]
  for (const most of [50, 10]) {
    const own = await filters(path, [last], most)
    const worst = await filters(path, fields.toReversed(), most)
    const tried = [
      `?sortOrders=insensitiveDescending${last}&${own.join('&')}`,
      `?sortOrders=${orders.toReversed().join(',')}&startIndex=2&pageSize=1000&${worst.join('&')}`,
    ]
    if ((await ask({ method: 'GET', url: `${path}${tried[1]}` })).statusCode !== 200) continue
    queries.push(...tried)
    break
  }
  return queries.map((query) => ({ method: 'GET', url: `${path}${query}` }))
}

/** Every list that there is, by the operations. */
async function everyList(): Promise<Request[]> {
  const requests: Request[] = []
  for (const { path, query = {} } of app.operations) {
    const fields = Object.keys(query).flatMap(
      (name) => /^sensitive(\w+)Equals$/.exec(name)?.[1] ?? [],
    )
    if (fields.length === 0) continue
    const isEnterprise =
      path === '/api/v1/tenants/:tenant_id/services/call_centers_properties/disposition_codes/'
    const url = path
      .replace(':tenant_id', isEnterprise ? 'tenant1000001' : 'fulltenant')
      .replace(':group_id', 'fullgroup')
      .replace(':route_point_user_id', 'hub')
      .replace(':instance_name', 'Main')
    requests.push(...(await listRequests(url, fields)))
  }
  return requests
}

const { tenant, group, hub } = full
const put = (url: string, body: object): Request => ({ method: 'PUT', url, body })
const remove = (url: string): Request => ({ method: 'DELETE', url })
const get = (url: string): Request => ({ method: 'GET', url })

const others: Request[] = [
  get(`${group}announcements/${full.announcement}/`),
  get(`${group}departments/Level%2020/`),
  put(`${group}announcements/${full.announcement}/`, { description: 'Changed' }),
  put(`${group}announcements/${full.announcement}/`, { name: 'Renamed' }),
  put(`${group}departments/${full.department}/`, { departmentName: 'Renamed' }),
  put(`${group}departments/${full.parent}/`, { departmentName: 'New parent' }),
  put(`${group}departments/New%20parent/`, { parentDepartment: { departmentName: 'Level 1' } }),
  put(`${group}departments/Level%202/`, { parentDepartment: null }),
  remove(`${group}departments/Renamed/`),
  remove(`${group}announcements/Renamed/`),
  remove(`${group}announcements/${full.long}/`),
  put(`${hub}dnis/Main/`, { name: 'Renamed' }),
  put(`${hub}dnis/Renamed/`, { allowOutgoingACDCall: false }),
  remove(`${hub}dnis/Renamed/`),
  remove(hub),
  remove(`${group}users/user1000001/`),
  remove(group),
  remove(`${group}?deleteNonEmpty=1&dryRun=true`),
  remove(`${group}?deleteNonEmpty=1`),
  remove(`${tenant}`),
  remove(`${tenant}?deleteNonEmpty=1`),
]

try {
  const started = performance.now()
  await fillGroup(
    database,
    async (method, url, body) => (await ask({ method, url, body })).statusCode,
    count,
  )
  // biome-ignore lint/suspicious/noConsole: how long it took is worth knowing
  console.log(`filled in ${Math.round((performance.now() - started) / 1_000)} s`)
  const costs: Cost[] = []
  for (const request of [...(await everyList()), ...others]) costs.push(await measure(request))
  // biome-ignore lint/suspicious/noConsole: the table is what the script is for
  console.table(costs)
} finally {
  await app.close()
  await database.close()
  rmSync(folder, { recursive: true })
}
