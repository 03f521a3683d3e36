import { canonicalAddress, isPublic } from '../../addresses.ts'
import { Refusal } from '../../errors.ts'
import { askOutside, type Told, Unreachable } from '../../outbound/ask.ts'
import { signaturesOf } from './signature.ts'

/** What is sent, and where. */
export interface Letter {
  /** The tenant whose it is. */
  payer: string
  url: string
  secrets: readonly string[]
  /** The same at each attempt. */
  id: string
  body: string
}

export interface AttemptOptions {
  isReachable(address: string): boolean
  timeLimitMilliseconds: number
  signal: AbortSignal
}

/** What became of an attempt. */
export type Outcome =
  | { became: 'delivered' }
  /** @param isFinal the receiver wants it never again. */
  | { became: 'failed'; why: string; isFinal: boolean }
  /** It says nothing of the receiver: it is to be done again. */
  | { became: 'nothing' }

/** Bytes of an answer that are waited for, so that its sender can end it; they are thrown away. */
const answerBytesMax = 65_536

/** Gone: who answers so wants no more of this. */
const gone = 410

/** What certificates are refused for: the code tells it, the message would tell names that are in them. */
const certificateCodes =
  /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_|UNABLE_TO_(?:GET|VERIFY)_)\w*$/

const connectionWords: Record<string, string> = {
  ECONNREFUSED: 'The connection was refused.',
  ECONNRESET: 'The connection was broken off.',
  EPIPE: 'The connection was broken off.',
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Whether a name is nobody's; in other words it would tell which names there are that others may not know. */
function isUnknownName(error: unknown): boolean {
  return error instanceof Unreachable || /^(?:ENOTFOUND|EAI_|ENODATA)/.test(codeOf(error))
}

/** What is broken off has the time limit for its cause. */
function isTimeLimit(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'TimeoutError' || isTimeLimit(error.cause)
}

/**
 * Why there was no answer, in words for whoever administers the group. Of an address that is not public they tell nothing but that: what
 * stands there is not theirs to find out.
 *
 * @param seconds the time limit.
 */
export function wordsFor(
  error: unknown,
  { seconds, isPrivate }: { seconds: number; isPrivate: boolean },
): string {
  if (isUnknownName(error)) return new Unreachable().message
  if (isPrivate) return 'There was no answer.'
  if (isTimeLimit(error)) return `There was no answer within ${seconds} s.`
  const code = codeOf(error)
  if (certificateCodes.test(code)) return `Its certificate was refused: ${code}.`
  return connectionWords[code] ?? 'There was no answer that could be understood.'
}

function judge(status: number): Outcome {
  if (status >= 200 && status < 300) return { became: 'delivered' }
  const isRedirect = status >= 300 && status < 400
  const why = `It answered ${status}${isRedirect ? ', and redirects are not followed' : ''}.`
  return { became: 'failed', why, isFinal: status === gone }
}

async function passOver(body: Told['body']): Promise<void> {
  let bytes = 0
  try {
    for await (const piece of body) {
      bytes += piece.length
      if (bytes > answerBytesMax) return
    }
  } catch {
    // It has said already that it has it.
  }
}

async function read({ response, body }: Told): Promise<Outcome> {
  const outcome = judge(response.statusCode ?? 0)
  if (outcome.became === 'delivered') await passOver(body)
  return outcome
}

/** Sends a letter once. */
export async function attempt(
  { payer, url, secrets, id, body }: Letter,
  { isReachable, timeLimitMilliseconds, signal }: AttemptOptions,
): Promise<Outcome> {
  const timestamp = Math.floor(Date.now() / 1_000)
  let isPrivate = false
  const sent = {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signaturesOf({ id, timestamp, body }, secrets),
    },
    body,
  } as const
  const asking = {
    payer,
    timeLimitMilliseconds,
    signal,
    isReachable(address: string) {
      isPrivate ||= !isPublic(canonicalAddress(address) ?? address)
      return isReachable(address)
    },
  }
  try {
    return await askOutside(url, { ...asking, ...sent }, read)
  } catch (error) {
    if (signal.aborted || error instanceof Refusal) return { became: 'nothing' }
    const seconds = timeLimitMilliseconds / 1_000
    return { became: 'failed', why: wordsFor(error, { seconds, isPrivate }), isFinal: false }
  }
}
