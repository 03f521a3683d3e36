import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, openDemo } from './demo.ts'

// Neither of them has types of its own.
const require = createRequire(import.meta.url)
const converter: Converter = require('openapi-to-postmanv2')
const newman: {
  run(options: object, done: (error: Error | null, summary: Summary) => void): void
} = require('newman')

interface Conversion {
  result: boolean
  reason?: string
  output: { data: Collection }[]
}

interface Converter {
  convertV2(
    input: { type: 'string'; data: string },
    options: object,
    done: (error: Error | null, conversion: Conversion) => void,
  ): void
}

interface Parameter {
  key: string
  value: string
  disabled: boolean
}

interface Item {
  name: string
  item?: Item[]
  request?: { method: string; url: { query: Parameter[]; variable: Parameter[] } }
}

interface Collection {
  item: Item[]
}

interface Execution {
  item: { name: string }
  request: { method: string }
  response?: { code: number; text(): string }
}

interface Summary {
  run: { executions: Execution[]; failures: { error: Error }[] }
}

type Names = readonly (readonly [RegExp, Record<string, string>])[]

/** What the demo has under other names than the examples, by the words of a request's name; the first fitting one counts. */
const demoNames: Names = [
  [/system admin/, { user_id: 'admin' }],
  [/tenant admin/, { user_id: 'tenantadmin' }],
  [/group admin/, { user_id: 'groupadmin' }],
  [/enterprise disposition code/, { tenant_id: 'barenterprise', instance_name: '100' }],
  [/group disposition code/, { instance_name: '5678876' }],
  [/DNIS/, { instance_name: 'fooDnisName' }],
]

/** Codes with which the demo refuses an example: it has what would be created, uses what would be deleted. */
const expectedCodes: [RegExp, readonly number[]][] = [
  [/^POST Create/, [11]],
  // There are no calls, webhooks and engines in the demo, and none has fetched anything.
  [/ (a call|a waiting call|an offer)\b|^GET Get audio as/, [404]],
  [/ (a webhook|what a webhook|a delivery|a `ping`|a telephone engine\b)/, [404]],
  [/^DELETE/, [21]],
  // Nobody has the example's password, and the demo has no DNIS of the example's name.
  [/^POST Sign in/, [401]],
  [/^POST Change one’s own password/, [2]],
  [/^PUT Change a user’s call-centre setting/, [2]],
]

/** What somebody gets who imports openapi.json, without the parameters that may be left out. */
async function convert(data: string): Promise<Collection> {
  const { result, reason, output } = await promisify(converter.convertV2)(
    { type: 'string', data },
    { folderStrategy: 'Tags', parametersResolution: 'Example', enableOptionalParameters: false },
  )
  if (!result || !output[0]) throw new Error(reason)
  return output[0].data
}

/** All requests of a collection. */
function requestsOf(items: readonly Item[]): Item[] {
  return items.flatMap((one) => (one.item ? requestsOf(one.item) : [one]))
}

/** Lets a request name what the demo has, and change nothing, so that each finds all that is there. */
function fitToDemo({ name, request }: Item, names: Names): void {
  const values = names.find(([words]) => words.test(name))?.[1] ?? {}
  for (const variable of request?.url.variable ?? []) {
    variable.value = values[variable.key] ?? variable.value
  }
  // A stream has no end: its head is asked for.
  if (request && name.startsWith('Follow ')) request.method = 'HEAD'
  const dryRun = request?.url.query.find(({ key }) => key === 'dryRun')
  // What cannot be tried has none.
  if (dryRun) Object.assign(dryRun, { value: 'true', disabled: false })
}

/** An answer that is neither a success nor one of the refusals that the demo's state brings. */
function unexpected({ item, request, response }: Execution): string[] {
  const name = `${request.method} ${item.name}`
  const text = response?.text() ?? ''
  if (response && response.code < 300) return []
  const codes = expectedCodes.find(([words]) => words.test(name))?.[1] ?? []
  return codes.includes(JSON.parse(text).errors[0].code) ? [] : [`${name}: ${text}`]
}

describe('a Postman collection made from openapi.json', () => {
  let folder: string
  let demo: Demo
  let variables: { key: string; value: string }[]
  let collection: Collection
  let operationsCount: number
  let names: Names
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pointsman-postman-'))
    const opened = await openDemo(folder)
    demo = opened.demo
    const [, bearerToken = ''] = /Bearer ([\w-]+)/.exec(demo.output()) ?? []
    variables = [
      { key: 'baseUrl', value: `http://${opened.address}` },
      { key: 'bearerToken', value: bearerToken },
    ]
    const data = readFileSync(join(import.meta.dirname, '..', 'openapi.json'), 'utf8')
    const paths: Record<string, object> = JSON.parse(data).paths
    operationsCount = Object.values(paths).flatMap((methods) => Object.keys(methods)).length
    collection = await convert(data)
    const tokens = await fetch(`http://${opened.address}/api/v1/tokens/`, {
      headers: { authorization: `Bearer ${bearerToken}` },
    })
    const [own] = ((await tokens.json()) as { tokens: { tokenId: string }[] }).tokens
    names = [...demoNames, [/\btoken\b/, { token_id: own?.tokenId ?? '' }]]
  })
  afterAll(() => {
    demo?.process.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  it('has a request for every operation, which the demo answers as its example says', async () => {
    const items = requestsOf(collection.item)
    expect(items).toHaveLength(operationsCount)
    for (const item of items) fitToDemo(item, names)
    const { run } = await promisify(newman.run)({ collection, envVar: variables, reporters: [] })
    expect(run.failures).toEqual([])
    expect(run.executions).toHaveLength(items.length)
    expect(run.executions.flatMap(unexpected)).toEqual([])
  })
})
