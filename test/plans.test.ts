import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type Database,
  type Reader,
  sql,
  type Transaction,
  type Value,
} from '../src/database/database.ts'
import { Upload } from '../src/documents/upload.ts'
import { LeaseLost } from '../src/engines/lease.ts'
import { createFirstAdmin } from '../src/features/admins/first-admin.ts'
import { findContent, readWholeContent } from '../src/features/announcements/contents.ts'
import { examine } from '../src/features/announcements/wave.ts'
import { newCall } from '../src/features/calls/call.ts'
import { findCallee } from '../src/features/calls/find.ts'
import {
  giveAllBack,
  giveLeaseBack,
  leaveNode,
  readNodeOf,
} from '../src/features/calls/live/leases/rows.ts'
import {
  countWaitingElsewhere,
  engineOfCall,
  recordLost,
  saveCall,
} from '../src/features/calls/rows.ts'
import {
  findCopy,
  groupsWithCopies,
  noteUnchanged,
  readCopy,
  removeOthers,
  saveCopy,
} from '../src/features/media/kept-copies.ts'
import { findNamedUrls } from '../src/features/route-points/in-database/audio-urls.ts'
import { databaseBackend } from '../src/features/route-points/in-database/backend.ts'
import { readPage } from '../src/resources/query-sql.ts'
import { openDoor } from '../src/writes/door.ts'
import { roomBytes } from '../src/writes/room-for-answers.ts'
import { askForRecords } from './asked-records.ts'
import { wave, waveFile } from './audio.ts'
import { type Access, type Engine, engines } from './engines.ts'
import { exampleCalls, exampleDelivery } from './every-write.ts'
import { Exchange } from './exchange.ts'
import { fillGroup, full } from './full-group.ts'
import { followLogs } from './logs.ts'
import { first } from './multiply.ts'
import { sendInEveryWay, stepsOfWebhook, webhookLife } from './webhook-world.ts'
import { declared, pages } from './wide-statements.ts'
import { createWorld, routePoint as ownRoutePoint, password, type World } from './world.ts'

// The real functions run; which statements there are, and which of them are pages of lists, is what is looked at.
vi.mock('../src/database/database.ts', { spy: true })
vi.mock('../src/resources/query-sql.ts', { spy: true })

/** So many of everything that no planner finds it cheaper to read a table from end to end for one row. */
const count = 1_000

const { tenant, group, hub } = full
const enterprise = '/api/v1/tenants/othertenant/'
const routePoint = `${group}services/route_points/rp${first + 1}@full.example/`
const codes = 'services/call_centers_properties/disposition_codes/'

const lists = await vi.importActual<typeof import('../src/resources/query-sql.ts')>(
  '../src/resources/query-sql.ts',
)
vi.mocked(readPage).mockImplementation((reader, source, query) => {
  const noting: Pick<Reader, 'get' | 'all'> = {
    get(statement, ...values) {
      pages.add(statement.text)
      return reader.get(statement, ...values)
    },
    all(statement, ...values) {
      pages.add(statement.text)
      return reader.all(statement, ...values)
    },
  }
  return lists.readPage({ ...reader, ...noting }, source, query) as never
})

interface Capture {
  isOn: boolean
  /** The values with which each statement first ran. */
  statements: Map<string, readonly Value[]>
}

/** Notes every statement that runs, and with which values it first did. */
function capture(database: Database, seen: Capture): void {
  const note = (text: string, values: readonly Value[]) => {
    const { isOn, statements } = seen
    if (isOn && !statements.has(text)) statements.set(text, values)
  }
  const { get, all, write } = database
  database.get = (statement, ...values) => {
    note(statement.text, values)
    return get.call(database, statement, ...values) as never
  }
  database.all = (statement, ...values) => {
    note(statement.text, values)
    return all.call(database, statement, ...values) as never
  }
  database.write = (change) =>
    write.call(database, (transaction) => {
      const noting = {
        ...transaction,
        get: (statement, ...values) => {
          note(statement.text, values)
          return transaction.get(statement, ...values)
        },
        all: (statement, ...values) => {
          note(statement.text, values)
          return transaction.all(statement, ...values)
        },
        run: (statement, ...values) => {
          note(statement.text, values)
          return transaction.run(statement, ...values)
        },
      } as Transaction
      return change(noting)
    }) as ReturnType<typeof change>
}

