import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, vi } from 'vitest'
import { openAsterisk } from '../src/asterisk/asterisk.ts'
import { readEngines } from '../src/engines/configuration.ts'
import type { Engine as Opened } from '../src/engines/engine.ts'
import { type Post, postOf } from '../src/features/calls/live/station.ts'
import type { ShownCall } from '../src/features/calls/shown.ts'
import { type Asterisk, agentsAt, startAsterisk, writeEngines } from './asterisk.ts'
import { waveFile } from './audio.ts'
import { hotlineNumber, selectRecords } from './call-world.ts'
import type { Engine } from './engines.ts'
import { freeUdpPort, type SipParty, startAnswerer, startCaller } from './sip.ts'
import { createWorld, group, routePoint, type World } from './world.ts'

export interface AsteriskWorld extends World {
  asterisk: Asterisk
  put(setting: string, body: object): Promise<void>
  /** Uploads an announcement. */
  announce(name: string, content: Buffer): Promise<void>
  /** Waits until the engine is connected. */
  untilReady(): Promise<void>
  /** Somebody calls the hotline, or what is told. */
  call(script?: Partial<Parameters<typeof startCaller>[1]>): Promise<SipParty>
  /** The phone at which every agent is called, but those who have another. */
  agentPhone(script: Parameters<typeof startAnswerer>[0]): Promise<SipParty>
  /** Whoever is called by a number outside. */
  outside(script: Parameters<typeof startAnswerer>[0]): Promise<SipParty>
  calls(): Promise<ShownCall[]>
  /** Waits until the only call is in a state, and answers it. */
  callIn(state: ShownCall['state']): Promise<ShownCall>
  offer(body: object): Promise<void>
  /** Ends the calls that there are still, waits until nothing of any is left, and answers how they have ended since the last time. */
  outcomes(): Promise<string[]>
}

/** A file of engines, read as the program reads it; and the engine that is open now. */
async function postIn(file: string): Promise<{ post: Post; opened(): Opened | undefined }> {
  const [configuration] = await readEngines(file)
  if (!configuration) throw new Error('There is no engine.')
  const logger = pino({ level: process.env.CALLS_LOG ?? 'silent' })
  let opened: Opened | undefined
  const post = postOf(configuration, (lease) => {
    opened = openAsterisk(configuration, { logger, lease })
    return opened
  })
  return { post, opened: () => opened }
}

interface Options {
  /** Members of the engine's configuration that differ. */
  changed?: object
  environment?: Record<string, string>
  /** Lines for the ends of Asterisk's files. */
  more?: Parameters<typeof startAsterisk>[0]
}

/** The furnished world with a real Asterisk: the hotline has a number and a queue of 10, the agent an extension. */
export async function createAsteriskWorld(
  engine: Engine,
  { changed = {}, environment, more }: Options = {},
): Promise<AsteriskWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-calls-'))
  const asterisk = await startAsterisk(more)
  const agentPort = await freeUdpPort()
  const { post, opened } = await postIn(
    writeEngines(folder, asterisk, { agents: agentsAt(agentPort), ...changed }),
  )
  const own = { POINTSMAN_MEDIA_FOLDER: join(folder, 'media'), ...environment }
  const world = await createWorld(engine, own, { post })
  const parties: SipParty[] = []
  let told = 0

  const put = async (setting: string, body: object) => {
    const answer = await world.ask('groupAdmin', 'PUT', `${routePoint}${setting}`, body)
    expect(answer.status, answer.text).toBe(200)
  }
  const keep = async (party: Promise<SipParty>) => {
    parties.push(await party)
    return party
  }
  const calls = async (): Promise<ShownCall[]> =>
    (await world.ask('groupAdmin', 'GET', `${routePoint}calls/`)).body.calls
  const callIn = (state: ShownCall['state']) =>
    vi.waitFor(async () => {
      const [call] = (await calls()).filter((one) => one.state === state)
      if (!call) throw new Error(`No call is '${state}': ${JSON.stringify(await calls())}`)
      return call
    }, 5_000)

  await put('', {
    queueLength: 10,
    serviceInstanceProfile: { phoneNumber: hotlineNumber, extension: '5000' },
  })
  await world.ask('system', 'PUT', `${group}users/agent/`, { extension: '5001' })
  const announce = async (name: string, content: Buffer) => {
    const body = { name, content: content.toString('base64') }
    const answer = await world.ask('groupAdmin', 'POST', `${group}announcements/`, body)
    expect(answer.status, answer.text).toBe(201)
  }
  await announce('Welcome', waveFile(0.5))
  const untilReady = () => vi.waitFor(() => expect(opened()?.isReady).toBe(true), 20_000)
  await untilReady()

  return {
    ...world,
    restart: world.restart,
    asterisk,
    put,
    announce,
    untilReady,
    calls,
    callIn,
    call: (script = {}) => keep(startCaller(asterisk.sip, { dial: hotlineNumber, ...script })),
    agentPhone: (script) => keep(startAnswerer({ port: agentPort, ...script })),
    outside: (script) => keep(startAnswerer({ port: asterisk.world.port, ...script })),
    async offer(body) {
      const { callId } = await callIn('waiting')
      const path = `${routePoint}calls/${callId}/offer/`
      const answer = await world.ask('groupAdmin', 'POST', path, body)
      expect(answer.status, answer.text).toBe(201)
    },
    async outcomes() {
      for (const { callId } of await calls()) {
        await world.ask('groupAdmin', 'POST', `${routePoint}calls/${callId}/release/`, {})
      }
      await vi.waitFor(async () => {
        expect(await asterisk.channels()).toEqual([])
        expect(await asterisk.bridges()).toEqual([])
        expect(await world.database.all({ text: 'SELECT * FROM calls' })).toEqual([])
      }, 10_000)
      // Telephones that went before would be invited again when the next ones come.
      await Promise.all(parties.splice(0).map((party) => party.stop()))
      const all = (await world.database.all(selectRecords)).map(({ outcome }) => outcome)
      const since = all.slice(told)
      told = all.length
      return since
    },
    async close() {
      await Promise.all(parties.splice(0).map((party) => party.stop()))
      await world.close()
      await asterisk.stop()
      rmSync(folder, { recursive: true })
    },
  }
}
