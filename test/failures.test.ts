import { describe, expect, it } from 'vitest'
import { play } from '../failures/play.ts'
import { scenarios } from '../failures/scenarios.ts'
import { judge } from '../failures/verdict.ts'
import { type Engine, engines } from './engines.ts'
import { createWorld } from './world.ts'

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

it('count a creation that was acknowledged once and applied twice, and one that is lost', async () => {
  const world = await createWorld(engines[0] as Engine)
  for (let time = 0; time < 2; time += 1) {
    await world.ask('system', 'POST', '/api/v1/tokens/', { name: 'twice' })
  }
  const attempt = { kind: 'creation', acknowledged: true, routePoint: 0, order: 1 } as const
  const verdict = await judge('', world.database, {
    values: new Map([
      ['twice', attempt],
      ['lost', attempt],
    ]),
    surprises: [],
    acknowledged: () => 2,
    secondsWithoutService: () => 0,
    slowestAnswerSeconds: () => 0,
    stop: async () => {},
  })
  expect(verdict).toMatchObject({ acknowledged: 2, found: 1, lost: 1, appliedTwice: 1 })
  await world.close()
})

it('plays each scenario that it names', () => {
  expect(scenarios.map(({ name }) => name)).toEqual(expect.arrayContaining(short))
})
