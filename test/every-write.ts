import { expect, vi } from 'vitest'
import { sql } from '../src/database/database.ts'
import { wave, waveFile } from './audio.ts'
import { encodeForm } from './form.ts'
import type { Route } from './observed-world.ts'
import { type Answer, group, password, routePoint, type World } from './world.ts'

/** A write that succeeds after those before it in the list. */
export interface ExampleWrite {
  method: 'POST' | 'PUT' | 'DELETE'
  path: string
  body?: object
  /** Sent as a form instead. */
  form?: readonly (readonly [name: string, value: string | Buffer])[]
}

const person = { firstName: 'Test', lastName: 'Person', password }
const tenant = '/api/v1/tenants/newtenant/'
const newGroup = `${tenant}groups/newgroup/`
const groupCodes = `${group}services/call_centers_properties/disposition_codes/`
const enterpriseCodes =
  '/api/v1/tenants/othertenant/services/call_centers_properties/disposition_codes/'
const webhooks = `${group}services/webhooks/`
/** To where nothing is, nor ever will be (RFC 2606), of what does not happen here. */
export const quietWebhook = {
  url: 'https://receiver.invalid/',
  events: ['call.bounced'],
  secret: 'a-sentence-that-is-no-secret',
}
const audioFile = { audioMessageSelection: 'File', audioFileList: [{ name: 'Welcome' }] }

function post(path: string, body: object): ExampleWrite {
  return { method: 'POST', path, body }
}

function put(path: string, body: object): ExampleWrite {
  return { method: 'PUT', path, body }
}

function remove(path: string): ExampleWrite {
  return { method: 'DELETE', path }
}

/** Creation, change, the same change again, which has nothing to do, and deletion. */
function lifeOf(collection: string, id: string, bodies: { create: object; change: object }) {
  const item = `${collection}${id}/`
  const changes = [put(item, bodies.change), put(item, bodies.change)]
  return [post(collection, bodies.create), ...changes, remove(item)]
}

const admin = { create: { userId: 'second', ...person }, change: { lastName: 'Changed' } }
const newPassword = { password: 'another sentence of mine' }
const code = { create: { code: 'NEW' }, change: { active: false } }

