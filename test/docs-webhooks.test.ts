import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attempt, wordsFor } from '../src/features/webhooks/attempt.ts'
import { keptMax, parkedDaysMax } from '../src/features/webhooks/deliveries.ts'
import { senderTimes } from '../src/features/webhooks/sending.ts'
import { webhooksMax } from '../src/features/webhooks/webhooks.ts'
import { findProgram } from './programs.ts'
import { type Receiver, startReceiver } from './receiver.ts'

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'webhooks.md'), 'utf8')

function blockOf(language: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
  if (text === undefined) throw new Error(`The page has no ${language}.`)
  return text
}

/** What is asked of an example: whether it takes what came. */
interface Question {
  headers: Record<string, string>
  body: string
  secret: string
}

type Verify = (questions: readonly Question[]) => Promise<boolean[]>

const folder = mkdtempSync(join(tmpdir(), 'pointsman-webhooks-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function inTypeScript(): Promise<Verify> {
  const file = join(folder, 'ours.ts')
  writeFileSync(file, blockOf('ts'))
  const { isOurs } = await import(file)
  return async (questions) =>
    questions.map(({ headers, body, secret }) => isOurs(headers, body, secret))
}

async function inPython(python: string): Promise<Verify> {
  writeFileSync(
    join(folder, 'ours.py'),
    `${blockOf('python')}
import json, sys
print(json.dumps([is_ours(one["headers"], one["body"].encode(), one["secret"]) for one in json.loads(sys.argv[1])]))
`,
  )
  return async (questions) => {
    const parameters = [join(folder, 'ours.py'), JSON.stringify(questions)]
    return JSON.parse((await promisify(execFile)(python, parameters)).stdout)
  }
}

const python = findProgram('python3')
const languages: [string, () => Promise<Verify>][] = [
  ['TypeScript', inTypeScript],
  ...(python ? [['Python', () => inPython(python)] as [string, () => Promise<Verify>]] : []),
]

describe.each(languages)('the example of docs/webhooks.md in %s', (_, prepare) => {
  let receiver: Receiver
  let verify: Verify
  beforeAll(async () => {
    receiver = await startReceiver()
    verify = await prepare()
  })
  afterAll(() => receiver.close())

  const secret = 'a-secret-of-24-characters'
  const next = `whsec_${Buffer.from('0123456789012345678901234567890!').toString('base64')}`

  /** What is sent, as it came. */
  async function sent(secrets: string[], body: string): Promise<Question> {
    const { signal } = new AbortController()
    await attempt(
      { payer: 'tenant', url: receiver.url, secrets, id: 'an-id', body },
      { isReachable: () => true, timeLimitMilliseconds: 10_000, signal },
    )
    const { headers, body: came = '' } = receiver.received.at(-1) ?? {}
    const own = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)])
    return { headers: Object.fromEntries(own), body: came, secret }
  }

  it('takes what is ours, by either secret, and nothing else', async () => {
    const body = '{"call":{"caller":{"name":"Zürich 😀"}}}'
    const one = await sent([secret], body)
    const both = await sent([secret, next], body)
    const ours = [one, both, { ...both, secret: next }]
    expect(await verify(ours)).toEqual([true, true, true])
    const changed = (name: string, value: string) => ({
      ...one,
      headers: { ...one.headers, [name]: value },
    })
    const now = Number(one.headers['webhook-timestamp'])
    const { 'webhook-signature': signature = '', ...unsigned } = one.headers
    const foreign: Question[] = [
      { ...one, secret: `${secret}!` },
      { ...one, secret: next },
      { ...one, body: `${body} ` },
      changed('webhook-id', 'another-id'),
      changed('webhook-timestamp', String(now + 1)),
      changed('webhook-timestamp', 'now'),
      changed('webhook-timestamp', ''),
      changed('webhook-signature', ''),
      changed('webhook-signature', `${signature.slice(0, 10)}`),
      changed('webhook-signature', 'v1,ü'),
      { ...one, headers: unsigned },
      { ...one, headers: {} },
    ]
    expect(await verify(foreign)).toEqual(foreign.map(() => false))
  })

  it('takes what is up to five minutes old, and nothing older', async () => {
    const { createHmac } = await import('node:crypto')
    const at = (seconds: number): Question => {
      const timestamp = String(Math.floor(Date.now() / 1_000) + seconds)
      const hmac = createHmac('sha256', secret).update(`an-id.${timestamp}.{}`)
      return {
        headers: {
          'webhook-id': 'an-id',
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${hmac.digest('base64')}`,
        },
        body: '{}',
        secret,
      }
    }
    const ages = [-280, 280, -320, 330]
    expect(await verify(ages.map(at))).toEqual([true, true, false, false])
  })
})

describe('docs/webhooks.md', () => {
  it('says the figures that hold', () => {
    const { retrySeconds, timeLimitMilliseconds } = senderTimes
    expect(page).toContain('5 s, 30 s, 2 min, 10 min, 1 h, 3 h, then every 6 h')
    expect(retrySeconds).toEqual([5, 30, 120, 600, 3_600, 10_800, 21_600, 21_600, 21_600])
    expect(retrySeconds.reduce((sum, one) => sum + one, 0) / 3_600).toBeCloseTo(22, 0)
    expect(page).toContain(`within ${timeLimitMilliseconds / 1_000} s`)
    expect(page).toContain(`At most ${keptMax.waiting.toLocaleString('en')} wait`)
    expect(page).toContain(
      `${keptMax.parked.toLocaleString('en')} are kept, for ${parkedDaysMax} days`,
    )
    expect(webhooksMax).toBe(10)
  })

  it('explains every failure that is shown', () => {
    const codes = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'CERT_HAS_EXPIRED', 'ENOTFOUND', 'HPE_X']
    const errors: Error[] = codes.map((code) => Object.assign(new Error(), { code }))
    errors.push(Object.assign(new Error(), { name: 'TimeoutError' }))
    const shown = [true, false].flatMap((isPrivate) =>
      errors.map((error) => wordsFor(error, { seconds: 10, isPrivate })),
    )
    for (const words of new Set(shown)) {
      expect(page).toContain(`| ${words.replace(/: [A-Z_]+\.$/, ': …')} |`)
    }
  })
})
