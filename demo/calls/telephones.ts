import { setTimeout as sleep } from 'node:timers/promises'
import { type Asterisk, startAsterisk, writeEngines } from '../../test/asterisk.ts'
import { freeUdpPort, type SipParty, startAnswerer, startCaller } from '../../test/sip.ts'
import type { Run } from '../run.ts'
import { type AgentScript, agents, hotline, sales } from './state.ts'

/** Longer than anybody looks at a demo, in seconds. */
const lifeSeconds = 86_400

/** The endpoint of an agent: Pointsman dials PJSIP/anna. */
function endpointOf({ id }: AgentScript, port: number): string {
  return `[${id}](agent)\naors=${id}\n[${id}]\ntype=aor\ncontact=sip:${id}@127.0.0.1:${port}\n`
}

/**
 * Starts an Asterisk of the demo's own, the telephones of the agents and one outside, until the demo ends.
 *
 * @returns with it a file for POINTSMAN_ENGINES.
 */
export async function openTelephones({
  folder,
  opened,
}: Run): Promise<{ asterisk: Asterisk; engines: string }> {
  const placed: { agent: AgentScript; port: number }[] = []
  for (const agent of agents) placed.push({ agent, port: await freeUdpPort() })
  const pjsip = placed.map(({ agent, port }) => endpointOf(agent, port)).join('')
  const asterisk = await startAsterisk({ pjsip })
  opened.defer(() => asterisk.stop())
  const telephones = [
    ...placed.map(({ agent: { rings, talks }, port }) => ({
      port,
      ...(rings !== undefined && { ringMilliseconds: rings }),
      ...(talks !== undefined && { hangUpAfterMilliseconds: talks }),
    })),
    { port: asterisk.world.port, ringMilliseconds: 1_000, hangUpAfterMilliseconds: 5_000 },
  ]
  for (const telephone of telephones) {
    const party = await startAnswerer({ ...telephone, lifeSeconds })
    opened.defer(() => party.stop())
  }
  return { asterisk, engines: writeEngines(folder, asterisk, { agents: 'PJSIP/{user}' }) }
}

const names = [
  'Lena Peeters',
  'Tom Janssens',
  'Zoé Mertens',
  'Jürgen Vogel',
  'Marie Dubois',
  'Pieter Willems',
  'Inès Lambert',
  'Noah Goossens',
  'Emma De Smet',
  'Lucas Martin',
]

const between = (least: number, most: number) => Math.round(least + Math.random() * (most - least))

/** Has callers call, one every few seconds; some wait longer than others. They stop when the demo ends. */
export function playCallers({ opened, ending }: Run, called: Asterisk['sip']): void {
  const parties = new Set<SipParty>()

  async function call(index: number): Promise<void> {
    const name = names[index % names.length]
    const number = `+3247${String(1_000_000 + index * 7_919).slice(-7)}`
    const party = await startCaller(called, {
      dial: index % 3 === 2 ? sales.phoneNumber : hotline.phoneNumber,
      from: `"${name}" <sip:${number}@[local_ip]>`,
      hangUpAfterMilliseconds: between(8_000, 40_000),
    })
    parties.add(party)
    void party.ended.then(() => parties.delete(party))
  }

  async function play(): Promise<void> {
    for (let index = 0; !ending.aborted; index += 1) {
      await call(index)
      await sleep(between(1_000, 4_500), undefined, { signal: ending }).catch(() => {})
    }
  }

  const playing = play()
  opened.defer(async () => {
    await playing
    await Promise.all([...parties].map((party) => party.stop()))
  })
}
