import type { LegEnd } from '../engines/engine.ts'

/** What Asterisk tells of a channel's end: a cause of Q.850, and the SIP status where there was one. */
export interface ChannelEnd {
  cause: number
  status: number | undefined
}

/**
 * How a telephone that did not answer ended, by the SIP status; what was tried is in `ends.test.ts`. Causes alone confuse 403 with 603 (21)
 * and 404 with 604 (1). Asterisk tells 480 for a telephone that says so and for one that rang until its own limit.
 */
const byStatus: Record<number, LegEnd> = {
  300: 'redirected',
  301: 'redirected',
  302: 'redirected',
  305: 'redirected',
  380: 'redirected',
  401: 'forbidden',
  402: 'forbidden',
  403: 'forbidden',
  404: 'unknown',
  407: 'forbidden',
  408: 'unavailable',
  410: 'unknown',
  416: 'unknown',
  480: 'unavailable',
  484: 'unknown',
  485: 'unknown',
  486: 'busy',
  502: 'unreachable',
  503: 'unreachable',
  504: 'unreachable',
  600: 'busy',
  603: 'declined',
  604: 'unknown',
  607: 'declined',
  608: 'forbidden',
}

/** Where there was no SIP status, as on other technologies. */
const byCause: Record<number, LegEnd> = {
  1: 'unknown',
  2: 'unreachable',
  3: 'unreachable',
  17: 'busy',
  18: 'unavailable',
  19: 'unavailable',
  20: 'unreachable',
  21: 'declined',
  22: 'unknown',
  23: 'redirected',
  27: 'unreachable',
  28: 'unknown',
}

/** How a telephone ended that nobody answered. */
export function endOf({ cause, status }: ChannelEnd): LegEnd {
  if (status !== undefined && status !== 0) return byStatus[status] ?? 'failed'
  return byCause[cause] ?? 'failed'
}

/** Of several telephones of one person: what the person did tells more than what a telephone did, and that more than a network. */
const byMeaning: readonly LegEnd[] = [
  'hungUp',
  'declined',
  'busy',
  'forbidden',
  'unavailable',
  'redirected',
  'unknown',
  'unreachable',
  'failed',
]

/** The end that tells most. */
export function mostMeaningful(ends: readonly LegEnd[]): LegEnd {
  return byMeaning.find((end) => ends.includes(end)) ?? 'failed'
}

/** Whether a telephone's end is its person's word for all of their telephones (RFC 3261, 16.7: a 6xx ends a search). */
export function isForAll({ status = 0 }: ChannelEnd): boolean {
  return status >= 600 && status < 700
}