/** Writes of every operation that can be tried, refer to one another, rename and delete what holds much. */
export const everyWrite: readonly ExampleWrite[] = [
  put(`${routePoint}disposition_codes_config/`, { enableCallDispositionCodes: true }),
  put(`${routePoint}calls/{takenCall}/disposition_codes/`, { dispositionCodes: [] }),
  post(`${routePoint}calls/{takenCall}/release/`, {}),
  remove(`${routePoint}calls/{offeredCall}/offer/1/`),
  post(`${routePoint}calls/{waitingCall}/offer/`, { agent: 'agent', ringSeconds: 120 }),
  post(`${routePoint}calls/{waitingCall}/release/`, { cause: 'busy' }),
  post(`${routePoint}calls/{offeredCall}/release/`, {}),
  put('/api/v1/engines/test/', { draining: true }),
  put('/api/v1/engines/test/', { draining: false }),
  ...lifeOf('/api/v1/admins/', 'second', admin),
  ...lifeOf('/api/v1/tenants/footenant/admins/', 'second', admin),
  ...lifeOf(`${group}admins/`, 'second', { ...admin, change: newPassword }),
  post('/api/v1/tenants/', {
    tenantId: 'newtenant',
    type: 'Enterprise',
    defaultDomain: 'new.example',
  }),
  put(tenant, { name: 'New' }),
  post(`${tenant}groups/`, { groupId: 'newgroup' }),
  put(newGroup, { groupName: 'New' }),
  ...lifeOf(`${group}departments/`, 'New', {
    create: { departmentName: 'New', parentDepartment: { departmentName: 'Sales' } },
    change: { parentDepartment: null },
  }),
  put(`${group}departments/Sales/`, { departmentName: 'Sales of today' }),
  ...lifeOf(`${group}users/`, 'second', {
    create: { userId: 'second', extension: '5002', ...person },
    change: { phoneNumber: '+3225126702', ...newPassword },
  }),
  ...lifeOf(enterpriseCodes, 'NEW', code),
  ...lifeOf(groupCodes, 'NEW', code),
  ...lifeOf(`${routePoint}disposition_codes/`, 'NEW', code),
  remove(`${routePoint}disposition_codes/NEW/`),
  ...lifeOf(`${group}services/route_points/`, 'second', {
    create: {
      serviceUserId: 'second',
      serviceInstanceProfile: { name: 'Second', extension: '7002' },
    },
    change: { queueLength: 5 },
  }),
  post(`${group}announcements/`, { name: 'Welcome', content: wave() }),
  {
    method: 'POST',
    path: `${group}announcements/`,
    form: [
      ['name', 'Sorry'],
      ['content', waveFile(0.2)],
    ],
  },
  { method: 'PUT', path: `${group}announcements/Sorry/`, form: [['content', waveFile(0.3)]] },
  put(`${routePoint}announcements/`, { mediaOnHoldForQueuedCalls: audioFile }),
  put(`${routePoint}overflow/`, { timeoutSeconds: 60, ...audioFile }),
  put(`${routePoint}bounced_call/`, { active: true }),
  put(`${routePoint}distinctive_ringing/`, { ringPatternForRoutePoint: 'Short-Long-Short' }),
  put(`${routePoint}dnis_config/`, { displayDNISName: true }),
  put(`${routePoint}forced_forwarding/`, { forwardToPhoneNumber: '+3225126779' }),
  put(`${routePoint}failover_policy/`, { failoverPhoneNumber: '+3225126779' }),
  post(`${routePoint}dnis/`, { name: 'Main', extension: '9998', allowOutgoingACDCall: true }),
  put(`${routePoint}dnis_announcements/Main/`, { mediaOnHoldForQueuedCalls: audioFile }),
  put(`${group}users/agent/services/call_centers/`, {
    outgoingCallDNIS: { serviceUserId: 'APIOTestRP', name: 'Main' },
  }),
  put(`${routePoint}dnis/Main/`, { name: 'Head office' }),
  put(`${group}announcements/Welcome/`, { name: 'Good day' }),
  ...lifeOf(webhooks, 'New', {
    create: { ...quietWebhook, name: 'New' },
    change: { active: false },
  }),
  post(`${webhooks}example/deliveries/{delivery}/send/`, {}),
  post(`${webhooks}example/test/`, {}),
  post(`${routePoint}disposition_codes/`, { code: 'DEFAULT' }),
  put(`${routePoint}disposition_codes_config/`, {
    defaultCallDispositionCode: { code: 'DEFAULT', level: 'CallCenter' },
  }),
  put(`${group}route_points/call_centers/APIOTestRP/disposition_codes_config/`, {
    includeOrganizationCodes: false,
  }),
  put('/api/v1/tokens/{token}/', { name: 'another name' }),
  remove('/api/v1/tokens/{token}/'),
  remove(`${group}announcements/Sorry/`),
  remove(`${routePoint}dnis/Head%20office/`),
  remove(routePoint),
  remove(`${group}users/agent/`),
  remove(`${group}?deleteNonEmpty=1`),
  remove(newGroup),
  remove(tenant),
  remove('/api/v1/tenants/footenant/?deleteNonEmpty=1'),
]

/** What is only thought of or noted for a moment, which is no write though it is posted; as long as the route point is there. */
export const thoughts: readonly ExampleWrite[] = [
  post(`${routePoint}simulation/`, {}),
  post(`${group}services/call_events/presence/`, {}),
]

/** The writes that cannot be tried, each of which would be done as it is here. */
export const finalWrites: readonly ExampleWrite[] = [
  post('/api/v1/login/', { username: 'admin', password }),
  post('/api/v1/logout/', {}),
  post('/api/v1/tokens/', { name: 'another' }),
  post('/api/v1/password/', { oldPassword: password, newPassword: 'a sentence of my own' }),
]

/** How long a busy machine may take for what comes at once on an idle one, in milliseconds. */
const patience = { timeout: 20_000 }

/** Deliveries of webhooks that are on their way. */
const selectSending = {
  text: 'SELECT delivery_id FROM webhook_deliveries WHERE next_at IS NOT NULL',
}

/** Calls that are over and that the engine has not let go of yet: it does in a moment. */
const selectEnding = {
  text: `SELECT call_id FROM calls WHERE value LIKE '%"phase":{"name":"ended"%'`,
}

