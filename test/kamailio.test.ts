import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { findProgram } from './programs.ts'
import {
  freeUdpPort,
  type SipParty,
  startAnswerer,
  startCaller,
  statusOfInvitation,
} from './sip.ts'

const program = findProgram('kamailio')
const shipped = join(import.meta.dirname, '..', 'deploy', 'kamailio.cfg')

/** Where the packages of `scripts/fetch-programs` have its modules; one that is installed finds them itself. */
const modules = globSync(
  join(dirname(program ?? ''), '..', 'kamailio', 'usr', 'lib', '*', 'kamailio', 'modules'),
)[0]

/** Each party has an address of its own, by which Kamailio knows it. */
const hosts = {
  kamailio: '127.0.0.10',
  away: '127.0.0.11',
  asterisk: '127.0.0.12',
  carrier: '127.0.0.13',
  stranger: '127.0.0.14',
}

describe.skipIf(program === undefined || findProgram('sipp') === undefined)(
  'Kamailio by deploy/kamailio.cfg',
  () => {
    const parties: SipParty[] = []
    let folder: string
    let kamailio: ChildProcess
    let output = ''
    let at: { host: string; port: number }
    let away: SipParty
    let asterisk: SipParty
    let carrier: SipParty

    async function keep(party: Promise<SipParty>): Promise<SipParty> {
      parties.push(await party)
      return party
    }

    /** The shipped file with an address, a list and a way to look after Asterisks that suit this machine. */
    function configure(): string {
      const list = join(folder, 'dispatcher.list')
      const sets = [
        [1, away],
        [1, asterisk],
        [2, carrier],
      ] as const
      writeFileSync(
        list,
        sets.map(([set, { host, port }]) => `${set} sip:${host}:${port}\n`).join(''),
      )
      const file = join(folder, 'kamailio.cfg')
      const text = readFileSync(shipped, 'utf8')
        .replace('listen=udp:10.0.0.10:5060', `listen=udp:${at.host}:${at.port}`)
        .replace('"list_file", "/etc/kamailio/dispatcher.list"', `"list_file", "${list}"`)
        // SIPp answers no OPTIONS while it waits for calls.
        .replace('"ds_ping_interval", 5', '"ds_ping_interval", 0')
      writeFileSync(file, text)
      return file
    }

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'pointsman-kamailio-'))
      at = { host: hosts.kamailio, port: await freeUdpPort() }
      away = await keep(startAnswerer({ host: hosts.away, ringMilliseconds: 0, status: 503 }))
      const takes = { ringMilliseconds: 100 }
      asterisk = await keep(startAnswerer({ host: hosts.asterisk, ...takes }))
      carrier = await keep(startAnswerer({ host: hosts.carrier, ...takes }))
      const places = modules === undefined ? [] : ['-L', modules]
      const libraries = modules === undefined ? {} : { LD_LIBRARY_PATH: dirname(modules) }
      const parameters = ['-DD', '-E', ...places, '-f', configure(), '-Y', folder]
      kamailio = spawn(program ?? '', parameters, { env: { ...process.env, ...libraries } })
      for (const stream of [kamailio.stdout, kamailio.stderr]) {
        stream?.on('data', (chunk) => {
          output += chunk
        })
      }
    })
    afterAll(async () => {
      if (kamailio?.exitCode === null) {
        const ended = once(kamailio, 'close')
        kamailio.kill('SIGTERM')
        await ended
      }
      await Promise.all(parties.map((party) => party.stop()))
      rmSync(folder, { recursive: true })
    })

    const call = (host: string) =>
      keep(startCaller(at, { host, dial: '+3225126780', hangUpAfterMilliseconds: 200 }))

    const invitations = (party: SipParty) => party.messages({ request: 'INVITE' })

    it('has strangers know that they are none of its callers', async () => {
      const { status } = await (await call(hosts.stranger)).finalAnswer()
      expect(status, output).toBe(403)
    })

    it('passes on nothing of strangers, who can say that they belong to a call, and name a way', async () => {
      const us = `<sip:${at.host}:${at.port};lr>`
      for (const { host, port } of [carrier, asterisk]) {
        for (const route of [us, `${us}, <sip:${host}:${port};lr>`]) {
          const headers = [`Route: ${route}`]
          const uri = `sip:+19005550000@${host}:${port}`
          const stranger = { host: hosts.stranger, uri, toParameters: ';tag=any', headers }
          expect(await statusOfInvitation(at, stranger), output).toBe(403)
        }
      }
      expect([carrier, asterisk].flatMap(invitations)).toEqual([])
    })

    it('gives calls of the carrier to an Asterisk as they came, and to the next where one says 503', async () => {
      for (let calls = 1; invitations(away).length === 0; calls += 1) {
        expect(calls, output).toBeLessThan(4)
        const caller = await call(hosts.carrier)
        expect(await caller.ended).toMatchObject({ isAsScripted: true })
        expect(invitations(asterisk)).toHaveLength(calls)
      }
      for (const { uri } of invitations(asterisk)) {
        expect(uri).toBe(`sip:+3225126780@${at.host}:${at.port}`)
      }
      await vi.waitFor(() => expect(asterisk.messages({ request: 'BYE' })).not.toEqual([]), 10_000)
    })

    it('gives calls of an Asterisk to the carrier', async () => {
      const caller = await call(hosts.asterisk)
      expect(await caller.ended).toMatchObject({ isAsScripted: true })
      expect(invitations(carrier)).toHaveLength(1)
      expect(
        invitations(asterisk).every(({ headers }) => !headers.from?.includes(hosts.asterisk)),
      ).toBe(true)
    })
  },
)
