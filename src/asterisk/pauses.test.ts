import { describe, expect, it } from 'vitest'
import { createPauses } from './pauses.ts'

const never = { heldMilliseconds: 0, isSteppedDown: false }
const held = { heldMilliseconds: 3_600_000, isSteppedDown: false }
const steppedDown = { heldMilliseconds: 0, isSteppedDown: true }

/** Without a lot. */
const most = () => 1

describe('the pause before an engine is asked again', () => {
  it('doubles up to 10 s, and never ends', () => {
    const pause = createPauses(most)
    const pauses = Array.from({ length: 1_000 }, () => pause(never))
    expect(pauses.slice(0, 8)).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
    expect(pauses.at(-1)).toBe(10_000)
  })

  it('is short again after a connection that held, however long it had taken to make it', () => {
    const pause = createPauses(most)
    for (let times = 0; times < 10; times += 1) pause(never)
    expect([pause(held), pause(never)]).toEqual([200, 400])
  })

  it('is not short after connections that break at once', () => {
    const pause = createPauses(most)
    const brief = { heldMilliseconds: 10_000, isSteppedDown: false }
    expect([pause(brief), pause(brief), pause(brief)]).toEqual([200, 400, 800])
  })

  it('is half a minute after another program took over, or for a version that is not served', () => {
    const pause = createPauses(most)
    expect([pause(steppedDown), pause(steppedDown), pause(never)]).toEqual([30_000, 30_000, 800])
  })

  it('is drawn by lot between half of it and all of it', () => {
    expect(createPauses(() => 0)(never)).toBe(100)
    expect(createPauses(() => 0.5)(never)).toBe(150)
  })
})
