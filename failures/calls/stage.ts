import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openDatabase } from '../../src/database/open.ts'
import type { ShownCall } from '../../src/features/calls/shown.ts'
import { type Asterisk, agentsAt, startAsterisk, writeEngines } from '../../test/asterisk.ts'
import { selectRecords } from '../../test/call-world.ts'
import { freePort } from '../../test/postgres-server.ts'
import { freeUdpPort, type SipParty, startAnswerer, startCaller } from '../../test/sip.ts'
import { furnish, send } from '../load.ts'
import { createNode, type Node } from '../node.ts'

const group = '/api/v1/tenants/footenant/groups/foogroup/'
/** What a hotline is set, and under what number it is called. */
export const routePointOf = (hotline: number) =>
  `${group}services/route_points/load${hotline}@sip.example.org/`
export const numberOf = (hotline: number) => `+3225126${100 + hotline}`

/** As many as can wait at one route point. */
const queueLengthMax = 525

/** Whoever is called outside answers at once; agents' telephones ring for ever. */
export const outside = '+3225126779'

/** A node and an Asterisk with its telephones, all of them processes that can be killed. */
export interface Stage {
  node: Node
  asterisk: Asterisk
  /** So many callers come, and wait. */
  callers(count: number, to?: { hotline?: number; callsPerSecond?: number }): Promise<SipParty>
  calls(hotline?: number): Promise<ShownCall[]>
  /** Somebody outside takes the call. @returns the status of the answer. */
  connect(callId: string, hotline?: number): Promise<number>
  /** An agent of its own rings. */
  offer(callId: string, agent: number): Promise<void>
  withdraw(call: ShownCall): Promise<void>
  release(callId: string): Promise<void>
  /** How every call has ended, by its id. */
  outcomes(): Promise<Map<string, string>>
  close(): Promise<void>
}

/** Waits until something is as it should be. @throws Error after `seconds`. */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  seconds = 60,
): Promise<void> {
  const end = performance.now() + seconds * 1_000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`Not within ${seconds} s: ${what}`)
    await delay(50)
  }
}

interface Furniture {
  hotlines?: number
  agents?: number
  /** After which whoever is called outside hangs up; never by default. */
  hangUpAfterMilliseconds?: number
}

/** Creates the hotlines' numbers, and agents. @returns a token of an administrator's. */
export async function fill(url: string, { hotlines = 1, agents = 0 }: Furniture): Promise<string> {
  const token = await furnish(url, hotlines)
  const steps: [method: string, path: string, body: object][] = [
    ...Array.from({ length: hotlines }, (_, hotline): [string, string, object] => [
      'PUT',
      routePointOf(hotline),
      {
        queueLength: queueLengthMax,
        serviceInstanceProfile: { phoneNumber: numberOf(hotline) },
      },
    ]),
    ...Array.from({ length: agents }, (_, index): [string, string, object] => [
      'POST',
      `${group}users/`,
      {
        userId: `agent${index}`,
        firstName: 'Agent',
        lastName: String(index),
        extension: `5${100 + index}`,
      },
    ]),
  ]
  for (const [method, path, body] of steps) {
    const answer = await send(url + path, token, method, body)
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
  }
  return token
}

/** Starts everything on a SQLite database of its own. */
export async function openStage(furniture: Furniture): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-failures-'))
  const asterisk = await startAsterisk()
  const agentPort = await freeUdpPort()
  const databaseUrl = `sqlite:${join(folder, 'pointsman.db')}`
  const node = createNode(databaseUrl, await freePort(), {
    ENGINES: writeEngines(folder, asterisk, { agents: agentsAt(agentPort) }),
    MEDIA_FOLDER: join(folder, 'media'),
  })
  await node.start()
  const token = await fill(node.url, furniture)
  const { hangUpAfterMilliseconds } = furniture
  const leaving = hangUpAfterMilliseconds === undefined ? {} : { hangUpAfterMilliseconds }
  const parties: SipParty[] = [
    await startAnswerer({ port: agentPort }),
    await startAnswerer({ port: asterisk.world.port, ringMilliseconds: 0, ...leaving }),
  ]

  const ask = (method: string, path: string, body?: object, hotline = 0) =>
    send(`${node.url}${routePointOf(hotline)}calls/${path}`, token, method, body)
  async function expect(status: number, ...what: Parameters<typeof ask>): Promise<Response> {
    const answer = await ask(...what)
    if (answer.status === status) return answer
    throw new Error(`${what[0]} ${what[1]}: ${answer.status} ${await answer.text()}`)
  }

  return {
    node,
    asterisk,
    async callers(calls, { hotline = 0, callsPerSecond = 20 } = {}) {
      const script = { dial: numberOf(hotline), calls, callsPerSecond }
      const party = await startCaller(asterisk.sip, script)
      parties.push(party)
      return party
    },
    async calls(hotline) {
      const answer = await expect(200, 'GET', '?routing=true', undefined, hotline)
      return ((await answer.json()) as { calls: ShownCall[] }).calls
    },
    async connect(callId, hotline) {
      const path = `${callId}/offer/`
      return (await ask('POST', path, { destination: outside }, hotline)).status
    },
    async offer(callId, agent) {
      await expect(201, 'POST', `${callId}/offer/`, { agent: `agent${agent}`, ringSeconds: 120 })
    },
    async withdraw({ callId, offer }) {
      await expect(200, 'DELETE', `${callId}/offer/${offer?.offerId}/`)
    },
    async release(callId) {
      await expect(200, 'POST', `${callId}/release/`, {})
    },
    async outcomes() {
      const database = await openDatabase(databaseUrl)
      const records = await database.all(selectRecords)
      await database.close()
      return new Map(records.map(({ value, outcome }) => [JSON.parse(value).callId, outcome]))
    },
    async close() {
      await Promise.all(parties.map((party) => party.stop()))
      await node.stop()
      await asterisk.stop()
      rmSync(folder, { recursive: true })
    },
  }
}
