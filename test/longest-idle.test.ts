import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld } from './call-world.ts'
import { engines } from './engines.ts'
import type { Leg } from './exchange.ts'
import { group, routePoint } from './world.ts'

const [engine] = engines
if (!engine) throw new Error('There is no database.')

const program = join(import.meta.dirname, '..', 'examples', 'longest-idle.ts')
const agents = ['agent@sip.netaxis.be', 'ben@sip.netaxis.be']
const patience = { timeout: 20_000 }

/** The routing system as a process, seen from outside. */
function start(site: string, token: string) {
  const child = spawn(process.execPath, [program, `${site}${routePoint}`, ...agents], {
    env: { POINTSMAN_TOKEN: token },
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

describe('the routing system in examples/', () => {
  let world: CallWorld
  let site: string
  let token: string
  let router: ReturnType<typeof start>

  async function listen(port = 0): Promise<void> {
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
    router = start(site, token)
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

  /** Waits until it has looked at the calls as they now are. */
  async function looked(): Promise<void> {
    let looks = 0
    const count = ({ url }: { url?: string }) => {
      if (url?.includes('routing=true')) looks += 1
    }
    world.app.server.on('request', count)
    // Whatever the first one asked for is answered when the second one comes.
    await vi.waitFor(() => expect(looks).toBeGreaterThan(1), patience)
    world.app.server.off('request', count)
  }

  /** Who calls, by the display of the phone that rings. */
  const callerOf = ({ dialling }: Leg) => dialling?.from.number

  const callAs = (number: string) =>
    world.exchange.call('+3225126780', { caller: { name: 'Caller', number } })

  it('gives the calls in their order to the agents in the order in which they became idle', async () => {
    const first = callAs('+3225550101')
    const one = await ringing()
    expect(one.agent).toBe(agents[0])
    expect(callerOf(one.leg)).toBe('+3225550101')
    world.exchange.pickUp(one.leg)
    callAs('+3225550102')
    const two = await ringing([one.leg])
    expect(two.agent).toBe(agents[1])
    expect(callerOf(two.leg)).toBe('+3225550102')
    world.exchange.pickUp(two.leg)
    await looked()
    // Both speak: two more wait, until the second agent is free before the first.
    callAs('+3225550103')
    await vi.waitFor(async () => expect(await world.calls()).toHaveLength(3), patience)
    callAs('+3225550104')
    await vi.waitFor(async () => expect(await world.calls()).toHaveLength(4), patience)
    world.exchange.hangUp(two.leg)
    const three = await ringing()
    expect(three.agent).toBe(agents[1])
    expect(callerOf(three.leg)).toBe('+3225550103')
    await looked()
    world.exchange.hangUp(first)
    const four = await ringing([three.leg])
    expect(four.agent).toBe(agents[0])
    expect(callerOf(four.leg)).toBe('+3225550104')
  })

  it('goes to the next agent when a phone refuses or lets it ring', async () => {
    const caller = callAs('+3225550101')
    const one = await ringing()
    expect(one.agent).toBe(agents[0])
    world.exchange.hangUp(one.leg, 'busy')
    const two = await ringing()
    expect(two.agent).toBe(agents[1])
    world.exchange.pickUp(two.leg)
    world.exchange.hangUp(caller)
    await vi.waitFor(async () => expect(await world.calls()).toEqual([]), patience)
  })

  it('goes on when the engine, the call or the service is away, and says so', async () => {
    world.exchange.isReady = false
    const caller = await world.call()
    await vi.waitFor(() => expect(router.output()).toContain(': 503 '), patience)
    world.exchange.hangUp(caller)
    world.exchange.isReady = true
    const port = Number(new URL(site).port)
    await world.app.close()
    await vi.waitFor(() => expect(router.output()).toContain('No answer: '), patience)
    await world.restart()
    await listen(port)
    await world.call()
    expect((await ringing()).agent).toBeOneOf(agents)
  })

  it('takes another agent for one who has a call of another route point', async () => {
    const other = `${group}services/route_points/other@sip.netaxis.be/`
    const profile = { name: 'Other', phoneNumber: '+3225126781' }
    const body = { serviceUserId: 'other', serviceInstanceProfile: profile, queueLength: 10 }
    await world.ask('system', 'POST', `${group}services/route_points/`, body)
    await world.call('+3225126781')
    const { body: shown } = await world.ask('groupAdmin', 'GET', `${other}calls/`)
    const path = `${other}calls/${shown.calls[0].callId}/offer/`
    expect((await world.ask('groupAdmin', 'POST', path, { agent: agents[0] })).status).toBe(201)
    const theirs = await ringing()
    world.exchange.pickUp(theirs.leg)
    await world.call()
    expect((await ringing([theirs.leg])).agent).toBe(agents[1])
    expect(router.output()).toContain(`${agents[0]}: 409 `)
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
    const stranger = start(site, 'none')
    expect(await stranger.ended).toBe(1)
    expect(stranger.output()).toContain('The calls cannot be seen: 401')
  })

  it('is short, and stands alone', () => {
    const text = readFileSync(program, 'utf8')
    expect(text.split('\n').length).toBeLessThan(100)
    const imports = [...text.matchAll(/\bfrom '([^']+)'/g)].map(([, from]) => from)
    expect(imports).toEqual(['node:timers/promises'])
  })
})
