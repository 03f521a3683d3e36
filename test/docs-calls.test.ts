import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { endOf } from '../src/asterisk/ends.ts'
import { readEngines } from '../src/engines/configuration.ts'
import { causes, type LegEnd } from '../src/engines/engine.ts'
import { outcomes } from '../src/features/calls/call.ts'
import { dialledMax } from '../src/features/calls/find.ts'
import { nameCharactersMax, numberCharactersMax } from '../src/features/calls/live/arrivals.ts'
import { createBackOff, pauseSeconds } from '../src/features/calls/live/back-off.ts'
import { holdMilliseconds, takeoverMilliseconds } from '../src/features/calls/live/leases/duty.ts'
import { presenceSecondsMax } from '../src/features/calls/live/presence.ts'
import { arrivalsMax } from '../src/features/calls/live/switchboard.ts'
import { daysMax, intervalsMax } from '../src/features/calls/records/figures-query.ts'
import { soonSeconds } from '../src/features/calls/records/measures.ts'
import { looksMax } from '../src/features/calls/records/pages.ts'
import { digitsMin } from '../src/features/calls/records/query.ts'
import { figuresMax } from '../src/features/calls/records/serve-figures.ts'
import { CallFigures } from '../src/features/calls/records/shown-figures.ts'
import { announcementSecondsMax } from '../src/features/calls/treatment/announcing.ts'
import {
  alikeMax,
  causesOfEnds,
  forwardingSecondsMax,
  hopsMax,
} from '../src/features/calls/treatment/forwarding.ts'
import { ringSeconds } from '../src/features/calls/treatment/offering.ts'
import { busySecondsMax, ringingSecondsMax } from '../src/features/calls/treatment/overflow.ts'
import { musicSeconds } from '../src/features/calls/treatment/waiting.ts'
import { settings } from '../src/features/route-points/settings/index.ts'
import { createAsteriskWorld } from './asterisk-world.ts'
import { engines } from './engines.ts'
import { codeIn, readPage, rowsOf as rowsIn } from './pages.ts'
import { canPlayCalls } from './programs.ts'
import { routePoint } from './world.ts'

const page = readPage('docs/calls.md')

const rowsOf = (heading: string, table?: number) => rowsIn(page, heading, table)

/** The SIP status of each cause, as the engine's interface tells it. */
const statuses = Object.fromEntries(
  [...readPage('src/engines/engine.ts').matchAll(/\/\*\* (\d{3}) \*\/\n +(\w+): \d+,/g)].map(
    ([, status, name = '']) => [name, Number(status)],
  ),
)

const statusOf = (cause: number) => {
  const [name = ''] = Object.entries(causes).find(([, number]) => number === cause) ?? []
  return statuses[name]
}

/** Seconds that an agent whose telephone fails again and again is left alone. */
function backOffs(): number[] {
  const backOff = createBackOff(() => 0)
  return Array.from({ length: 20 }, () => {
    backOff.failed('agent')
    return backOff.secondsLeft('agent')
  })
}

async function callSecondsMax(): Promise<number | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-docs-'))
  writeFileSync(join(folder, 'password'), 'a secret')
  const engine = {
    ...{ name: 'a', url: 'http://127.0.0.1', username: 'a', passwordFile: 'password' },
    ...{ country: 'BE', agents: 'PJSIP/{user}', numbers: 'PJSIP/{number}@trunk' },
    media: { url: 'http://127.0.0.1' },
  }
  writeFileSync(join(folder, 'engines.json'), JSON.stringify([engine]))
  const [read] = await readEngines(join(folder, 'engines.json'))
  rmSync(folder, { recursive: true })
  return read?.callSecondsMax
}

/** A number in the configuration that operators get. */
const configured = (file: string, name: string) =>
  Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(readPage(`deploy/asterisk/${file}`))?.[1])

