import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { securityHeaders } from '../src/http/headers.ts'
import type { Operation } from '../src/http/operation.ts'
import { engines } from './engines.ts'
import {
  type ExampleWrite,
  everyWrite,
  finalWrites,
  send,
  thoughts,
  withExamples,
} from './every-write.ts'
import { Exchange } from './exchange.ts'
import { hotlineKey, keepRecords } from './kept-records.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  group,
  password,
  routePoint,
  type World,
} from './world.ts'

/** An answer as OpenAPI tells of it. */
interface Told {
  $ref?: string
  headers?: Record<string, object>
  content?: Record<string, { schema: object }>
}

/** Headers that HTTP itself has, and those that every answer has, which the document's introduction tells of. */
const everywhere = new Set([
  ...Object.keys(securityHeaders),
  ...['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding'],
])

/** Whether a path is one of those of an operation. */
function isServedBy({ path, alias = path }: Operation, url: string): boolean {
  return [path, alias].some((pattern) =>
    new RegExp(`^${pattern.replaceAll(/:\w+/g, '[^/]+')}$`).test(url),
  )
}

const notStored = '"no such state"'
const mediaFile = `${'a'.repeat(64)}.sln`

describe('what is answered', () => {
  let world: World
  let folder: string
  let document: ReturnType<World['app']['openapi']>
  let ajv: Ajv2020
  const validators = new Map<string, ValidateFunction>()
  const wrong: string[] = []
  const seen = new Set<string>()
  const answered = new Set<string>()

  beforeAll(async () => {
    const [engine] = engines
    if (!engine) throw new Error('There is no engine to build the application on.')
    folder = await mkdtemp(join(tmpdir(), 'pointsman-answers-'))
    await writeFile(join(folder, mediaFile), Buffer.alloc(16_000))
    world = await createWorld(engine, { POINTSMAN_MEDIA_FOLDER: folder }, new Exchange())
    document = world.app.openapi()
    ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema({ $id: 'openapi.json', components: document.components })
  })
  afterAll(async () => {
    await world.close()
    await rm(folder, { recursive: true })
  })

  function resolve(told: Told): Told {
    const name = told.$ref?.replace('#/components/responses/', '')
    return name === undefined ? told : (document.components.responses?.[name] ?? {})
  }

  function faultsOf(schema: object, body: unknown): string {
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"openapi.json#/components/')
    const validate = validators.get(text) ?? ajv.compile(JSON.parse(text))
    validators.set(text, validate)
    return validate(body) ? '' : ajv.errorsText(validate.errors)
  }

  /** Compares an answer with what the document tells of the operation. */
  function judge(method: string, url: string, { status, headers, body }: Answer): void {
    const [path = ''] = url.split('?')
    const operation = world.app.operations.find(
      (one) => one.method === method && isServedBy(one, path),
    )
    const name = `${method} ${url} ${status}`
    const described =
      document.paths[operation?.path.replaceAll(/:(\w+)/g, '{$1}') ?? '']?.[method.toLowerCase()]
    const told = described?.responses[status] as Told | undefined
    if (!operation || !described || !told) {
      wrong.push(`${name} is not told of`)
      return
    }
    if (status < 300) answered.add(operation.id)
    const { headers: those = {}, content = {} } = resolve(told)
    const known = new Set(Object.keys(those).map((one) => one.toLowerCase()))
    for (const header of Object.keys(headers)) {
      if (known.has(header)) seen.add(header)
      else if (!everywhere.has(header)) wrong.push(`${name} has ${header}`)
    }
    if (body === undefined) return
    const faults = faultsOf(content['application/json']?.schema ?? {}, body)
    if (faults) wrong.push(`${name}: ${faults}`)
  }

  async function ask(
    method: string,
    url: string,
    {
      who = 'system',
      body,
      headers = {},
    }: { who?: 'system' | 'nobody'; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const answer = await world.ask(who, method, url, body, headers)
    judge(method, url, answer)
    return answer
  }

  /** A read, and what else can come of it. */
  async function read(url: string): Promise<void> {
    const { status, headers } = await ask('GET', url)
    if (status !== 200) return
    await ask('GET', url, { headers: { 'if-none-match': String(headers.etag) } })
    await ask('GET', url, { who: 'nobody' })
    await ask('GET', url, { headers: { accept: 'text/plain' } })
    await ask('GET', `${url}?surprise=1`)
  }

  /** Of a call that has ended with all that a record may have, and of one of which little is known. */
  async function readRecords(): Promise<void> {
    const codes = [{ level: 'Group', code: 'A' }] as const
    const whole = { callId: 'whole', agent: 'agent@sip.netaxis.be', waited: 1, dnis: 'Main', codes }
    const records = [whole, { callId: 'other' }].map((one) => ({ ...one, endedAt: Date.now() }))
    await keepRecords(world.database, hotlineKey, records)
    const list = `${routePoint}call_records/`
    for (const url of [list, `${list}csv/`, `${list}whole/`, `${list}other/`]) await read(url)
    await ask('GET', `${list}?pageSize=1`)
    await ask('GET', `${list}none/`)
    const figures = `${routePoint}call_figures/?from=2026-01-01T00:00Z&to=2027-01-01T00:00Z`
    for (const by of ['', '&by=dnis', '&by=agent', '&by=code', '&by=x'])
      await ask('GET', figures + by)
  }

  /** What a webhook is to send, and one of it. */
  async function readDeliveries(url: string): Promise<void> {
    const [list = ''] = /^.*\/webhooks\/[^/]+\//.exec(url) ?? []
    await read(`${list}deliveries/`)
    const { body } = await ask('GET', `${list}deliveries/`)
    await read(`${list}deliveries/${body.deliveries[0].deliveryId}/`)
  }

  it('is what OpenAPI tells: statuses, headers and bodies of every operation', async () => {
    for (const url of ['/healthz', '/readyz', '/api/v1/changes/', '/api/v1/tokens/'])
      await read(url)
    await read('/api/v1/tenants/footenant/changes/')
    for (const name of [mediaFile, 'none']) await read(`/media/${name}/`)
    for (const range of ['bytes=0-1', 'bytes=99-']) {
      await ask('GET', `/media/${mediaFile}/`, { who: 'nobody', headers: { range } })
    }
    await read(`${group}changes/`)
    await read(`${group}services/call_agents/`)
    for (const url of ['/api/v1/engines/', '/api/v1/engines/test/']) await read(url)
    for (const place of ['/api/v1/', '/api/v1/tenants/footenant/', group, routePoint]) {
      await ask('GET', `${place}changes/stream/`)
      await ask('GET', `${place}changes/stream/`, { who: 'nobody' })
      await ask('GET', `${place}changes/stream/?after=x`)
    }
    await ask('GET', `${group}services/call_events/`)
    await ask('GET', `${group}services/call_events/`, { who: 'nobody' })
    await ask('GET', `${group}services/call_events/?routePoint=none`)
    await ask('GET', '/api/v1/tenants/?pageSize=1')
    await readRecords()
    for (const write of thoughts) judge(write.method, write.path, await send(world, write))
    for (const [index, write] of (await withExamples(world, everyWrite)).entries()) {
      const { method, path } = write
      const [url = ''] = path.split('?')
      // What is deleted is read before, what is created or changed after it.
      if (method === 'DELETE') await read(url.replace(/offer\/1\/$/, ''))
      judge(method, url, await send(world, write, { query: 'dryRun=true' }))
      const headers = { 'if-match': notStored }
      judge(method, url, await send(world, write, { headers }))
      judge(method, url, await send(world, { ...write, body: { surprise: 1 } }))
      await ask(method, url, { who: 'nobody', body: {} })
      const key = { 'idempotency-key': `the-same-key-of-${index}` }
      judge(method, url, await send(world, write, { headers: key }))
      judge(method, url, await send(world, write, { headers: key }))
      judge(
        method,
        url,
        await send(world, { ...write, path: `${url}?dryRun=false` }, { headers: key }),
      )
      const isAlias = url.includes('/call_centers/APIOTestRP/')
      const isCommand = /\/calls\/.+\/(?:offer|release)\/|\/webhooks\/.+\/(?:send|test)\//.test(url)
      if (isCommand && url.includes('/webhooks/')) await readDeliveries(url)
      else if (isCommand) await read(`${routePoint}calls/`)
      else if (method !== 'DELETE' && !isAlias) await read(url)
      if (url === `${group}announcements/`) await read(`${url}Welcome/content/`)
      if (url === `${routePoint}dnis/`) await read(`${url}Main/agents/`)
      if (url.startsWith(routePoint)) await read(`${routePoint}changes/`)
      if (url === `${group}announcements/`) {
        const content = `${url}Welcome/content/`
        await ask('GET', content, { headers: { range: 'bytes=0-9' } })
        await ask('GET', content, { headers: { range: 'bytes=9999999-' } })
      }
    }
    const encoded = { 'content-encoding': 'gzip' }
    await ask('POST', '/api/v1/tenants/', { body: {}, headers: encoded })
    for (const write of finalWrites) judge(write.method, write.path, await send(world, write))
    const credentials = { username: 'somebody', password }
    for (let count = 0; count < 20; count += 1) {
      await ask('POST', '/api/v1/login/', { who: 'nobody', body: credentials })
    }
    expect([...new Set(wrong)]).toEqual([])
    // All that there is was answered once, and every header that the document tells of was seen.
    const missing = world.app.operations.filter(({ id }) => !answered.has(id))
    expect(missing.map(({ id }) => id)).toEqual([])
    const components = Object.keys(document.components.headers ?? {}).map((name) =>
      name.toLowerCase(),
    )
    const sent = [...seen].map((name) => `${name.replaceAll('-', '')}header`)
    expect(sent.sort()).toEqual(components.sort())
  })
})

describe('what OpenAPI tells of a write', () => {
  let world: World
  let document: ReturnType<World['app']['openapi']>
  beforeAll(async () => {
    const [engine] = engines
    if (!engine) throw new Error('There is no engine to build the application on.')
    world = await createWorld(engine, {}, new Exchange())
    document = world.app.openapi()
  })
  afterAll(() => world.close())

  function resolve<Part extends object>(part: Part & { $ref?: string }): Part {
    const [, kind = '', name = ''] = /^#\/components\/(\w+)\/(\w+)$/.exec(part.$ref ?? '') ?? []
    return part.$ref === undefined ? part : (document.components[kind]?.[name] as Part)
  }

  /** What the document promises of the operation of a path. */
  function promisesOf({ method, path }: ExampleWrite) {
    const [url = ''] = path.split('?')
    const operation = world.app.operations.find(
      (one) => one.method === method && isServedBy(one, url),
    )
    const described =
      document.paths[operation?.path.replaceAll(/:(\w+)/g, '{$1}') ?? '']?.[method.toLowerCase()]
    if (!operation || !described) throw new Error(`${method} ${path} is not described.`)
    const { description, parameters = [], responses } = described
    const names = parameters.map((one) => resolve<{ name?: string }>(one).name)
    const success: Told = resolve(responses[operation.status ?? 200] ?? {})
    const headers = success.headers ?? {}
    return {
      dryRun: names.includes('dryRun'),
      'Dry-Run': 'Dry-Run' in headers,
      'dryRun cannot be': description.includes('`dryRun` cannot be true'),
      'Idempotency-Key': names.includes('Idempotency-Key'),
      'Idempotent-Replay': 'Idempotent-Replay' in headers,
      'is ignored': description.includes('An `Idempotency-Key` is ignored.'),
      409: 409 in responses,
      422: 422 in responses,
    }
  }

  it('holds of dry runs and keys: no more is promised than is done, and no less', {
    timeout: 120_000,
  }, async () => {
    const writes = [...thoughts, ...(await withExamples(world, everyWrite)), ...finalWrites]
    for (const [index, write] of writes.entries()) {
      const name = `${write.method} ${write.path}`
      const tried = await send(world, write, { query: 'dryRun=true' })
      const headers = { 'idempotency-key': `a-key-that-is-sent-twice-${index}` }
      const first = await send(world, write, { headers })
      expect(first.status, `${name} ${first.text}`).toBeLessThan(300)
      const second = await send(world, write, { headers })
      const isTried = tried.headers['dry-run'] === 'true'
      if (!isTried) expectRefusal(tried, 400, [{ code: 2, parameter: 'dryRun' }])
      const isReplay = second.headers['idempotent-replay'] === 'true'
      const isKnown = isReplay || second.status === 409
      expect({ name, ...promisesOf(write) }).toEqual({
        name,
        dryRun: isTried,
        'Dry-Run': isTried,
        'dryRun cannot be': !isTried,
        'Idempotency-Key': isKnown,
        'Idempotent-Replay': isReplay,
        'is ignored': !isKnown,
        // What is asked of calls can be another's already, and a webhook may send nothing.
        409: second.status === 409 || /\/calls\/|\/webhooks\/.+\/(?:send|test)\//.test(write.path),
        422: isKnown,
      })
    }
  })
})
