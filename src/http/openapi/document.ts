import packageJson from '../../../package.json' with { type: 'json' }
import type { PublicUrl } from '../../config.ts'
import { securityHeaders } from '../headers.ts'
import { sessionCookie } from '../identification.ts'
import { isRetriable, isWrite, type Operation, type Tag } from '../operation.ts'
import { levels, type Permission, permissions } from '../permissions.ts'
import { answersOf } from './answers.ts'
import { bodyOf } from './body.ts'
import { Components } from './components.ts'
import { parametersOf, pathParametersOf } from './parameters.ts'

/** An operation as OpenAPI describes it. */
export interface DescribedOperation {
  operationId: string
  summary: string
  description: string
  tags: string[]
  'x-permission': Permission
  security?: object[]
  parameters?: object[]
  requestBody?: {
    required: boolean
    content: Record<string, { schema: object; example?: unknown }>
  }
  responses: Record<string, object>
}

/** An OpenAPI 3.1 document. */
export interface OpenApi {
  openapi: string
  info: Record<string, unknown>
  servers: { url: string }[]
  security: object[]
  tags: Tag[]
  /** By path and method. */
  paths: Record<string, Record<string, DescribedOperation>>
  components: Record<string, Record<string, object>>
}

const names = Object.keys(securityHeaders).map((name) => `\`${name}\``)

/** What holds for all operations, and would be the same words at each. */
const conventions = `${packageJson.description}

Paths end with a slash; without it they are served as well. Every GET answers HEAD too. A method that a path does not
have is refused with 405, and \`Allow\` names those that it has. Every refusal has the one shape \`Problem\`.

Browsers are told on every answer what they may do with it: ${names.join(', ')}, and over TLS \`strict-transport-security\`.`

const securitySchemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description: 'A token made with `createToken`: for programs.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: sessionCookie,
    description: 'The cookie that `login` answers: for people, and for old clients.',
  },
}

function describeRight(permission: Permission): string {
  if (permission === 'public') return 'Nobody needs to be signed in.'
  const { level } = permissions[permission]
  const [name] = Object.entries(levels).find(([, value]) => value === level) ?? ['']
  return `Authorization rights: minimum ${name.replace(/(?<=[a-z])(?=[A-Z])/, ' ')}.`
}

/** What other writes have and this one has not. */
function describeLimits(operation: Operation): string | undefined {
  if (!isWrite(operation)) return undefined
  const { isFinal } = operation
  const limits = [
    isFinal && `\`dryRun\` cannot be true: ${isFinal}.`,
    !isRetriable(operation) && 'An `Idempotency-Key` is ignored.',
  ]
  return limits.filter(Boolean).join(' ')
}

/** @throws Error when one name has two descriptions. */
function tagsOf(operations: readonly Operation[]): Tag[] {
  const tags = new Map<string, Tag>()
  for (const { tag } of operations) {
    const known = tags.get(tag.name)
    if (known && known.description !== tag.description) {
      throw new Error(`OpenAPI has two different tags called ${tag.name}.`)
    }
    tags.set(tag.name, tag)
  }
  return [...tags.values()]
}

/** Describes the API by its operations, each of which says once what is served and what is told of it. */
export function describeApi(
  operations: readonly Operation[],
  publicUrl: PublicUrl | undefined,
): OpenApi {
  const components = new Components()
  const known = pathParametersOf(operations)

  function describe(operation: Operation): DescribedOperation {
    const { id, summary, description, tag, permission } = operation
    const parameters = parametersOf(components, operation, known)
    const requestBody = bodyOf(components, operation)
    return {
      operationId: id,
      summary,
      description: [description, describeLimits(operation), describeRight(permission)]
        .filter(Boolean)
        .join('\n\n'),
      tags: [tag.name],
      'x-permission': permission,
      ...(permission === 'public' && { security: [] }),
      ...(parameters.length > 0 && { parameters }),
      ...(requestBody && { requestBody }),
      responses: answersOf(components, operation),
    }
  }

  const paths: OpenApi['paths'] = {}
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Pointsman',
      description: conventions,
      version: packageJson.version,
      license: { name: packageJson.license, identifier: packageJson.license },
    },
    servers: [{ url: publicUrl ? `${publicUrl.origin}${publicUrl.path}` : '/' }],
    security: Object.keys(securitySchemes).map((name) => ({ [name]: [] })),
    tags: tagsOf(operations),
    paths,
    components: { securitySchemes, ...components.all() },
  }
}
