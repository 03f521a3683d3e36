import { describe, expect, it } from 'vitest'
import type { LegEnd } from '../engines/engine.ts'
import { endOf, isForAll, mostMeaningful } from './ends.ts'

describe('how a telephone ended that nobody answered', () => {
  // The causes are those that Asterisk 22.10.1 gives beside each status.
  it.each<[what: string, cause: number, status: number | undefined, how: LegEnd]>([
    ['486 of a busy one', 17, 486, 'busy'],
    ['600, busy everywhere', 17, 600, 'busy'],
    ['603 of somebody who declines', 21, 603, 'declined'],
    ['607, an unwanted call', 21, 607, 'declined'],
    ['403 of a network, whose cause is that of 603', 21, 403, 'forbidden'],
    ['401 where it wants a password', 21, 401, 'forbidden'],
    ['407 where a proxy wants one', 21, 407, 'forbidden'],
    ['608 of an intermediary', 21, 608, 'forbidden'],
    ['404 of an unknown user', 1, 404, 'unknown'],
    ['604, unknown everywhere, whose cause is that of 404', 1, 604, 'unknown'],
    ['410 of one who has gone', 22, 410, 'unknown'],
    ['484 of half a number', 28, 484, 'unknown'],
    ['480 of one that is not available', 19, 480, 'unavailable'],
    ['480 that Asterisk tells for its own limit', 19, 480, 'unavailable'],
    ['408 of one that is silent', 18, 408, 'unavailable'],
    ['302 of one that would send the call on', 23, 302, 'redirected'],
    ['301 of one that has moved', 22, 301, 'redirected'],
    ['503 of an overloaded network', 34, 503, 'unreachable'],
    ['502 of a gateway', 38, 502, 'unreachable'],
    ['500 of one that has failed', 38, 500, 'failed'],
    ['488 without a codec in common', 58, 488, 'failed'],
    ['a status that nobody knows', 17, 499, 'failed'],
    ['no status, busy', 17, undefined, 'busy'],
    ['a status of 0, as of other technologies', 17, 0, 'busy'],
    ['no status, declined', 21, undefined, 'declined'],
    ['no status, no answer', 19, undefined, 'unavailable'],
    ['no status, no route', 3, undefined, 'unreachable'],
    ['no status, absent', 20, undefined, 'unreachable'],
    ['no status, an unknown number', 1, undefined, 'unknown'],
    ['no status, half a number', 28, undefined, 'unknown'],
    ['no status, redirected', 23, undefined, 'redirected'],
    ['no status and no cause', 0, undefined, 'failed'],
    ['no status and a cause that nobody knows', 9_999, undefined, 'failed'],
    ['a name that every object has', Number.NaN, undefined, 'failed'],
  ])('is read from %s', (_, cause, status, how) => {
    expect(endOf({ cause, status })).toBe(how)
  })
})

describe('of several telephones of one person', () => {
  it.each<[ends: LegEnd[], most: LegEnd]>([
    [['unavailable', 'busy', 'unreachable'], 'busy'],
    [['busy', 'declined'], 'declined'],
    [['declined', 'hungUp'], 'hungUp'],
    [['unavailable', 'forbidden'], 'forbidden'],
    [['redirected', 'unavailable'], 'unavailable'],
    [['unknown', 'redirected'], 'redirected'],
    [['unreachable', 'unknown'], 'unknown'],
    [['failed', 'unreachable'], 'unreachable'],
    [['failed', 'failed'], 'failed'],
    [['busy'], 'busy'],
    [[], 'failed'],
  ])('%j tell %s', (ends, most) => {
    expect(mostMeaningful(ends)).toBe(most)
    expect(mostMeaningful(ends.toReversed())).toBe(most)
  })

  it.each([
    [{ cause: 21, status: 603 }, true],
    [{ cause: 17, status: 600 }, true],
    [{ cause: 1, status: 604 }, true],
    [{ cause: 21, status: 403 }, false],
    [{ cause: 17, status: 486 }, false],
    [{ cause: 17, status: 700 }, false],
    [{ cause: 17, status: undefined }, false],
  ])('an end of %j speaks for all of them: %s', (end, isSo) => {
    expect(isForAll(end)).toBe(isSo)
  })
})
