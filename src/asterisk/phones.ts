import type { EngineConfiguration } from '../engines/configuration.ts'
import { anonymous, type Dialling, type Party } from '../engines/engine.ts'

/** Characters of a name or number that telephones are shown; more fit no display. */
const shownCharactersMax = 64

/** A telephone rings no longer, whoever forgets it: SIP's own limit (RFC 3261, timer C). */
export const ringSecondsMax = 180

/** A name as a telephone may show it: on one line, and not without end. */
function shownName(name: string): string {
  const line = name
    .slice(0, 4 * shownCharactersMax)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  return [...line].slice(0, shownCharactersMax).join('')
}

/** A number as the user of a SIP URI: what else a caller's side wrote there is left out. */
function shownNumber(number: string): string {
  return number.slice(0, shownCharactersMax).replaceAll(/[^\w.+*#-]/g, '')
}

/** What Asterisk shows a dialled telephone as the calling one. */
function partyVariables({ name, number }: Party): Record<string, string> {
  const isAnonymous = name === anonymous.name && number === anonymous.number
  return {
    // By which SIP tells that somebody is there who is not to be named.
    ...(isAnonymous && { 'CONNECTEDLINE(pres)': 'prohib' }),
    'CONNECTEDLINE(name)': shownName(name),
    'CONNECTEDLINE(num)': shownNumber(number),
  }
}

/** The body of the request that makes a telephone's channel, before it is dialled. */
export function phoneBody(
  { application, callSecondsMax }: Pick<EngineConfiguration, 'application' | 'callSecondsMax'>,
  { from, alertInfo, callInfo, callId }: Dialling,
  { channel, dialString }: { channel: string; dialString: string },
): Record<string, unknown> {
  return {
    endpoint: dialString,
    app: application,
    channelId: channel,
    variables: {
      ...claimVariables(callId, callSecondsMax),
      ...partyVariables(from),
      ...(alertInfo !== undefined && { 'PJSIP_HEADER(add,Alert-Info)': alertInfo }),
      ...(callInfo !== undefined && { 'PJSIP_HEADER(add,Call-Info)': callInfo }),
    },
  }
}

/** What tells a leg's call to whoever looks at the engine, and ends it whatever happens to us. */
export function claimVariables(callId: string, secondsMax: number): Record<string, string> {
  return { POINTSMAN_CALL: callId, 'TIMEOUT(absolute)': String(secondsMax) }
}
