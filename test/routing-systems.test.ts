import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld } from './call-world.ts'
import { engines } from './engines.ts'
import type { Leg } from './exchange.ts'
import { findProgram } from './programs.ts'
import { group, routePoint } from './world.ts'

const [engine] = engines
if (!engine) throw new Error('There is no database.')

const folder = join(import.meta.dirname, '..', 'examples')
const agents = ['agent@sip.netaxis.be', 'ben@sip.netaxis.be'] as const
const patience = { timeout: 30_000, interval: 100 }

/** What Python has, of what the example needs. */
const pythonModules = [
  'json',
  'os',
  'queue',
  'signal',
  'sys',
  'threading',
  'time',
  'urllib.request',
]

const systems = [
  { file: 'longest-idle.ts', interpreter: process.execPath, parameters: agents },
  {
    file: 'skills.ts',
    interpreter: process.execPath,
    parameters: [`${agents[0]}=Sales,Support`, `${agents[1]}=Support`],
  },
  { file: 'longest_idle.py', interpreter: findProgram('python3'), parameters: agents },
]
type System = (typeof systems)[number]

/** A routing system as a process, seen from outside. */
function start({ file, interpreter = '', parameters }: System, site: string, token: string) {
  const child = spawn(interpreter, [join(folder, file), `${site}${routePoint}`, ...parameters], {
    env: { PATH: process.env.PATH, POINTSMAN_TOKEN: token },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { output: () => output, ended, signal: (name: NodeJS.Signals) => child.kill(name) }
}

describe.each(systems)('the routing system examples/$file', (system) => {
  it('is short, and stands alone', () => {
    const text = readFileSync(join(folder, system.file), 'utf8')
    const lines = text.trimEnd().split('\n')
    expect(lines.length).toBeLessThan(120)
    const widest = system.file.endsWith('.py') ? 110 : 120
    expect(lines.filter((line) => line.length > widest)).toEqual([])
    const imported = [...text.matchAll(/^(?:import \{.*\} from 'node:|from |import )([\w./]+)/gm)]
    expect(imported.length).toBeGreaterThan(0)
    const own = system.file.endsWith('.py') ? pythonModules : builtinModules
    for (const [, name] of imported) expect(own).toContain(name)
  })
})

describe.each(systems.filter(({ interpreter }) => interpreter !== undefined))(
  'as a process, examples/$file',
  (system) => {
    let world: CallWorld
    let site: string
    let token: string
    let router: ReturnType<typeof start>
    /** Streams that were begun. */
    let streams: number

    async function listen(port = 0): Promise<void> {
      streams = 0
      world.app.server.on('request', ({ url = '' }) => {
        if (url.includes('&routing=true')) streams += 1
      })
      await world.app.listen({ host: '127.0.0.1', port })
      site = `http://127.0.0.1:${(world.app.server.address() as AddressInfo).port}`
    }

    beforeEach(async () => {
      world = await createCallWorld(engine)
      const ben = { userId: 'ben', firstName: 'Ben', lastName: 'B', password: 'a good password' }
      await world.ask('system', 'POST', `${group}users/`, ben)
      const created = await world.ask('groupAdmin', 'POST', '/api/v1/tokens/', { name: 'router' })
      token = created.body.token
      await listen()
      router = start(system, site, token)
    })
    afterEach(async () => {
      router.signal('SIGKILL')
      await router.ended
      await world.close()
    })

    /** Waits until a phone rings that is not among those known, and answers whose it is. */
    async function ringing(known: readonly Leg[] = []): Promise<{ leg: Leg; agent: string }> {
      const leg = await vi.waitFor(() => {
        const found = world.exchange.ringing().find((one) => !known.includes(one))
        if (!found) throw new Error(`Nobody is rung: ${router.output()}`)
        return found
      }, patience)
      const to = leg.dialling?.to
      return { leg, agent: to?.kind === 'agent' ? to.userId : '' }
    }

    /** Whose phone rings is to speak. */
    async function pickUp(leg: Leg): Promise<void> {
      world.exchange.pickUp(leg)
      await vi.waitFor(() => expect(leg.bridge).toBeDefined(), patience)
    }

    /** Who calls, by the display of the phone that rings. */
    const callerOf = ({ dialling }: Leg) => dialling?.from.number

    const callAs = (number: string, dialled = '+3225126780') =>
      world.exchange.call(dialled, { caller: { name: 'Caller', number } })

    const setState = (agent: string, body: object) =>
      world.ask('system', 'PUT', `${group}users/${agent}/services/call_centers/`, body)

    const waiting = (count: number) =>
      vi.waitFor(async () => expect(await world.calls()).toHaveLength(count), patience)

    it('gives the calls in their order to the agents in the order in which they became idle', async () => {
      const first = callAs('+3225550101')
      const one = await ringing()
      expect([one.agent, callerOf(one.leg)]).toEqual([agents[0], '+3225550101'])
      await pickUp(one.leg)
      callAs('+3225550102')
      const two = await ringing([one.leg])
      expect([two.agent, callerOf(two.leg)]).toEqual([agents[1], '+3225550102'])
      await pickUp(two.leg)
      // Both speak: two more wait, until the second agent is free before the first.
      callAs('+3225550103')
      await waiting(3)
      callAs('+3225550104')
      await waiting(4)
      world.exchange.hangUp(two.leg)
      const three = await ringing()
      expect([three.agent, callerOf(three.leg)]).toEqual([agents[1], '+3225550103'])
      world.exchange.hangUp(first)
      const four = await ringing([three.leg])
      expect([four.agent, callerOf(four.leg)]).toEqual([agents[0], '+3225550104'])
    })

    it('goes to the next agent when a phone refuses, which has a rest', async () => {
      callAs('+3225550101')
      const one = await ringing()
      expect(one.agent).toBe(agents[0])
      world.exchange.hangUp(one.leg, 'busy')
      const two = await ringing()
      expect(two.agent).toBe(agents[1])
      callAs('+3225550102')
      await waiting(2)
      const at = performance.now()
      expect((await ringing([two.leg])).agent).toBe(agents[0])
      expect(performance.now() - at).toBeGreaterThan(5_000)
    })

    it('goes on when the engine, the call or the service is away, and says so', async () => {
      world.exchange.isReady = false
      const caller = await world.call()
      await vi.waitFor(() => expect(router.output()).toContain(': 503 '), patience)
      world.exchange.hangUp(caller)
      world.exchange.isReady = true
      const port = Number(new URL(site).port)
      await world.app.close()
      await vi.waitFor(() => expect(router.output()).toMatch(/fetch failed|No answer: /), patience)
      await world.restart()
      await listen(port)
      await world.call()
      const { leg } = await ringing()
      await pickUp(leg)
    })

    it('offers nothing to who is unavailable, and a call when they no longer are', async () => {
      // From here on it hears what happens.
      callAs('+3225550100')
      const one = await ringing()
      await pickUp(one.leg)
      const lunch = { agentState: 'Unavailable', agentUnavailableCode: 'LUNCH' }
      expect((await setState('ben', lunch)).status).toBe(200)
      callAs('+3225550101')
      await waiting(2)
      await setState('ben', { agentState: 'Available' })
      const { leg, agent } = await ringing([one.leg])
      expect(agent).toBe(agents[1])
      await pickUp(leg)
      // Nobody was asked in vain: it knew.
      expect(router.output()).not.toContain(' 409 ')
    })

    it('waits for the end of a wrap-up, which nothing tells', async () => {
      const configured = {
        enableAutomaticStateChangeForAgents: true,
        agentStateAfterCall: 'Wrap-Up',
        overrideAgentWrapUpTime: true,
        wrapUpSeconds: 8,
      }
      expect((await world.ask('system', 'PUT', routePoint, configured)).status).toBe(200)
      await setState('ben', { agentState: 'Unavailable' })
      callAs('+3225550101')
      const { leg } = await ringing()
      await pickUp(leg)
      world.exchange.hangUp(leg)
      await waiting(0)
      callAs('+3225550102')
      const at = performance.now()
      expect((await ringing()).agent).toBe(agents[0])
      expect(performance.now() - at).toBeGreaterThan(6_000)
      expect(router.output()).not.toContain(' 409 ')
    })

    it('shares the calls with another that routes: each rings once', async () => {
      const other = start(system, site, token)
      await vi.waitFor(() => expect(streams).toBe(2), patience)
      for (const number of ['+3225550101', '+3225550102', '+3225550103']) callAs(number)
      await vi.waitFor(() => expect(world.exchange.ringing()).toHaveLength(2), patience)
      await waiting(3)
      const called = world.exchange.ringing().map(({ dialling }) => dialling?.to)
      expect(new Set(called.map((to) => to?.kind === 'agent' && to.userId))).toEqual(
        new Set(agents),
      )
      expect(new Set(world.exchange.ringing().map(callerOf)).size).toBe(2)
      other.signal('SIGTERM')
      expect(await other.ended).toBe(0)
    })

    it.each(['SIGINT', 'SIGTERM'] as const)(
      'ends on %s and leaves the calls as they are',
      async (name) => {
        await world.call()
        const { leg } = await ringing()
        router.signal(name)
        expect(await router.ended).toBe(0)
        expect(world.exchange.ringing()).toEqual([leg])
      },
    )

    it('ends with what is wrong when it may not see the calls', async () => {
      const stranger = start(system, site, 'none')
      expect(await stranger.ended).toBe(1)
      expect(stranger.output()).toContain('The events cannot be seen: 401')
    })

    const bySkill = it.runIf(system.file === 'skills.ts')
    bySkill('serves calls of a DNIS by skill, and by anybody after 20 s', async () => {
      for (const [name, phoneNumber] of [
        ['Sales', '+3225126782'],
        ['Support', '+3225126783'],
      ]) {
        const added = await world.ask('system', 'POST', `${routePoint}dnis/`, { name, phoneNumber })
        expect(added.status, added.text).toBe(201)
      }
      // Both can serve it, and Ben does nothing else.
      callAs('+3225550101', '+3225126783')
      const one = await ringing()
      expect(one.agent).toBe(agents[1])
      await pickUp(one.leg)
      // Only the first agent can.
      callAs('+3225550102', '+3225126782')
      const two = await ringing()
      expect(two.agent).toBe(agents[0])
      await pickUp(two.leg)
      callAs('+3225550103', '+3225126782')
      await waiting(3)
      const at = performance.now()
      world.exchange.hangUp(one.leg)
      const three = await ringing()
      expect(three.agent).toBe(agents[1])
      expect(performance.now() - at).toBeGreaterThan(15_000)
    })
  },
  120_000,
)
