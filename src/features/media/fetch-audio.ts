import type { IncomingMessage } from 'node:http'
import { gather } from '../../documents/upload.ts'
import { type Asking, askOutside, type Told } from '../../outbound/ask.ts'
import { examine, type Recording } from '../announcements/wave.ts'

/** What lets a server say that nothing has changed. */
export interface Validators {
  etag: string | null
  lastModified: string | null
}

export interface FetchOptions extends Asking {
  /** Bytes of the largest file. */
  bytesMax: number
  /** Those of what is there already. */
  known?: Validators
}

export interface Fetched extends Validators {
  recording: Recording
}

/** Longer ones are not kept: what a server sends there is its own business, but ours to store. */
const validatorLengthMax = 256

function headersFor({ etag, lastModified }: Partial<Validators>): Record<string, string> {
  return {
    accept: 'audio/*, */*;q=0.1',
    ...(etag && { 'if-none-match': etag }),
    ...(lastModified && { 'if-modified-since': lastModified }),
  }
}

/** @throws Error that tells what of an answer is not as it must be. */
function requireFile({ statusCode, headers }: IncomingMessage, bytesMax: number): void {
  if (statusCode !== 200) throw new Error(`The answer was ${statusCode}.`)
  const coding = headers['content-encoding'] ?? 'identity'
  if (coding !== 'identity') throw new Error('The answer is compressed, which was not asked for.')
  if (Number(headers['content-length'] ?? 0) > bytesMax) {
    throw new Error(`The file is larger than ${bytesMax} bytes.`)
  }
}

function validatorsOf({ headers }: IncomingMessage): Validators {
  const kept = (text: string | undefined) =>
    text !== undefined && text.length <= validatorLengthMax ? text : null
  return { etag: kept(headers.etag), lastModified: kept(headers['last-modified']) }
}

async function read({ response, body }: Told, bytesMax: number): Promise<Fetched> {
  requireFile(response, bytesMax)
  const recording = await examine(await gather(body, 'audio', bytesMax))
  if (recording.flaw !== undefined) throw new Error(`It cannot be played: ${recording.flaw}.`)
  return { recording, ...validatorsOf(response) }
}

/**
 * Fetches audio from an address that a tenant names, as far as it may be asked and every switch can play what comes.
 *
 * @returns undefined where what is known is still so.
 * @throws as `askOutside()` does; Error that tells why there is none.
 */
export async function fetchAudio(
  text: string,
  { bytesMax, known, ...asking }: FetchOptions,
): Promise<Fetched | undefined> {
  const sent = { method: 'GET', headers: headersFor(known ?? {}) } as const
  return askOutside(text, { ...asking, ...sent }, async (told) => {
    const isUnchanged = told.response.statusCode === 304 && Object.values(known ?? {}).some(Boolean)
    return isUnchanged ? undefined : read(told, bytesMax)
  })
}