describe('docs/calls.md', () => {
  it('has the figures of the code and of the configuration', async () => {
    const told = Object.fromEntries(
      rowsOf('Figures').map(([what, seconds]) => [what, Number(seconds)]),
    )
    expect(told).toEqual({
      'a ring': ringSeconds,
      presence: presenceSecondsMax,
      'ringing at a destination': forwardingSecondsMax,
      'ringing on overflow': ringingSecondsMax,
      'busy tone': busySecondsMax,
      announcement: announcementSecondsMax,
      'music again': musicSeconds,
      'agent’s back-off, first': backOffs()[0],
      'agent’s back-off, longest': Math.max(...backOffs()),
      'after a withdrawal': pauseSeconds,
      lease: holdMilliseconds / 1_000,
      takeover: takeoverMilliseconds / 1_000,
      'life of a call': await callSecondsMax(),
      'until taken': configured('extensions.conf', 'SECONDS_UNTIL_TAKEN'),
      'silent leg': configured('pjsip.conf', 'rtp_timeout'),
      'silent leg on hold': configured('pjsip.conf', 'rtp_timeout_hold'),
    })
  })

  it('has the limits of the code', () => {
    expect(page).toContain(`sent on by ${hopsMax} route points at most`)
    const { withNumber, withoutNumber } = alikeMax
    expect(page).toContain(`${withNumber} calls of one number may ring`)
    expect(page).toContain(`and ${withoutNumber} of callers without a number`)
    expect(page).toContain(`While ${arrivalsMax} calls are arriving at once`)
    expect(page).toContain(
      `kept to ${nameCharactersMax} characters and a number to ${numberCharactersMax};`,
    )
    expect(page).toContain(`A text of ${dialledMax + 1} characters or more is not looked up`)
  })

  it('tells of every way in which a call ends', () => {
    const told = rowsOf('How a call ends, and what is kept').map(([outcome]) => codeIn(outcome))
    expect(told.flat()).toEqual([...outcomes])
  })

  it('has the limits of records and figures', () => {
    const [covered, read] = [looksMax.covered, looksMax.read].map((most) =>
      most.toLocaleString('en'),
    )
    expect(page).toContain(
      `A page looks at ${covered} records at most, or ${read} of those that an`,
    )
    expect(page).toContain(`behind ${digitsMin} digits or more`)
    const [intervals, rows, days] = [intervalsMax, figuresMax, daysMax.together].map((most) =>
      most.toLocaleString('en'),
    )
    expect(page).toContain(
      `${intervals} intervals and ${rows} rows at most, of ${days} days at most`,
    )
    expect(page).toContain(`${daysMax.hours} days at most, and ${daysMax.quarters} where not`)
    expect(page).toContain(`had waited ${soonSeconds} s at most`)
  })

  it('tells of every figure', () => {
    const [, part = ''] = page.split('### Figures of calls\n')
    const told = part.match(/^\| `.*? \|/gm)?.flatMap((cell) => codeIn(cell)) ?? []
    const shown = Object.keys(CallFigures.properties)
    const names = ['from', 'to', 'dnis', 'agent', 'code', 'codeLevel']
    expect(new Set(told)).toEqual(new Set(shown.filter((name) => !names.includes(name))))
  })

  it('tells each cause with its number and the SIP status that callers get', () => {
    const told = rowsOf('What callers are told').map(([cause, number, status]) => [
      ...codeIn(cause),
      Number(number),
      Number(status),
    ])
    const all = Object.entries(causes).map(([name, number]) => [name, number, statuses[name]])
    expect(told).toEqual(all)
  })

  it.skipIf(!canPlayCalls())(
    'tells what a caller is told whose call is released',
    async () => {
      const [engine] = engines
      if (!engine) throw new Error('There is no database.')
      const world = await createAsteriskWorld(engine)
      try {
        await world.put('', { queueLength: 0 })
        await world.put('overflow/', { action: 'Ringing' })
        for (const cause of ['normal', 'busy', 'noAnswer', 'rejected', 'congestion']) {
          const caller = await world.call()
          const { callId } = await world.callIn('overflowed')
          await world.ask('groupAdmin', 'POST', `${routePoint}calls/${callId}/release/`, { cause })
          const { status } = await caller.finalAnswer()
          expect(
            rowsOf('What callers are told').map(([name, , told]) => [name, told]),
          ).toContainEqual([`\`${cause}\``, String(status)])
          await world.outcomes()
        }
      } finally {
        await world.close()
      }
    },
    60_000,
  )

  it('tells how an offer ends by every SIP status', () => {
    const told = rowsOf('How an offer ends').flatMap(([end, by = '']) =>
      codeIn(end).flatMap((name) =>
        (by.match(/\b\d{3}\b/g) ?? []).map((status) => [name, Number(status)]),
      ),
    )
    const all = Array.from({ length: 400 }, (_, index) => 300 + index)
      .map((status) => [endOf({ cause: 0, status }), status])
      .filter(([how]) => how !== 'failed')
    const byStatus = (one: unknown[], other: unknown[]) => Number(one[1]) - Number(other[1])
    expect(told.sort(byStatus)).toEqual(all)
  })

  it('tells what callers hear of a destination that does not take their call', () => {
    const told = rowsOf('How an offer ends', 1).flatMap(([ends, status]) =>
      codeIn(ends).map((end) => [end, Number(status)]),
    )
    const all = (Object.keys(causesOfEnds) as LegEnd[]).map((end) => [
      end,
      statusOf(causesOfEnds[end]),
    ])
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(all))
  })

  it('says of every setting when a change takes effect', () => {
    const told = rowsOf('When a change takes effect').flatMap(([setting]) => codeIn(setting))
    expect(told).toEqual(expect.arrayContaining(settings.map(({ name }) => name)))
  })
})
