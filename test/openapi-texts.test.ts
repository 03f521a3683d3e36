import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** A part of the document, of whatever kind. */
interface Part {
  $ref?: string
  description?: string
  example?: unknown
  name?: string
  in?: string
  properties?: Record<string, Part>
  items?: Part
  anyOf?: Part[]
  schema?: Part
}

interface Operation {
  operationId: string
  tags: string[]
  parameters?: Part[]
  requestBody?: { content: Record<string, { schema: Part }> }
  responses: Record<string, Part & { headers?: Record<string, Part>; content?: object }>
}

interface Description {
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, Part>>
}

const description: Description = JSON.parse(readFileSync('openapi.json', 'utf8'))
const operations = Object.values(description.paths).flatMap((methods) => Object.values(methods))

function resolve(part: Part): Part {
  const [, kind = '', name = ''] = /^#\/components\/(\w+)\/(\w+)$/.exec(part.$ref ?? '') ?? []
  return part.$ref === undefined ? part : (description.components[kind]?.[name] ?? {})
}

/** A text of its own, or of what it refers to. */
function isDescribed(part: Part): boolean {
  return /^.{3,}/.test(part.description ?? resolve(part).description ?? '')
}

/** The paths of the members of a schema that nothing is said of. */
function* undescribed(schema: Part, path: string): Iterable<string> {
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    const isSaid = isDescribed(member) || member.anyOf?.some(isDescribed)
    if (!isSaid) yield `${path}.${name}`
    yield* undescribed(member, `${path}.${name}`)
  }
  if (schema.items) yield* undescribed(schema.items, `${path}[]`)
  for (const one of schema.anyOf ?? []) yield* undescribed(one, path)
}

/** Every object in the document with a member of this name. */
function* everywhere(part: unknown, member: string): Iterable<Record<string, unknown>> {
  if (typeof part !== 'object' || part === null) return
  if (Object.hasOwn(part, member)) yield part as Record<string, unknown>
  for (const one of Object.values(part)) yield* everywhere(one, member)
}

describe('the texts of openapi.json', () => {
  it('explain every member of every schema', () => {
    const { schemas = {} } = description.components
    expect(Object.keys(schemas).length).toBeGreaterThan(80)
    const missing = Object.entries(schemas).flatMap(([name, schema]) => [
      ...(isDescribed(schema) ? [] : [name]),
      ...undescribed(schema, name),
    ])
    expect(missing).toEqual([])
    // Whatever an operation brings or answers is one of those, so that nothing is passed over.
    for (const { operationId, requestBody, responses } of operations) {
      const answers = Object.values(responses).map((one) => resolve(one) as typeof one)
      for (const { content = {} } of [requestBody ?? {}, ...answers]) {
        for (const [type, media] of Object.entries(content)) {
          if (['audio/wav', 'application/octet-stream'].includes(type)) continue
          expect((media as { schema: Part }).schema.$ref, operationId).toMatch(/^#\/components\//)
        }
      }
    }
  })

  it('explain every parameter, with an example where it stands in a path', () => {
    const parameters = operations.flatMap(({ parameters: those = [] }) => those.map(resolve))
    expect(parameters.length).toBeGreaterThan(500)
    for (const parameter of parameters) {
      expect(isDescribed(parameter), `${parameter.name}`).toBe(true)
      if (parameter.in === 'path') expect(parameter.example, `${parameter.name}`).toBeTruthy()
    }
  })

  it('explain every header with an example, and every answer', () => {
    for (const [name, header] of Object.entries(description.components.headers ?? {})) {
      expect(isDescribed(header), name).toBe(true)
      expect(header.example, name).toBeTruthy()
    }
    for (const { operationId, responses } of operations) {
      for (const [status, response] of Object.entries(responses)) {
        expect(isDescribed(response), `${operationId} ${status}`).toBe(true)
      }
    }
  })

  it('explain every tag, and those only that are used', () => {
    const used = new Set(operations.flatMap(({ tags }) => tags))
    expect(description.tags.map(({ name }) => name)).toEqual([...used])
    for (const tag of description.tags) expect(isDescribed(tag), tag.name).toBe(true)
  })

  it('are said once: what many operations share is a component, and each has a name of its own', () => {
    const { securitySchemes: _, ...kinds } = description.components
    const names = Object.values(kinds).flatMap((components) => Object.keys(components))
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    const inline = operations.flatMap(({ parameters = [] }) =>
      parameters.filter((one) => !one.$ref),
    )
    const texts = inline
      .filter(({ name }) => name !== 'sortOrders')
      .map((one) => JSON.stringify(one))
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([])
  })

  it('refer to what is there, and leave no component unused', () => {
    const used = new Set([...everywhere(description, '$ref')].map(({ $ref }) => String($ref)))
    const { securitySchemes: _, ...kinds } = description.components
    const there = Object.entries(kinds).flatMap(([kind, components]) =>
      Object.keys(components).map((name) => `#/components/${kind}/${name}`),
    )
    expect([...used].sort()).toEqual(there.sort())
  })
})
