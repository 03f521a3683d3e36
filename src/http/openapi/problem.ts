import { STATUS_CODES } from 'node:http'
import { named } from '../../documents/vocabulary.ts'
import { type ErrorCode, errorCodes, isErrorCode } from '../../errors.ts'
import { type Components, componentName, type Reference } from './components.ts'
import { type HeaderName, headersOf } from './headers.ts'

const problem = named('Problem', {
  type: 'object',
  description:
    'One entry for each thing wrong. The code is the contract, the message is for people.',
  properties: {
    errors: {
      type: 'array',
      description: 'At least one, at most 100.',
      items: named('Fault', {
        type: 'object',
        description: 'One thing wrong with a request.',
        properties: {
          code: {
            type: 'integer',
            enum: Object.keys(errorCodes).map(Number),
            description: 'What is wrong, for programs.',
          },
          name: {
            type: 'string',
            enum: Object.values(errorCodes).map(({ name }) => name),
            description: 'The code in words.',
          },
          message: { type: 'string', description: 'What is wrong, for people; it may change.' },
          parameter: {
            type: 'string',
            description:
              'Path of the field, as in `audioFileList[0].name`, or name of the query parameter.',
          },
        },
        required: ['code', 'name', 'message'],
      }),
    },
    requestId: { type: 'string', description: 'Also in the X-Request-Id header and the log.' },
  },
  required: ['errors', 'requestId'],
})

interface Meaning {
  description: string
  headers?: readonly HeaderName[]
  /** The field that the example names. */
  parameter?: string
}

/** What each status says in general, and the headers that come with it. */
const meanings: Record<number, Meaning> = {
  400: {
    description: 'The request is wrong: each fault tells where.',
    parameter: 'audioFileList[0].name',
  },
  401: {
    description: 'Nobody is signed in, or what was sent lets nobody in.',
    headers: ['WWW-Authenticate'],
  },
  403: { description: 'The caller’s level, department or token does not allow this.' },
  404: { description: 'There is no such thing, or it lies outside the caller’s scope.' },
  406: { description: 'Accept excludes the type in which this is answered.' },
  408: { description: 'The request came too slowly.' },
  409: {
    description: 'The Idempotency-Key stands for an answer that showed a secret: it is not kept.',
  },
  412: { description: 'The state is not one that If-Match or If-None-Match allows.' },
  413: { description: 'The body or the file is larger than this resource takes.' },
  415: {
    description: 'The body is of a type that is not read here, or is compressed.',
    headers: ['Accept-Encoding'],
  },
  416: {
    description: 'The range lies outside.',
    headers: ['Content-Range', 'ETag', 'Accept-Ranges', 'Content-Disposition'],
  },
  417: { description: 'Expect asks for something else than 100-continue.' },
  422: { description: 'The Idempotency-Key came with another request before.' },
  429: {
    description:
      'Too many attempts to sign in, or too many streams of one account or tenant: wait.',
    headers: ['Retry-After'],
  },
  431: { description: 'The request’s headers are too large.' },
  500: { description: 'A fault of ours; the log tells it under the same id.' },
  503: {
    description: 'The service is too busy, or its database is: wait.',
    headers: ['Retry-After'],
  },
}

/** The first code that has the status. */
function codeOf(status: number): ErrorCode | undefined {
  const codes = Object.keys(errorCodes).map(Number).filter(isErrorCode)
  return codes.find((code) => errorCodes[code].status === status)
}

/**
 * The answer with which every operation refuses with this status.
 *
 * @throws Error when no code has the status, or it is not explained above.
 */
export function refusal(components: Components, status: number): Reference {
  const code = codeOf(status)
  const { description, headers = [], parameter } = meanings[status] ?? {}
  if (code === undefined || description === undefined) {
    throw new Error(`OpenAPI knows nothing of refusals with status ${status}.`)
  }
  const fault = {
    code,
    name: errorCodes[code].name,
    message: description,
    ...(parameter && { parameter }),
  }
  return components.add('responses', componentName(STATUS_CODES[status] ?? String(status)), {
    description,
    headers: headersOf(components, headers),
    content: {
      'application/json': {
        schema: components.schema(problem),
        example: { errors: [fault], requestId: '8f14e45f-1a' },
      },
    },
  })
}
