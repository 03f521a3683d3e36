import { describe, expect, it } from 'vitest'
import { offeredCall, waitingCall } from '../../../test/treated-calls.ts'

describe('a call that is found again', () => {
  const there = { isAnswered: true, leg: 'absent', isConnected: false, isPlaying: true } as const

  it('goes on where everything is as it was', () => {
    const treated = waitingCall().goesThrough({ type: 'found', found: there })
    expect(treated.done()).toEqual([])
  })

  it('is answered and hears its music where that was not done any more', () => {
    const found = { ...there, isAnswered: false, isPlaying: false }
    const treated = waitingCall().goesThrough({ type: 'found', found })
    expect(treated.done()).toEqual(['answer', 'play'])
  })

  it('waits on where its agent is not rung', () => {
    const treated = offeredCall().goesThrough({ type: 'found', found: there })
    expect(treated.call.phase.name).toBe('waiting')
  })

  it('is connected where its agent has answered meanwhile, and where the bridge is not', () => {
    const found = { ...there, leg: 'answered' } as const
    const treated = offeredCall().goesThrough({ type: 'found', found })
    expect(treated.call.phase.name).toBe('connected')
    treated.done()
    treated.goesThrough({ type: 'found', found })
    // What was to end before maybe did not.
    expect(treated.done()).toEqual(['dissolve', 'stop', 'connect'])
    treated.goesThrough({ type: 'found', found: { ...found, isConnected: true } })
    expect(treated.done()).toEqual([])
    treated.goesThrough({ type: 'found', found: there })
    expect(treated.ending).toMatchObject({ outcome: 'answered' })
  })

  it('is let go again where it is over', () => {
    const treated = waitingCall().goesThrough({ type: 'released', cause: 17 })
    treated.done()
    treated.goesThrough({ type: 'found', found: there })
    expect(treated.actions).toEqual([{ do: 'release', cause: 17 }])
  })

  it('has failed where the engine does not have it, unless somebody spoke', () => {
    expect(waitingCall().goesThrough({ type: 'lost' }).ending).toMatchObject({ outcome: 'failed' })
    const spoke = offeredCall()
    spoke.goesThrough({ type: 'answered', leg: spoke.leg }, { type: 'lost' })
    expect(spoke.ending).toMatchObject({ outcome: 'answered', isGone: true })
  })
})
