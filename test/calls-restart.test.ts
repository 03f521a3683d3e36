import { describe, expect, it } from 'vitest'
import { isGood, playRestart } from '../failures/calls/restart.ts'
import { canPlayCalls } from './programs.ts'

describe.skipIf(!canPlayCalls())('calls of a node that is started again', () => {
  // `npm run failures:calls` does it at length.
  it.each([
    ['after kill -9', 'kill'],
    ['properly', 'stop'],
  ] as const)(
    'wait, ring and speak on, and each ends once: %s',
    async (_, way) => {
      const verdict = await playRestart(10, way)
      expect(verdict).toMatchObject({ waiting: 4, ringing: 2, connected: 4, left: 4 })
      expect(isGood(verdict), JSON.stringify(verdict)).toBe(true)
    },
    120_000,
  )
})
