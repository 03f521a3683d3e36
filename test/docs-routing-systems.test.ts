import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import openapi from '../openapi.json' with { type: 'json' }
import { ShownAgent } from '../src/features/calls/agents/agents.ts'
import { AgentEvent, CallEvent, CallSnapshot } from '../src/features/calls/events/event.ts'
import { presenceSecondsMax } from '../src/features/calls/live/presence.ts'
import { ShownCall, ToldCall } from '../src/features/calls/shown.ts'
import { createCallWorld } from './call-world.ts'
import { engines } from './engines.ts'
import { blocksOf, codeIn, expected, readPage, requireCurl, rowsOf } from './pages.ts'
import { group, password, routePoint } from './world.ts'

const page = readPage('docs/routing-systems.md')

const membersOf = ({ properties }: { properties: object }) => Object.keys(properties)
const valuesOf = (schema: object) => (schema as { enum: string[] }).enum

/** The paths of the API as the page writes them. */
function written(path: string): string {
  return path
    .replace(/^.*\/route_points\/\{\w+\}\//, 'rp/')
    .replace(/^.*\/groups\/\{group_id\}\//, '…/')
    .replace('{user_id}', '{user}')
    .replaceAll(/\{(\w+)_id\}/g, '{$1Id}')
}

describe('docs/routing-systems.md', () => {
  it('has every event, with its members', () => {
    const rows = rowsOf(page, 'Events')
    expect(rows.map(([event]) => codeIn(event)[0])).toEqual([
      'snapshot',
      ...valuesOf(CallEvent.properties.type),
      'agent.changed',
      'heartbeat',
      'reset',
    ])
    const besides = rows
      .filter(([event]) => event?.startsWith('`call.'))
      .flatMap(([, , members]) => codeIn(members))
    const everywhere = ['type', 'at', 'routePoint', 'call']
    for (const member of everywhere) expect(page).toContain(`\`${member}\``)
    expect(new Set([...everywhere, ...besides])).toEqual(new Set(membersOf(CallEvent)))
    const [[, , ofSnapshot] = []] = rows
    expect(codeIn(ofSnapshot)).toEqual(expect.arrayContaining(membersOf(CallSnapshot)))
    expect(membersOf(AgentEvent)).toEqual(['type', 'at', ...membersOf(ShownAgent)])
  })

  it('has every member of a call and of an agent, and every word that they can have', () => {
    const calls = rowsOf(page, 'A call')
    expect(calls.flatMap(([member]) => codeIn(member)).sort()).toEqual(membersOf(ShownCall).sort())
    expect(codeIn(calls[1]?.[1]).slice(0, -1)).toEqual(valuesOf(ToldCall.properties.state))
    const agents = rowsOf(page, 'An agent')
    expect(agents.flatMap(([member]) => codeIn(member))).toEqual(membersOf(ShownAgent))
    expect(codeIn(agents[1]?.[1])).toEqual(valuesOf(ShownAgent.properties.state))
    const [, how = ''] = /^`how` is one of ([\s\S]*?)\. `outcome`/m.exec(page) ?? []
    expect(codeIn(how)).toEqual(valuesOf(CallEvent.properties.how))
  })

  it('has every operation of routing systems', () => {
    const told = rowsOf(page, 'Operations').flatMap(([operation = '']) => {
      const words = codeIn(operation)
      const path = words.at(-1)?.split(' ').at(-1)
      return words.map((word) => `${word.split(' ')[0]} ${path}`)
    })
    const all = Object.entries(openapi.paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, { tags }]) => (tags as string[] | undefined)?.includes('Calls'))
        .map(([method]) => `${method.toUpperCase()} ${written(path)}`),
    )
    const others = /simulation|call_records|call_figures/
    const own = [...all, 'PUT …/users/{user}/services/call_centers/']
    expect(told.sort()).toEqual(own.filter((one) => !others.test(one)).sort())
  })

  it('has every conflict that commands are refused by', () => {
    const told = rowsOf(page, 'What can go wrong').flatMap(([seen]) => codeIn(seen))
    const sources = ['offers', 'codes'].map((name) =>
      readPage(`src/features/calls/routing/${name}.ts`),
    )
    const conflicts = sources.flatMap((source) =>
      [
        ...source.matchAll(
          /(?:conflict\(\s*|message: |\? |: )[`'](The (?:call|tele)[^`'$;,]+|There is no such[^`'$]+|Nobody had[^`'$]+|Who is called[^`'$]+)/g,
        ),
      ].map(([, message = '']) => message.trim()),
    )
    expect(conflicts.length).toBeGreaterThan(7)
    // A call that has ended is no longer there to be ended.
    const possible = conflicts.filter((message) => !message.startsWith('The call cannot be ended'))
    for (const message of possible) {
      expect(
        told.some((one) => one.startsWith(message.slice(0, 20))),
        message,
      ).toBe(true)
    }
  })

  it('tells how long a routing system counts as there', () => {
    expect(rowsOf(page, 'Limits')).toContainEqual(['presence', `${presenceSecondsMax} s`])
  })

  it.skipIf(process.env.WITHOUT_CURL)(
    'has examples that do what they show',
    async () => {
      requireCurl()
      const [engine] = engines
      if (!engine) throw new Error('There is no database.')
      const world = await createCallWorld(engine)
      const folder = mkdtempSync(join(tmpdir(), 'pointsman-routing-'))
      const agent = { userId: 'ApioUserTest1', firstName: 'A', lastName: 'B', password }
      await world.ask('system', 'POST', `${group}users/`, agent)
      await world.ask('system', 'POST', `${routePoint}disposition_codes/`, { code: '123456' })
      await world.ask('system', 'PUT', `${routePoint}disposition_codes_config/`, {
        enableCallDispositionCodes: true,
      })
      await world.app.listen({ host: '127.0.0.1', port: 0 })
      const { port } = world.app.server.address() as AddressInfo
      await world.call()

      /** Runs a block as whoever pastes it, who goes on in the same shell. */
      async function run(command: string): Promise<string> {
        const here = command
          .replaceAll('http://127.0.0.1:8080', `http://127.0.0.1:${port}`)
          .replaceAll('demo password', password)
        const names = 'SITE GROUP RP JSON AUTH CALL'
        const script = `touch kept; . ./kept; ${here}\nfor name in ${names}; do [ -v $name ] && declare -p $name; done >kept || true`
        const { stdout } = await promisify(execFile)('bash', ['-euc', script], { cwd: folder })
        return stdout
      }

      try {
        const blocks = blocksOf(page)
        expect(blocks.length).toBeGreaterThan(10)
        for (const { command, answer } of blocks) {
          const printed = await run(command)
          if (answer !== undefined) expect(JSON.parse(printed), command).toEqual(expected(answer))
          if (command.includes('--max-time')) expect(printed).toContain('event: snapshot\n')
          if (!command.includes('destination')) continue
          // Whoever is called there answers.
          const [leg] = world.exchange.ringing()
          if (!leg) throw new Error('Nobody is rung.')
          world.exchange.pickUp(leg)
          await vi.waitFor(() => expect(leg.bridge).toBeDefined(), 10_000)
        }
        await vi.waitFor(async () => expect(await world.rows()).toBe(0), 10_000)
        expect((await world.records()).map(({ outcome }) => outcome)).toEqual(['answered'])
      } finally {
        await world.close()
        rmSync(folder, { recursive: true })
      }
    },
    60_000,
  )
})
