import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { password, startTarget } from '../attacks/target.ts'
import { wave } from '../test/audio.ts'

/**
 * Prints what a checkout answers to the requests of `recorded-requests.txt`, on an empty database of its own. A refactoring
 * leaves it as it was: `diff <(scripts/with-node node scripts/record-answers.ts --of BEFORE) <(… --of AFTER)` shows what it
 * changed. With `--postgres` on that engine.
 */
const { values } = parseArgs({
  options: {
    postgres: { type: 'boolean', default: false },
    of: { type: 'string', default: join(import.meta.dirname, '..') },
  },
})

const group = '/api/v1/tenants/acme/groups/sales/'
const variables: Record<string, string> = {
  API: '/api/v1/',
  TENANT: '/api/v1/tenants/acme/',
  GROUP: group,
  RP: `${group}services/route_points/hotline@acme.example/`,
  PASSWORD: password,
  WAVE: wave(),
}

interface RecordedRequest {
  method: string
  path: string
  headers: Record<string, string>
  body: string | undefined
}

/** A line of the file: `METHOD path | Header: value | body`, where the headers and the body may be absent. */
function parse(line: string): RecordedRequest {
  const filled = line.replaceAll(/\$([A-Z]+)/g, (_, name) => variables[name] ?? '')
  const [start = '', ...parts] = filled.split(' | ')
  const [method = '', path = ''] = start.split(' ')
  const isHeader = (part: string) => /^[A-Za-z-]+: /.test(part)
  const headers = parts.filter(isHeader).map((part) => part.split(/: (.*)/, 2))
  return {
    method,
    path,
    headers: Object.fromEntries(headers),
    body: parts.find((part) => !isHeader(part)),
  }
}

/** A body as it is sent; `form {…}` has a file under `content`. */
function bodyOf({ body, method }: RecordedRequest): RequestInit {
  if (body === undefined || method === 'HEAD') return {}
  if (!body.startsWith('form ')) return { body, headers: { 'content-type': 'application/json' } }
  const form = new FormData()
  for (const [name, value] of Object.entries<string>(JSON.parse(body.slice('form '.length)))) {
    const file = () => new Blob([Buffer.from(value, 'base64')], { type: 'audio/wav' })
    if (name === 'content') form.append(name, file(), 'audio.wav')
    else form.append(name, value)
  }
  return { body: form }
}

/** What differs from one run to the next. */
const random: readonly [RegExp, string][] = [
  [/"requestId":"[^"]*"/g, '"requestId":"…"'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '(id)'],
  [/127\.0\.0\.1:\d+/g, '(host)'],
  [/"token":"[^"]*"/g, '"token":"…"'],
  [/"lastUsedAt":"[^"]*"/g, '"lastUsedAt":"…"'],
  [/sessionid=[^;]+/g, 'sessionid=…'],
]

function normalise(text: string): string {
  return random.reduce((rest, [pattern, instead]) => rest.replaceAll(pattern, instead), text)
}

/** Headers that follow from the body. */
const ofBody = new Set(['etag', 'content-length'])

function shown(line: string, answer: Response, bytes: Buffer): string {
  const isText = /json|text/.test(answer.headers.get('content-type') ?? '')
  const text = isText ? bytes.toString() : bytes.toString('base64')
  const body = normalise(text)
  const isRandom = body !== text
  const headers = [...answer.headers]
    .filter(([name]) => !['date', 'x-request-id'].includes(name))
    .map(([name, value]) => `${name}: ${isRandom && ofBody.has(name) ? '…' : normalise(value)}`)
  return [`> ${line}`, String(answer.status), ...headers, body, ''].join('\n')
}

const target = await startTarget(resolve(values.of), values.postgres ? 'postgres' : 'sqlite')
const url = `http://127.0.0.1:${target.port}`

async function credentialsOf(who: string): Promise<Record<string, string>> {
  if (who === 'nobody') return {}
  if (who === 'system') return { authorization: `Bearer ${target.token}` }
  const credentials = JSON.stringify({ username: who, password })
  const answer = await fetch(`${url}/api/v1/login/`, {
    method: 'POST',
    body: credentials,
    headers: { 'content-type': 'application/json' },
  })
  if (answer.status !== 200) throw new Error(`${who}: ${await answer.text()}`)
  return { cookie: answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '' }
}

try {
  const file = readFileSync(join(import.meta.dirname, 'recorded-requests.txt'), 'utf8')
  let credentials = await credentialsOf('system')
  for (const line of file.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('as ')) {
      credentials = await credentialsOf(line.slice('as '.length))
      continue
    }
    const request = parse(line)
    const { headers, ...init } = bodyOf(request)
    const answer = await fetch(url + request.path, {
      ...init,
      method: request.method,
      headers: { ...credentials, ...headers, ...request.headers },
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    process.stdout.write(`${shown(line, answer, bytes)}\n`)
    variables.ETAG = answer.headers.get('etag') ?? ''
    variables.ID = /"tokenId":"([^"]*)"/.exec(bytes.toString())?.[1] ?? variables.ID ?? ''
  }
} finally {
  await target.stop()
}