/** Sends a write as the system admin; answers when all that follows is done. */
export async function send(
  world: World,
  write: ExampleWrite,
  { query, headers = {} }: { query?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { method, path, form } = write
  const url = query === undefined ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`
  const { body, headers: typed } = form
    ? await encodeForm(form)
    : { body: write.body, headers: undefined }
  const answer = await world.ask('system', method, url, body, { ...typed, ...headers })
  if (path.includes('/calls/')) {
    await vi.waitFor(
      async () => expect(await world.database.all(selectEnding)).toEqual([]),
      patience,
    )
  }
  if (path.includes('/webhooks/')) await untilSent(world)
  return answer
}

async function untilSent({ database }: Pick<World, 'database'>): Promise<void> {
  await vi.waitFor(async () => expect(await database.all(selectSending)).toEqual([]), patience)
}

/** Creates a webhook of the group with a delivery that was given up, since there is nobody; answers its id. */
export async function exampleDelivery(
  world: Pick<World, 'ask' | 'database'>,
  { name = 'example', of = webhooks } = {},
): Promise<string> {
  const body = { ...quietWebhook, name }
  expect((await world.ask('system', 'POST', of, body)).status).toBe(201)
  const { headers } = await world.ask('system', 'POST', `${of}${name}/test/`, {})
  await untilSent(world)
  return String(headers.location).split('/').at(-2) ?? ''
}

/** A call that waits, one that is offered, and one that somebody has taken; answers their ids. */
export async function exampleCalls(world: World): Promise<Record<string, string>> {
  await world.ask('system', 'PUT', routePoint, { queueLength: 10 })
  const takenCall = await callOf(world)
  await offerTo(world, takenCall, '+3225126771')
  const [phone] = world.exchange?.ringing() ?? []
  if (phone) world.exchange?.pickUp(phone)
  await vi.waitFor(async () => expect((await callsOf(world))[0]?.state).toBe('connected'), patience)
  const waitingCall = await callOf(world)
  const offeredCall = await callOf(world)
  await offerTo(world, offeredCall, '+3225126779')
  return { takenCall, waitingCall, offeredCall }
}

async function callsOf(world: World): Promise<{ callId: string; state: string }[]> {
  return (await world.ask('system', 'GET', `${routePoint}calls/`)).body.calls
}

async function offerTo(world: World, callId: string, destination: string): Promise<void> {
  const path = `${routePoint}calls/${callId}/offer/`
  const answer = await world.ask('system', 'POST', path, { destination, ringSeconds: 120 })
  expect(answer.status, answer.text).toBe(201)
}

/** Somebody calls; answers the id of the call when it waits. */
async function callOf(world: World): Promise<string> {
  const known = new Set((await callsOf(world)).map(({ callId }) => callId))
  world.exchange?.call('APIOTestRP', { domain: 'sip.netaxis.be' })
  return vi.waitFor(async () => {
    const come = (await callsOf(world)).find(({ callId }) => !known.has(callId))
    if (come?.state !== 'waiting') throw new Error('It does not wait.')
    return come.callId
  }, patience)
}

/**
 * Makes what the writes need and cannot make themselves, a token, three calls and a delivery of a webhook, and answers the writes with
 * their ids in their paths.
 */
export async function withExamples(
  world: World,
  writes: readonly ExampleWrite[],
): Promise<ExampleWrite[]> {
  const { body } = await world.ask('system', 'POST', '/api/v1/tokens/', { name: 'example' })
  const delivery = await exampleDelivery(world)
  const ids: Record<string, string> = {
    ...{ token: body.tokenId, delivery },
    ...(await exampleCalls(world)),
  }
  return writes.map((write) => ({
    ...write,
    path: write.path.replaceAll(/\{(\w+)\}/g, (text, name) => ids[name] ?? text),
  }))
}

function isOf({ method, url }: Route, write: ExampleWrite): boolean {
  const pattern = url.replaceAll(/:\w+/g, '[^/]+')
  return method === write.method && new RegExp(`^${pattern}(\\?|$)`).test(write.path)
}

/** Expects that every writing operation that is served has an example above. */
export function expectExampleOfEach(routes: readonly Route[]): void {
  const writes = [...thoughts, ...everyWrite, ...finalWrites]
  const missing = routes
    .filter(
      ({ method, url }) => url.startsWith('/api/') && /^(POST|PUT|DELETE|PATCH)$/.test(method),
    )
    .filter((route) => !writes.some((write) => isOf(route, write)))
    .map(({ method, url }) => `${method} ${url}`)
  expect(missing).toEqual([])
}

/** They tell who lives and who routes. */
const changedByTime = new Set(['nodes', 'routing_presence'])

/** Every row of every table with its name, but for when a token was used, which every request may note. */
export async function everything(world: World): Promise<string[]> {
  const tables = await world.database.tables()
  const rows = await Promise.all(
    tables
      .filter(({ name }) => !changedByTime.has(name))
      .map(async ({ name }) => {
        const stored = await world.database.all(sql<object>(`SELECT * FROM ${name}`))
        return stored.map((row) => `${name} ${JSON.stringify({ ...row, used_at: undefined })}`)
      }),
  )
  return rows.flat().sort()
}

/** Expects that nothing at all was stored while `act` ran, and answers what it did. */
export async function expectNothingStored<Result>(
  world: World,
  act: () => Promise<Result>,
): Promise<Result> {
  const before = await everything(world)
  const result = await act()
  const after = await everything(world)
  const added = after.filter((row) => !before.includes(row))
  const removed = before.filter((row) => !after.includes(row))
  expect({ added, removed }).toEqual({ added: [], removed: [] })
  return result
}
