import { describe, expect, it } from 'vitest'
import { play } from '../failures/play.ts'
import { scenarios } from '../failures/scenarios.ts'

/** `npm run failures` plays them all, at length. */
const short = ['a node is killed', 'PostgreSQL restarts', 'all connections are cut']

describe.each(scenarios.filter(({ name }) => short.includes(name)))('while $name', (scenario) => {
  it('two nodes on one PostgreSQL lose no acknowledged write, apply none twice and answer nothing strange', {
    timeout: 120_000,
  }, async () => {
    const verdict = await play(scenario, { clients: 4, strikes: 1, writes: 50 })
    expect(verdict).toMatchObject({ lost: 0, appliedTwice: 0, surprises: 0 })
    expect(verdict.found).toBe(verdict.acknowledged)
    expect(verdict.acknowledged).toBeGreaterThanOrEqual(100)
  })
})

it('plays each scenario that it names', () => {
  expect(scenarios.map(({ name }) => name)).toEqual(expect.arrayContaining(short))
})
