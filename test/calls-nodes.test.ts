import { describe, expect, it } from 'vitest'
import type { CallerSeen, Seen } from '../failures/calls/cluster-parties.ts'
import { playOnCluster } from '../failures/calls/cluster-play.ts'
import { calledFor } from '../failures/calls/cluster-router.ts'
import { scenarios } from '../failures/calls/cluster-scenarios.ts'
import { isGood, judge } from '../failures/calls/cluster-verdict.ts'
import { canPlayCalls } from './programs.ts'

describe.skipIf(!canPlayCalls())('calls of two nodes with two engines', () => {
  // `npm run failures:nodes` does more at length.
  it.each(['a node is killed', 'nodes are stopped and started one after another'])(
    'end once and as they are recorded, and only by who hangs up: %s',
    async (name) => {
      const scenario = scenarios.find((one) => one.name === name)
      if (!scenario) throw new Error(`There is no '${name}'.`)
      const complaints: string[] = []
      const load = { callsPerSecond: 4, seconds: 24, calmSeconds: 3 }
      const verdict = await playOnCluster(scenario, load, (text) => complaints.push(text))
      expect(isGood(verdict), [JSON.stringify(verdict), ...complaints].join('\n')).toBe(true)
      expect(verdict.calls).toBeGreaterThan(80)
      expect(verdict.answered).toBeGreaterThan(40)
    },
    180_000,
  )
})

describe('the verdict on calls of two nodes', () => {
  const caller = {
    number: '+417900',
    engine: 0,
    invitedAt: 10_000,
    status: 200,
    answeredAt: 10_100,
  }
  const leg = { number: calledFor('+417900'), invitedAt: 11_000, status: 200, answeredAt: 11_300 }
  const answered = { outcome: 'answered', reason: '' }
  const judged = (seen: Partial<CallerSeen>, legs: Seen[], records: (typeof answered)[]) => {
    const known = {
      callers: [{ ...caller, ...seen }],
      answerers: legs,
      records: new Map([['+417900', records]]),
    }
    const moments = { strikeAt: 5_000, loadUntil: 60_000 }
    const others = { struck: { engines: [] }, left: 0, surprises: 0 }
    const { lost, doubled, stuck, wronglyRecorded } = judge(
      '',
      { ...known, ...moments, ...others },
      () => {},
    )
    return { lost, doubled, stuck, wronglyRecorded }
  }
  const none = { lost: 0, doubled: 0, stuck: 0, wronglyRecorded: 0 }
  const leftBy = { ...leg, endedAt: 16_000, hasHungUp: true }
  const ended = { endedAt: 16_010, hasHungUp: false }

  it.each<[string, object, ReturnType<typeof judged>]>([
    ['one that is answered', none, judged(ended, [leftBy], [answered])],
    [
      'one that nobody ended',
      { ...none, lost: 1 },
      judged(ended, [], [{ ...answered, outcome: 'abandoned' }]),
    ],
    [
      'one that was torn from the other side',
      { ...none, lost: 1 },
      judged(
        { ...ended, endedAt: 30_000 },
        [
          { ...leftBy, hasHungUp: false },
          { ...leftBy, invitedAt: 20_000, answeredAt: 20_300, endedAt: 29_900 },
        ],
        [answered],
      ),
    ],
    [
      'one that was refused',
      { ...none, lost: 1 },
      judged({ status: 503, invitedAt: 1_000, endedAt: 1_050 }, [], []),
    ],
    ['one of two records', { ...none, doubled: 1 }, judged(ended, [leftBy], [answered, answered])],
    [
      'one with two at once',
      { ...none, doubled: 1 },
      judged(ended, [leftBy, { ...leftBy, invitedAt: 11_100 }], [answered]),
    ],
    ['one that does not end', { ...none, stuck: 1 }, judged({}, [leftBy], [answered])],
    ['one without a record', { ...none, wronglyRecorded: 1 }, judged(ended, [leftBy], [])],
    [
      'one that is recorded otherwise',
      { ...none, wronglyRecorded: 1 },
      judged(ended, [leftBy], [{ ...answered, outcome: 'abandoned' }]),
    ],
  ])('counts %s', (_, expected, verdict) => expect(verdict).toMatchObject(expected))
})
