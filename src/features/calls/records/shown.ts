import Type, { type Static } from 'typebox'
import { named } from '../../../documents/vocabulary.ts'
import { Code, CodeLevel } from '../../disposition-codes/disposition-code.ts'
import { outcomes } from '../call.ts'
import { Party, time, timeOf } from '../shown.ts'
import { type KeptRecord, timesOf } from './record.ts'

const count = (description: string) => Type.Optional(Type.Integer({ minimum: 0, description }))
const seconds = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }))
const text = (description: string) => Type.Optional(Type.String({ description }))

/** A call that has ended, as the API shows it. */
export const CallRecord = named(
  'CallRecord',
  Type.Object({
    callId: Type.String({ description: 'As the call had it.' }),
    caller: Type.Optional(Party),
    dialled: text('What the caller dialled.'),
    dnis: text('Name of the DNIS that was called, as it was then.'),
    arrivedAt: Type.Optional(time('When it came.')),
    waitingSince: Type.Optional(time('When it began to wait here; absent where it never did.')),
    answeredAt: Type.Optional(time('When somebody took it; absent where nobody did.')),
    endedAt: time('When it ended.'),
    waitSeconds: seconds('From when it began to wait until somebody took it, or it ended.'),
    talkSeconds: seconds('From when somebody took it until it ended.'),
    outcome: Type.Enum([...outcomes], { description: 'How it ended.' }),
    reason: Type.String({ description: 'Why it ended, in words for people.' }),
    agent: text('Id of the agent who took it.'),
    destination: text('What the routing system gave to reach whoever took it, where no agent.'),
    offers: count('How often it was offered.'),
    hops: count('How many route points sent it on.'),
    isBounced: Type.Optional(
      Type.Boolean({ description: 'It had come back from an agent who did not take it.' }),
    ),
    dispositionCodes: Type.Array(
      Type.Object({ code: Code, level: CodeLevel }, { description: 'A code and whose it is.' }),
      { description: 'The codes that it was given.' },
    ),
  }),
  'A call that has ended. What is not known of it, or never was, is absent.',
)

export type CallRecord = Static<typeof CallRecord>

const momentOf = (milliseconds: number | null | undefined) =>
  milliseconds === null || milliseconds === undefined ? undefined : timeOf(milliseconds)

const secondsOf = (milliseconds: number | null) =>
  milliseconds === null ? undefined : milliseconds / 1_000

/** A record as the API shows it; JSON leaves out what is undefined. */
export function showRecord(record: KeptRecord) {
  const { wait, talk } = timesOf(record)
  return {
    callId: record.callId,
    caller: record.caller,
    dialled: record.dialled,
    dnis: record.dnis ?? undefined,
    arrivedAt: momentOf(record.arrivedAt),
    waitingSince: momentOf(record.waitingSince),
    answeredAt: momentOf(record.answeredAt),
    endedAt: timeOf(record.endedAt),
    waitSeconds: secondsOf(wait),
    talkSeconds: secondsOf(talk),
    outcome: record.outcome,
    reason: record.reason,
    agent: record.agent ?? undefined,
    destination: record.destination ?? undefined,
    offers: record.offers,
    hops: record.hops,
    isBounced: record.isBounced,
    dispositionCodes: record.dispositionCodes ?? [],
  }
}

/** A record as OpenAPI shows it. */
export const exampleRecord: CallRecord = {
  callId: '019ac7d2-4b0e-7c31-9a53-0f6d2a8c1e47',
  caller: { name: 'Anna Caller', number: '+3225550100' },
  dialled: '+3225126780',
  dnis: 'Test DNIS',
  arrivedAt: '2026-11-29T09:30:00.000Z',
  waitingSince: '2026-11-29T09:30:00.120Z',
  answeredAt: '2026-11-29T09:30:14.120Z',
  endedAt: '2026-11-29T09:33:44.000Z',
  waitSeconds: 14,
  talkSeconds: 209.88,
  outcome: 'answered',
  reason: 'The caller hung up.',
  agent: 'ApioUserTest1@sip.netaxis.be',
  offers: 1,
  hops: 0,
  isBounced: false,
  dispositionCodes: [{ code: 'SOLD', level: 'CallCenter' }],
}
