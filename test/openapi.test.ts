import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatJson } from '../scripts/format-json.ts'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { vocabularyWords } from '../src/documents/vocabulary.ts'
import { errorCodes } from '../src/errors.ts'
import { levels, type Permission, permissions } from '../src/http/permissions.ts'
import { engines } from './engines.ts'

interface Media {
  schema: Record<string, unknown>
  example?: unknown
}

interface Parameter {
  in: string
  name: string
  required?: boolean
}

interface Operation {
  operationId: string
  summary: string
  description: string
  tags: string[]
  security?: object[]
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { $ref?: string; content?: Record<string, Media> }>
  'x-permission': Permission
}

interface Description {
  security: object[]
  paths: Record<string, Record<string, Operation>>
  components: Record<'schemas' | 'parameters' | 'responses' | 'headers', Record<string, object>>
}

const json = 'application/json'
const description: Description = JSON.parse(readFileSync('openapi.json', 'utf8'))
const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method,
    path,
    operation,
  })),
)

const ajv = new Ajv2020({ strictRequired: false, allowUnionTypes: true, validateFormats: false })
ajv.addVocabulary(['components'])
ajv.addSchema({ $id: 'openapi.json', components: description.components })

/** A part of the document, or the component that it refers to. */
function resolve(part: object): object {
  const { $ref: reference } = part as { $ref?: string }
  const [, kind, name] = /^#\/components\/(\w+)\/(\w+)$/.exec(reference ?? '') ?? []
  if (reference === undefined) return part
  const found = description.components[kind as keyof Description['components']]?.[name ?? '']
  if (!found) throw new Error(`There is no component ${reference}.`)
  return found
}

/** What a media's example has against its own schema. */
function faultsOf({ schema, example }: Media): unknown {
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"openapi.json#/components/')
  const validate = ajv.compile(JSON.parse(text))
  return validate(example) ? [] : validate.errors
}

function successOf({ responses }: Operation) {
  return Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .map(([status, response]) => [status, resolve(response)] as [string, typeof response])
}

describe('openapi.json', () => {
  let served: unknown
  let close: () => Promise<void>
  beforeAll(async () => {
    const [engine] = engines
    if (!engine) throw new Error('There is no engine to build the application on.')
    const { database, remove } = await engine.open()
    const logger = pino({ level: 'silent' })
    const app = await buildApp({ config: readConfig({}), database, logger })
    served = (await app.inject({ url: '/openapi.json' })).json()
    close = async () => {
      await app.close()
      await remove()
    }
  })
  afterAll(() => close())

  it('is what the server answers; `npm run openapi` writes it anew', () => {
    expect(description).toEqual(served)
  })

  it('is pretty-printed, so that a change can be read', () => {
    const text = readFileSync('openapi.json', 'utf8')
    expect(text).toBe(`${formatJson(JSON.parse(text))}\n`)
  })

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone({ ...description }))
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined })
    expect(validator.version).toBe('3.1')
  })

  it('gives every operation an id of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    expect([...new Set(ids)]).toEqual(ids)
  })

  it('tells the errors by the closed registry', () => {
    expect(description.components.schemas.Fault).toMatchObject({
      properties: { code: { enum: Object.keys(errorCodes).map(Number) } },
    })
  })

  it('has no word of our own vocabulary and nothing of OpenAPI 3.0', () => {
    const words = new Set<string>()
    const isMemberList = new WeakSet<object>()
    JSON.stringify(description, function (key, value) {
      // A member may be called as a word is.
      if (!isMemberList.has(this)) words.add(key)
      if (key === 'properties') isMemberList.add(value)
      return value
    })
    for (const word of [...vocabularyWords, 'nullable', 'definitions', '$id']) {
      expect(words.has(word), word).toBe(false)
    }
    expect(JSON.stringify(description)).not.toContain('"format":"byte"')
  })

  it('lets every field that can be cleared take null, and a text also the empty one', () => {
    const update = operations.find(
      ({ operation }) => operation.operationId === 'updateForcedForwarding',
    )
    const reference = { $ref: '#/components/schemas/ForcedForwardingChange' }
    expect(update?.operation.requestBody?.content[json]?.schema).toEqual(reference)
    expect(resolve(reference)).toMatchObject({
      properties: { forwardToPhoneNumber: { type: ['string', 'null'], maxLength: 161 } },
    })
    const { properties } = resolve(reference) as { properties: Record<string, object> }
    expect(properties.forwardToPhoneNumber).not.toHaveProperty('minLength')
  })

  describe.each(operations)('$name', ({ method, path, operation }) => {
    it('says what it does, where it belongs and which right it needs', () => {
      expect(operation.summary).toMatch(/^[A-Z].{5,}/)
      expect(operation.summary).not.toMatch(/\b(?:a [aeio]|an [^aeio])/)
      expect(operation.tags).toHaveLength(1)
      const permission = operation['x-permission']
      const { level } = permissions[permission]
      const isPublic = permission === 'public'
      const names: Record<number, string> = {
        [levels.EndUser]: 'End User',
        [levels.DepartmentAdmin]: 'Department Admin',
        [levels.GroupAdmin]: 'Group Admin',
        [levels.TenantAdmin]: 'Tenant Admin',
        [levels.System]: 'System',
      }
      expect(operation.description).toContain(
        isPublic
          ? 'Nobody needs to be signed in.'
          : `Authorization rights: minimum ${names[level]}.`,
      )
      expect(operation.security ?? description.security).toEqual(
        isPublic ? [] : [{ token: [] }, { session: [] }],
      )
    })

    it('describes each parameter of its path, and those that it has only', () => {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const all = (operation.parameters ?? []).map((one) => resolve(one) as Parameter)
      const described = all.filter((one) => one.in === 'path')
      expect(described.map(({ name }) => name)).toEqual(inPath)
      expect(described.every(({ required }) => required)).toBe(true)
      expect(path).not.toContain(':')
    })

    it('tells the statuses with which it can refuse, all in the one shape', () => {
      const refusals = Object.entries(operation.responses).filter(([status]) => status >= '4')
      for (const [status, response] of refusals) {
        expect(Object.keys(response), status).toEqual(['$ref'])
        const { content } = resolve(response) as { content: Record<string, Media> }
        expect(Object.keys(content)).toEqual([json])
        expect(content[json]?.schema, status).toEqual({ $ref: '#/components/schemas/Problem' })
      }
      const statuses = refusals.map(([status]) => Number(status))
      const wanted = [400, 406, 408, 417, 431, 500, 503]
      if (operation['x-permission'] !== 'public') wanted.push(401)
      if (path.includes('{')) wanted.push(404)
      if (method !== 'get') wanted.push(413, 415)
      if (method === 'put' || method === 'delete' || operation.responses[201]) wanted.push(412)
      expect(statuses).toEqual(expect.arrayContaining(wanted))
      expect(statuses).not.toContain(405)
    })

    it('shows a request and an answer that its schemas allow', () => {
      for (const [status, { content }] of successOf(operation)) {
        const media = content?.[json]
        if (!media) continue
        expect(media, `${status} has no example`).toHaveProperty('example')
        expect(faultsOf(media)).toEqual([])
      }
      expect(successOf(operation).length).toBeGreaterThan(0)
      const media = operation.requestBody?.content[json]
      if (!media) return
      expect(media).toHaveProperty('example')
      expect(faultsOf(media)).toEqual([])
    })

    it('refuses unknown members in its request, as the server does', () => {
      for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
        expect(resolve(schema)).toMatchObject({ type: 'object', additionalProperties: false })
      }
    })
  })
})
