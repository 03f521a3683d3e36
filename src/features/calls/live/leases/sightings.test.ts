import { expect, it } from 'vitest'
import { createSightings } from './sightings.ts'

/** Looks at another node, as time passes. */
function watched() {
  let time = 0
  const sightings = createSightings(() => time)
  return {
    sightings,
    pass(milliseconds: number, beat: number) {
      time += milliseconds
      sightings.see([{ session: 'other', beat }])
    },
  }
}

it('a node is silent for as long as it was watched without a beat', () => {
  const { sightings, pass } = watched()
  pass(0, 1)
  for (let second = 0; second < 3; second += 1) pass(1_000, 1)
  expect(sightings.silentMilliseconds('other')).toBe(3_000)
  pass(1_000, 2)
  expect(sightings.silentMilliseconds('other')).toBe(0)
  expect(sightings.knownMilliseconds('other')).toBe(4_000)
  expect(sightings.silentMilliseconds('stranger')).toBe(0)
})

it('nobody is taken for silent by a node that could not look for itself', () => {
  const { sightings, pass } = watched()
  pass(0, 1)
  pass(1_000, 1)
  // The database was away for all.
  pass(60_000, 1)
  expect(sightings.silentMilliseconds('other')).toBe(3_000)
})

it('an engine is free since it was first seen to be', () => {
  const { sightings, pass } = watched()
  expect(sightings.freeMilliseconds('zurich', true)).toBe(0)
  pass(2_000, 1)
  expect(sightings.freeMilliseconds('zurich', true)).toBe(2_000)
  expect(sightings.freeMilliseconds('zurich', false)).toBe(0)
  pass(2_000, 2)
  expect(sightings.freeMilliseconds('zurich', true)).toBe(0)
})
