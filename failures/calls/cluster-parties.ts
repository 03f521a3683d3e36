import { type SipMessage, type SipParty, startAnswerer, startCaller } from '../../test/sip.ts'
import { calledFor, callerPrefix } from './cluster-router.ts'
import type { Cluster } from './cluster-stage.ts'
import { numberOf } from './stage.ts'

/** Milliseconds after which whoever is called answers, and how long they speak. */
const ringMilliseconds = 300
const speakMilliseconds = 5_000

/** Hotline whose calls are offered at once, and the one whose calls wait. */
export const routed = 0
export const left = 1

/** Seconds after which those are offered too: SIPp is silent, and Asterisk ends who is for a minute (`rtp_timeout`). */
export const leftSeconds = 40

/** What callers are like, and how many of ten. */
const kinds = [
  { kind: 'speaks until the other hangs up', of10: 5, hotline: routed },
  { kind: 'hangs up first', of10: 3, hotline: routed, hangUpAfterMilliseconds: 3_500 },
  { kind: 'gives up waiting', of10: 1, hotline: left, hangUpAfterMilliseconds: 4_000 },
  { kind: 'waits', of10: 1, hotline: left },
] as const

/** What one side saw of a call; moments are milliseconds since 1970. */
export interface Seen {
  /** The caller's, or whom the caller is connected with. */
  number: string
  invitedAt: number
  /** Final answer to the invitation. */
  status?: number
  answeredAt?: number
  endedAt?: number
  /** Whoever saw it hung up; else it was told so. */
  hasHungUp?: boolean
}

export interface CallerSeen extends Seen {
  engine: number
}

export interface Parties {
  /** Ends all of them, and tells what they saw. */
  finish(): Promise<{ callers: CallerSeen[]; answerers: Seen[] }>
}

/** What a message adds to what is known of its call. @param isSentBy whether whoever saw it invited. */
function note(seen: Seen, { at, isSent, method, status, headers }: SipMessage, isCaller: boolean) {
  if (status !== undefined && headers.cseq?.endsWith('INVITE')) {
    if (status < 200 || seen.status !== undefined || isSent === isCaller) return
    seen.status = status
    if (status === 200) seen.answeredAt = at
    else seen.endedAt ??= at
  } else if (method === 'BYE' || method === 'CANCEL') {
    seen.endedAt ??= at
    seen.hasHungUp ??= isSent
  }
}

const numberIn = (text = '') => /sip:(\+\d+)@/.exec(text)?.[1] ?? ''

function seenBy(party: SipParty, isCaller: boolean): Seen[] {
  const calls = new Map<string, Seen>()
  for (const message of party.messages()) {
    const callId = message.headers['call-id'] ?? ''
    const known = calls.get(callId)
    if (known) note(known, message, isCaller)
    else if (message.method === 'INVITE') {
      const number = numberIn(isCaller ? message.headers.from : message.uri)
      calls.set(callId, { number, invitedAt: message.at })
    }
  }
  return [...calls.values()]
}

/** Has callers call both engines at a steady pace. */
export async function startParties(
  { engines, answererPort }: Cluster,
  { callsPerSecond, seconds }: { callsPerSecond: number; seconds: number },
): Promise<Parties> {
  const answerer = await startAnswerer({
    port: answererPort,
    ringMilliseconds,
    hangUpAfterMilliseconds: speakMilliseconds,
  })
  const callers = await Promise.all(
    engines.flatMap(({ sip }, engine) =>
      kinds.map(async ({ of10, hotline, ...script }, kind) => {
        const rate = (callsPerSecond / engines.length) * (of10 / 10)
        const party = await startCaller(sip, {
          ...script,
          dial: numberOf(hotline),
          from: `<sip:${callerPrefix}${engine * kinds.length + kind}[call_number]@[local_ip]>`,
          calls: Math.max(1, Math.round(rate * seconds)),
          callsPerSecond: rate,
        })
        return { party, engine }
      }),
    ),
  )
  return {
    async finish() {
      await Promise.all([answerer, ...callers.map(({ party }) => party)].map((one) => one.stop()))
      const seen = callers.flatMap(({ party, engine }) =>
        seenBy(party, true).map((caller) => ({ ...caller, engine })),
      )
      return { callers: seen, answerers: seenBy(answerer, false) }
    },
  }
}

/** The legs of those who were rung for a caller, in order. */
export function legsOf({ number }: Seen, answerers: readonly Seen[]): Seen[] {
  const wanted = calledFor(number)
  return answerers
    .filter((leg) => leg.number === wanted)
    .sort((one, other) => one.invitedAt - other.invitedAt)
}