const person = { firstName: 'New', lastName: 'Person' }

type Step = [method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object]

/** A resource's creation, read, partial update and deletion. */
function lifeOf(collection: string, id: string, create: object, change: object): Step[] {
  const item = `${collection}${encodeURIComponent(id)}/`
  return [
    ['POST', collection, create],
    ['GET', item],
    ['PUT', item, change],
    ['DELETE', item],
  ]
}

const mediaFile = `${'a'.repeat(64)}.sln`
const plays = { audioMessageSelection: 'File', audioFileList: [{ name: full.announcement }] }
const newCode = { code: 'new', description: 'New' }

/** Every operation once, and what they do in particular. */
const scenario: Step[] = [
  ['GET', '/healthz'],
  ['GET', '/readyz'],
  ['GET', `/media/${mediaFile}/`],
  ...lifeOf(
    '/api/v1/admins/',
    'newsystem',
    { userId: 'newsystem', ...person, password },
    { password: `${password}!` },
  ),
  ...lifeOf(
    '/api/v1/tenants/',
    'newtenant',
    { tenantId: 'newtenant', type: 'Enterprise', defaultDomain: 'new.example' },
    { name: 'New' },
  ),
  ...lifeOf(
    `${tenant}admins/`,
    'newadmin@full.example',
    { userId: 'newadmin', ...person },
    { lastName: 'Other' },
  ),
  ...lifeOf(`${tenant}groups/`, 'newgroup', { groupId: 'newgroup' }, { country: 'BE' }),
  ['PUT', group, { country: 'BE' }],
  ...lifeOf(
    `${group}admins/`,
    'newadmin@full.example',
    { userId: 'newadmin', ...person, department: { departmentName: 'Level 2' } },
    { lastName: 'Other' },
  ),
  ...lifeOf(
    `${group}departments/`,
    'New',
    { departmentName: 'New', parentDepartment: { departmentName: 'Level 2' } },
    { parentDepartment: { departmentName: 'Level 3' } },
  ),
  ['PUT', `${group}departments/${full.parent}/`, { departmentName: 'Above' }],
  ['PUT', `${group}departments/${full.department}/`, { departmentName: 'All of us' }],
  ...lifeOf(
    `${group}users/`,
    'newuser@full.example',
    { userId: 'newuser', ...person, phoneNumber: '+3225126770', extension: '9990' },
    { phoneNumber: null, extension: '9991', department: { departmentName: 'Level 2' } },
  ),
  ['GET', `${group}users/user${first + 1}/services/call_centers/`],
  ['PUT', `${group}users/user${first + 1}/services/call_centers/`, { outgoingCallDNIS: null }],
  [
    'PUT',
    `${group}users/user${first + 1}/services/call_centers/`,
    { outgoingCallDNIS: { serviceUserId: 'hub', name: 'Main' } },
  ],
  ...lifeOf(
    `${group}announcements/`,
    'New',
    { name: 'New', content: wave() },
    { description: 'New', content: wave() },
  ),
  ['GET', `${group}announcements/${full.announcement}/content/`],
  ['PUT', `${group}announcements/${full.announcement}/`, { name: 'Hello' }],
  ['PUT', `${group}announcements/Hello/`, { name: full.announcement }],
  ...lifeOf(`${group}${codes}`, 'new', newCode, { active: false }),
  ...lifeOf(`${enterprise}${codes}`, 'new', newCode, { active: false }),
  ...lifeOf(
    `${group}services/route_points/`,
    'newrp@full.example',
    { serviceUserId: 'newrp', serviceInstanceProfile: { name: 'New' } },
    { serviceInstanceProfile: { extension: '9992' } },
  ),
  ...['announcements', 'overflow', 'bounced_call', 'distinctive_ringing', 'dnis_config'].map(
    (setting): Step => ['GET', `${routePoint}${setting}/`],
  ),
  [
    'PUT',
    `${routePoint}announcements/`,
    { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Default' } },
  ],
  ['PUT', `${routePoint}overflow/`, plays],
  ['PUT', `${routePoint}bounced_call/`, { active: true }],
  ['PUT', `${routePoint}distinctive_ringing/`, { distinctiveRinging: true }],
  ['PUT', `${routePoint}dnis_config/`, { displayDNISName: true }],
  ['GET', `${routePoint}forced_forwarding/`],
  ['PUT', `${routePoint}forced_forwarding/`, { active: true }],
  ['GET', `${routePoint}failover_policy/`],
  ['PUT', `${routePoint}failover_policy/`, { perCallCallFailureTimeoutSeconds: 20 }],
  ...lifeOf(`${group}services/webhooks/`, 'New', webhookLife.create, webhookLife.change),
  ...lifeOf(`${routePoint}disposition_codes/`, 'new', newCode, { active: false }),
  ['GET', `${routePoint}disposition_codes_config/`],
  ['PUT', `${routePoint}disposition_codes_config/`, { defaultCallDispositionCode: null }],
  [
    'PUT',
    `${routePoint}disposition_codes_config/`,
    { defaultCallDispositionCode: { code: 'sold', level: 'CallCenter' } },
  ],
  ...lifeOf(
    `${routePoint}dnis/`,
    'New',
    { name: 'New', phoneNumber: '+3225126771', extension: '9993' },
    { phoneNumber: '+3225126772', extension: null },
  ),
  ['GET', `${routePoint}dnis_announcements/Own/`],
  [
    'PUT',
    `${routePoint}dnis_announcements/Own/`,
    { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Default' } },
  ],
  ['PUT', `${hub}dnis/Main/`, { name: 'Renamed' }],
  ['PUT', `${hub}dnis/Renamed/`, { allowOutgoingACDCall: false }],
  ['PUT', `${group}departments/Department%20${first + 1}/`, { departmentName: 'Renamed' }],
  ['GET', '/api/v1/changes/?from=2026-01-01T00:00:00Z&until=2126-01-01T00:00:00Z'],
  ['GET', '/api/v1/changes/stream/'],
  ['GET', `${group}services/call_events/?routePoint=hub`],
  ['POST', `${group}services/call_events/presence/`, {}],
  ...[tenant, group, hub].flatMap((place): Step[] => [
    ['GET', `${place}changes/?kind=user`],
    ['GET', `${place}changes/stream/?after=1`],
  ]),
]

/** What empties the tables, after which plans for full ones cannot be asked for. */
const deletions: Step[] = [
  ['DELETE', `${hub}dnis/Renamed/`],
  ['DELETE', hub],
  ['DELETE', `${group}?deleteNonEmpty=1`],
  ['DELETE', `${tenant}?deleteNonEmpty=1`],
]

/** Every list in every way, so that each statement is composed that may be. */
function listsOf(operations: World['app']['operations']): string[] {
  return operations.flatMap(({ path, query = {} }) => {
    const url = path
      .replace(
        ':tenant_id',
        path.startsWith(`/api/v1/tenants/:tenant_id/${codes}`) ? 'othertenant' : 'fulltenant',
      )
      .replace(':group_id', 'fullgroup')
      .replace(':route_point_user_id', 'hub')
      .replace('webhooks/:instance_name', 'webhooks/Item')
      .replace(':instance_name', 'Main')
    const filters = Object.keys(query).flatMap((name) => {
      const [, kind, field, operator] =
        /^(sensitive|insensitive)(\w+)(Starts|Contains|Equals)$/.exec(name) ?? []
      if (!kind) return []
      const direction = operator === 'Starts' ? 'Ascending' : 'Descending'
      return [`${url}?pageSize=1&${name}=1&sortOrders=${kind}${direction}${field}`]
    })
    return filters.length > 0 ? [url, `${url}?startIndex=2&pageSize=5`, ...filters] : []
  })
}

const scope = ['tenant_key', 'group_key']

/** Whether an access reads a table from end to end, or all that a tenant or group has in it. */
function isWide({ table, by }: Access): boolean {
  const own = { tenants: 'tenant_key', groups: 'group_key' }[table]
  return by.every((column) => scope.includes(column) && column !== own)
}

function describeAccess({ table, by }: Access): string {
  return `${table} by ${by.join(', ') || 'nothing'}`
}

describe.each(engines)('every statement there is, on $name', (engine) => {
  let world: World
  let folder: string
  let deliveryId: string
  const seen: Capture = { isOn: true, statements: new Map() }
  let made: string[] = []
  const refused: string[] = []
  const succeeded = new Set<string>()

  beforeAll(async () => {
    const capturing: Engine = {
      ...engine,
      async open() {
        const test = await engine.open()
        capture(test.database, seen)
        return test
      },
    }
    folder = await mkdtemp(join(tmpdir(), 'pointsman-plans-'))
    await writeFile(join(folder, mediaFile), Buffer.alloc(16_000))
    world = await createWorld(capturing, { POINTSMAN_MEDIA_FOLDER: folder }, new Exchange())
    const ask = async (method: string, url: string, body: object) =>
      (await world.ask('system', method, url, body)).status
    seen.isOn = false
    const madeBefore = vi.mocked(sql).mock.calls.length
    await fillGroup(world.database, ask, count)
    await world.database.write(async (transaction) => {
      // Half of the times are over, the others further away than any can be.
      const halfOver = 'CASE WHEN i % 2 = 0 THEN i ELSE 9000000000000 + i END'
      const numbers = `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${count})`
      await transaction.run(
        sql(`INSERT INTO sessions (secret_hash, identity_key, expires_at) ${numbers}
             SELECT 'hash ' || CAST(i AS TEXT), 'system' || CAST(${first} + i % ${count} AS TEXT), ${halfOver} FROM numbers`),
      )
      await transaction.run(
        sql(`INSERT INTO sign_in_attempts (attempt_key, failures, retry_at, forget_at) ${numbers}
             SELECT 'key ' || CAST(i AS TEXT), 1, 0, ${halfOver} FROM numbers`),
      )
      await transaction.run(
        sql(`INSERT INTO kept_answers
               (identity_key, key_hash, request_hash, status, headers, expires_at, bytes) ${numbers}
             SELECT CASE WHEN i % 10 = 1 THEN account_key ELSE CAST(i AS TEXT) END, 'key ' || CAST(i AS TEXT), '', 200, '{}', ${halfOver}, ${roomBytes}
             FROM numbers JOIN identities ON identities.identity_key = 'admin'`),
      )
    })
    deliveryId = await exampleDelivery(world, { name: 'Item', of: `${group}services/webhooks/` })
    // SQLite plans by its indexes alone: nobody gathers statistics there.
    if (engine.name !== 'SQLite') await world.test.analyze()
    const madeToFill = vi.mocked(sql).mock.calls.length
    seen.isOn = true
    await drive()
    seen.isOn = false
    const calls = vi.mocked(sql).mock.calls.map(([text]) => text)
    made = [...calls.slice(0, madeBefore), ...calls.slice(madeToFill)]
  }, 300_000)
  afterAll(async () => {
    await world.close()
    await rm(folder, { recursive: true })
  })

  const accesses = new Map<string, Access[]>()

  /** As if the last attempt had been counted while the clock was ahead. */
  async function advanceClockOfAttempts(): Promise<void> {
    seen.isOn = false
    const text = 'UPDATE sign_in_attempts SET forget_at = forget_at + 9000000000000'
    await world.database.write((transaction) => transaction.run({ text }))
    seen.isOn = true
  }

  /** Asks for the plan of each statement that ran since the last time. */
  async function explain(): Promise<void> {
    seen.isOn = false
    for (const [text, values] of seen.statements) {
      if (!accesses.has(text)) accesses.set(text, await world.test.accesses(text, values))
    }
    seen.isOn = true
  }

  /** What no request does: the record is followed on every level, and what is old of it goes. */
  async function followAndPrune(): Promise<void> {
    const { database } = world
    const places = { tenantKey: 'fulltenant', groupKey: 'fullgroup', routePointKey: 'hub' }
    await followLogs(database, places)
  }

  /** What a call plays: an announcement, and audio that was fetched from the web. */
  async function play(): Promise<void> {
    const { database } = world
    const group = ['fulltenant', 'fullgroup'] as const
    const content = await findContent(database, [...group, full.announcement])
    await Array.fromAsync(readWholeContent(database, group[0], content?.contentId ?? ''))
    const address = { tenantKey: group[0], groupKey: group[1], url: 'http://media.example/x.wav' }
    const recording = await examine(new Upload([waveFile()]))
    const fetched = { recording, etag: null, lastModified: null }
    const limits = { groupBytesMax: -1, groupCopiesMax: 1 }
    await saveCopy(database, address, { fetched, limits })
    await noteUnchanged(database, address)
    const copy = await findCopy(database, address)
    if (copy) await Array.fromAsync(readCopy(database, group[0], copy))
    await Array.fromAsync(groupsWithCopies(database))
    await removeOthers(database, group, await findNamedUrls(database, group))
    expect(await findCopy(database, address)).toBeUndefined()
  }

  /** Calls as they come, are offered and end. */
  async function carryCalls(ask: (step: Step) => Promise<unknown>): Promise<void> {
    const engine = '/api/v1/engines/test/'
    await ask(['GET', '/api/v1/engines/'])
    await ask(['GET', engine])
    for (const draining of [true, false]) await ask(['PUT', engine, { draining }])
    await ask(['GET', `${ownRoutePoint}calls/?routing=true`])
    const { takenCall = '', waitingCall, offeredCall } = await exampleCalls(world)
    const calls = `${ownRoutePoint}calls/`
    await tag(ask, `${calls}${takenCall}/`)
    await ask(['GET', `${calls}${waitingCall}/`])
    await ask(['POST', `${ownRoutePoint}simulation/`, {}])
    await ask(['DELETE', `${calls}${offeredCall}/offer/1/`])
    await ask(['POST', `${calls}${waitingCall}/offer/`, { agent: 'agent' }])
    for (const id of [waitingCall, offeredCall]) await ask(['POST', `${calls}${id}/release/`, {}])
    await vi.waitFor(() => expect(world.exchange?.legs.size).toBe(0))
    const none = {
      routePoint: ['fulltenant', 'fullgroup', 'hub@full.example'] as const,
      id: 'none',
      why: 'It was never there.',
      generation: 0,
    }
    await engineOfCall(world.database, none.routePoint, none.id)
    await countWaitingElsewhere(world.database, none.routePoint, [])
    await readNodeOf(world.database, 'test')
    const lease = { engine: 'none', session: 'none', generation: 0 }
    await giveLeaseBack(world.database, lease)
    await giveAllBack(world.database, lease.session)
    await leaveNode(world.database, { name: 'none', session: 'none' })
    const { routePoint: noneKey, id } = none
    const caller = { name: '', number: '' }
    const known = { id, engine: 'none', leg: 'none', caller, dialled: '', arrivedAt: 0 }
    const call = newCall({ ...known, routePoint: noneKey, dnis: null }, 1)
    const becoming = { before: call, call, told: [], generation: 0 }
    const keeping = { callerDigitsMasked: 0 }
    const late = world.database.write((transaction) => saveCall(transaction, becoming, keeping))
    await expect(late).rejects.toThrow(LeaseLost)
    const ending = { outcome: 'failed', reason: '', at: 0, cause: 16, isGone: true } as const
    const phase = { name: 'ended', ending: { ...ending, dispositionCodes: [] } } as const
    const over = { ...becoming, call: { ...call, phase } }
    const afterAll = world.database.write((transaction) => saveCall(transaction, over, keeping))
    await expect(afterAll).rejects.toThrow(LeaseLost)
    await world.database.write((transaction) =>
      recordLost(transaction, none, { now: Date.now(), keeping }),
    )
    await askForRecords(world, ask, waitingCall ?? '')
  }

  /** A call that somebody has taken is given a code, before its end and after it. */
  async function tag(ask: (step: Step) => Promise<unknown>, path: string): Promise<void> {
    const enabled = { enableCallDispositionCodes: true }
    await ask(['PUT', `${ownRoutePoint}disposition_codes_config/`, enabled])
    await ask(['POST', `${ownRoutePoint}disposition_codes/`, newCode])
    const codes: Step = [
      'PUT',
      `${path}disposition_codes/`,
      { dispositionCodes: [{ code: 'new', level: 'CallCenter' }] },
    ]
    await ask(codes)
    await ask(['GET', codes[1]])
    await ask(['POST', `${path}release/`, {}])
    await ask(codes)
  }

  /** What a call asks of the configuration. */
  async function call(): Promise<void> {
    const backend = databaseBackend(
      { door: openDoor(world.database), recorded: [] },
      async () => {},
    )
    const routePointKey = ['fulltenant', 'fullgroup', `rp${first + 1}@full.example`] as const
    const state = await backend.state(routePointKey, 'Own')
    expect(state?.dnis).toBeDefined()
    await findCallee(world.database, { user: '112', domain: 'full.example', country: 'BE' })
  }

  async function drive(): Promise<void> {
    const paths = world.app.openapi().paths
    const patterns = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({
        operation: `${method.toUpperCase()} ${path}`,
        pattern: new RegExp(`^${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      })),
    )
    const ask = async ([method, url, body]: Step, headers = {}) => {
      const who = 'cookie' in headers ? 'nobody' : 'system'
      const answer = await world.ask(who, method, url, body, headers)
      const operation = `${method} ${url.split('?', 1)[0]}`
      if (answer.status >= 300) refused.push(`${operation}: ${answer.text}`)
      else for (const one of patterns) if (one.pattern.test(operation)) succeeded.add(one.operation)
      return answer
    }
    await createFirstAdmin(world.database, 'admin', password)
    const login = '/api/v1/login/'
    const username = 'departmentadmin@sip.netaxis.be'
    await world.ask('nobody', 'POST', login, { username, password: 'wrong' })
    await advanceClockOfAttempts()
    const { headers } = await ask(['POST', login, { username, password }])
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    const tokens = '/api/v1/tokens/'
    const made = await ask(['POST', tokens, { name: 'x' }], { cookie })
    const token = `${tokens}${made.body.tokenId}/`
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      await ask([method, token, ...(method === 'PUT' ? [{ name: 'y' }] : [])] as Step, { cookie })
    }
    await world.ask(
      'departmentAdmin',
      'PUT',
      '/api/v1/tenants/footenant/groups/foogroup/users/agent/',
      {
        lastName: 'Changed',
      },
    )
    // Of what there is now alone.
    await world.ask('groupAdmin', 'GET', '/api/v1/tenants/footenant/groups/foogroup/changes/')
    // At a domain that may be somebody else's.
    const abroad = { userId: 'new@elsewhere.example', firstName: 'New', lastName: 'Person' }
    await world.ask(
      'groupAdmin',
      'POST',
      '/api/v1/tenants/footenant/groups/foogroup/users/',
      abroad,
    )
    // With an answer that is kept, and given again.
    for (let time = 1; time <= 2; time += 1) {
      const kept = { 'idempotency-key': 'a-key-of-some-length' }
      await ask(['PUT', `${routePoint}overflow/`, { timeoutSeconds: 33 }], kept)
    }
    const newPassword = `${password}!`
    await ask(['POST', '/api/v1/password/', { oldPassword: password, newPassword }], { cookie })
    await ask(['POST', '/api/v1/logout/'], { cookie })
    for (const url of listsOf(world.app.operations)) await ask(['GET', url])
    for (const step of scenario) await ask(step)
    await explain()
    await followAndPrune()
    await call()
    await play()
    await carryCalls(ask)
    for (const step of stepsOfWebhook(`${group}services/webhooks/Item/`, deliveryId))
      await ask(step)
    await sendInEveryWay(world.database, ['fulltenant', 'fullgroup', 'Item'])
    await explain()
    for (const step of deletions) await ask(step)
    await explain()
    missing.push(
      ...patterns
        .map(({ operation }) => operation)
        .filter((operation) => !succeeded.has(operation)),
    )
  }
  const missing: string[] = []

  it('belongs to an operation that was done here', () => {
    expect(refused).toEqual([])
    expect(missing).toEqual([])
    expect(made.length).toBeGreaterThan(100)
    expect(
      [...new Set(made)].filter(
        (text) =>
          !seen.statements.has(text) && !/^EXPLAIN|sqlite_schema|pragma_page_count/.test(text),
      ),
    ).toEqual([])
  })

  it('finds rows by their keys, but for those that say why not', () => {
    const wide: string[] = []
    const used = new Set<string>()
    for (const [text, found] of accesses) {
      const reason = declared.find((one) => one.text.test(text))
      if (reason) used.add(reason.why)
      // Where much is read on purpose PostgreSQL may join it by hashes; SQLite must not read it anew for each row.
      const isJoinedAtOnce = engine.name !== 'SQLite'
      const most = reason ? (isJoinedAtOnce ? 20 : (reason.most ?? 1)) : 0
      const all = found.filter(isWide)
      if (all.length > most) wide.push(`${all.map(describeAccess).join('; ')}: ${text}`)
    }
    expect(wide).toEqual([])
    expect(declared.filter(({ why }) => !used.has(why)).map(({ why }) => why)).toEqual([])
  })
})
