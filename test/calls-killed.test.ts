import { describe, expect, it } from 'vitest'
import { isGood, playKill } from '../failures/calls/kill.ts'
import { canPlayCalls } from './programs.ts'

describe.skipIf(!canPlayCalls())('calls of a node that is killed', () => {
  // `npm run failures:calls` does it at length.
  it('wait, ring and speak on, and each ends once', { timeout: 120_000 }, async () => {
    const verdict = await playKill(10)
    expect(verdict).toMatchObject({ waiting: 4, ringing: 2, connected: 4, left: 4 })
    expect(isGood(verdict), JSON.stringify(verdict)).toBe(true)
  })
})
