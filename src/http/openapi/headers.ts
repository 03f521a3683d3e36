import { type Components, componentName, type Reference } from './components.ts'

interface Header {
  description: string
  example: string | number
}

/** Every header that answers have for clients of the API, in the order in which an answer shows them. */
const headers = {
  'X-Request-Id': {
    description: 'Names the request, also in the log.',
    example: '8f14e45f-1a',
  },
  ETag: {
    description:
      'Strong validator of the state that the answer shows, for If-Match and If-None-Match.',
    example: '"mZ0k3yq1vVJr8b1dYw5u2hT9xQs"',
  },
  Location: {
    description: 'Path of what was created.',
    example: '/api/v1/tenants/ApioSpTest/groups/ApioGrpTest/',
  },
  'Set-Cookie': {
    description: 'The session’s cookie, or the order to forget it.',
    example: 'sessionid=Vx3…; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200',
  },
  'X-Total-Count': { description: 'Items on all pages.', example: 1 },
  Link: {
    description: 'Where the next page is, as `rel="next"`; absent on the last.',
    example: '</api/v1/tenants/?pageSize=1&startIndex=2>; rel="next"',
  },
  'Accept-Ranges': { description: '`bytes`: a range can be asked for.', example: 'bytes' },
  'Content-Range': {
    description: 'Which bytes the answer holds, and of how many; `*` where the range lay outside.',
    example: 'bytes 0-1023/48044',
  },
  'Content-Disposition': {
    description: 'Name of the file, should the client save it.',
    example: "inline; filename*=UTF-8''Welcome.wav",
  },
  'Cache-Control': {
    description: 'How long the answer may be kept.',
    example: 'public, max-age=31536000, immutable',
  },
  'X-Accel-Buffering': {
    description: '`no`: proxies shall pass everything on as it comes.',
    example: 'no',
  },
  'Idempotent-Replay': {
    description: '`true` where this is the kept answer to an earlier request.',
    example: 'true',
  },
  'Dry-Run': { description: '`true` where nothing was changed.', example: 'true' },
  'WWW-Authenticate': { description: 'How to show who is asking: `Bearer`.', example: 'Bearer' },
  'Retry-After': {
    description: 'Seconds after which the same request may succeed.',
    example: 1,
  },
  'Accept-Encoding': {
    description: '`identity`, where the body was refused because it is compressed.',
    example: 'identity',
  },
} as const satisfies Record<string, Header>

export type HeaderName = keyof typeof headers

/** The headers of one answer: the id of the request, and `names`. */
export function headersOf(
  components: Components,
  names: readonly HeaderName[],
): Record<string, Reference> {
  const all = new Set<HeaderName>(['X-Request-Id', ...names])
  const references = [...all].map((name) => {
    const { description, example } = headers[name]
    const schema = { type: typeof example === 'number' ? 'integer' : 'string' }
    return [
      name,
      components.add('headers', `${componentName(name)}Header`, { description, schema, example }),
    ]
  })
  return Object.fromEntries(references)
}
