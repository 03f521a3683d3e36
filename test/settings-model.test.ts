import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { wave } from './audio.ts'
import { engines } from './engines.ts'
import { seed } from './seed.ts'
import { createWorld, group, routePoint, type World } from './world.ts'

type State = Record<string, unknown>

interface Model {
  setting: string
  path: string
  members: Record<string, fc.Arbitrary<unknown>>
  clearable: readonly string[]
  /** Clearable members that are no text, for which `""` clears nothing. */
  objects?: readonly string[]
  /** Members that take any text. */
  texts?: readonly string[]
  default: State
  /** Members that a whole state lacks; such a change is to be refused. */
  lacking(state: State): string[]
  /** The member that holds everything, where the setting has one. */
  wrapped?: string
}

const announcements = ['APIO Test Announcement', 'APIO Group Test Announcement', 'Ünïcode / 100%']
const boolean = fc.boolean()
const destination = fc.constantFrom('5001', '+3225126779', 'desk@sip.example.org')
const ringPattern = fc.constantFrom('Normal', 'Long-Long', 'Short-Short-Long', 'Short-Long-Short')

function slotList(member: string, values: readonly string[]): fc.Arbitrary<unknown> {
  const named = [...values, 'Unmodify'].map((value) => ({ [member]: value }))
  return fc.array(fc.constantFrom(...named, null), { maxLength: 4 })
}

const audio = {
  audioMessageSelection: fc.constantFrom('Default', 'File', 'URL'),
  audioFileList: slotList('name', announcements),
  audioUrlList: slotList('url', ['http://audio.example/1.wav', 'https://audio.example/2']),
}

function lackingAudio(state: State): string[] {
  const list = { File: 'audioFileList', URL: 'audioUrlList' }[String(state.audioMessageSelection)]
  return list !== undefined && state[list] === undefined ? [list] : []
}

const cliMembers = ['cliPhoneNumber', 'cliLastName', 'cliFirstName'] as const

const models: readonly Model[] = [
  {
    setting: 'announcements',
    path: `${routePoint}announcements/`,
    wrapped: 'mediaOnHoldForQueuedCalls',
    members: audio,
    clearable: [],
    default: { audioMessageSelection: 'Default' },
    lacking: lackingAudio,
  },
  {
    setting: 'overflow',
    path: `${routePoint}overflow/`,
    members: {
      action: fc.constantFrom('Busy', 'Transfer', 'Ringing'),
      transferPhoneNumber: destination,
      playAnnouncementBeforeOverflowProcessing: boolean,
      overflowAfterTimeout: boolean,
      timeoutSeconds: fc.integer({ min: 0, max: 7_200 }),
      ...audio,
    },
    clearable: ['transferPhoneNumber'],
    default: {
      action: 'Busy',
      playAnnouncementBeforeOverflowProcessing: false,
      overflowAfterTimeout: false,
      timeoutSeconds: 30,
      audioMessageSelection: 'Default',
    },
    lacking: (state) => [
      ...(state.action === 'Transfer' && state.transferPhoneNumber === undefined
        ? ['transferPhoneNumber']
        : []),
      ...lackingAudio(state),
    ],
  },
  {
    setting: 'bounced_call',
    path: `${routePoint}bounced_call/`,
    members: {
      active: boolean,
      numberOfRingsBeforeBouncingCall: fc.integer({ min: 1, max: 20 }),
      enableTransfer: boolean,
      transferPhoneNumber: destination,
      bounceCallWhenAgentUnavailable: boolean,
    },
    clearable: ['transferPhoneNumber'],
    default: {
      active: false,
      numberOfRingsBeforeBouncingCall: 5,
      enableTransfer: false,
      bounceCallWhenAgentUnavailable: false,
    },
    lacking: (state) =>
      state.enableTransfer && state.transferPhoneNumber === undefined
        ? ['transferPhoneNumber']
        : [],
  },
  {
    setting: 'distinctive_ringing',
    path: `${routePoint}distinctive_ringing/`,
    members: {
      distinctiveRinging: boolean,
      ringPatternForRoutePoint: ringPattern,
      forceDeliveryRingPattern: ringPattern,
    },
    clearable: [],
    default: {
      distinctiveRinging: false,
      ringPatternForRoutePoint: 'Normal',
      forceDeliveryRingPattern: 'Normal',
    },
    lacking: () => [],
  },
  {
    setting: 'dnis_config',
    path: `${routePoint}dnis_config/`,
    members: { displayDNISNumber: boolean, displayDNISName: boolean },
    clearable: [],
    default: { displayDNISNumber: false, displayDNISName: false },
    lacking: () => [],
  },
  {
    setting: 'forced_forwarding',
    path: `${routePoint}forced_forwarding/`,
    members: {
      active: boolean,
      forwardToPhoneNumber: destination,
      playAnnouncementBeforeForwarding: boolean,
      ...audio,
    },
    clearable: ['forwardToPhoneNumber'],
    default: {
      active: false,
      playAnnouncementBeforeForwarding: false,
      audioMessageSelection: 'Default',
    },
    lacking: (state) => [
      ...(state.active && state.forwardToPhoneNumber === undefined ? ['forwardToPhoneNumber'] : []),
      ...lackingAudio(state),
    ],
  },
  {
    setting: 'failover_policy',
    path: `${routePoint}failover_policy/`,
    members: {
      enableFailoverSupport: boolean,
      failoverPhoneNumber: destination,
      perCallEnableFailoverSupport: boolean,
      perCallCallFailureTimeoutSeconds: fc.integer({ min: 1, max: 60 }),
      perCallFailoverPhoneNumber: destination,
    },
    clearable: ['failoverPhoneNumber', 'perCallFailoverPhoneNumber'],
    default: {
      enableFailoverSupport: false,
      perCallEnableFailoverSupport: false,
      perCallCallFailureTimeoutSeconds: 10,
    },
    lacking: (state) => [
      ...(state.enableFailoverSupport && state.failoverPhoneNumber === undefined
        ? ['failoverPhoneNumber']
        : []),
      ...(state.perCallEnableFailoverSupport && state.perCallFailoverPhoneNumber === undefined
        ? ['perCallFailoverPhoneNumber']
        : []),
    ],
  },
]

const ownDefault = { code: 'own', level: 'CallCenter' }
const groupDefault = { code: 'group', level: 'Group' }

const modelsBeside: readonly Model[] = [
  {
    setting: 'dnis',
    path: `${routePoint}dnis/Model/`,
    members: {
      phoneNumber: fc.constantFrom('025126780', '+3225126781'),
      extension: fc.constantFrom('9998', '9999'),
      useCustomCLIDSettings: boolean,
      cliPhoneNumber: fc.constantFrom('025126780', '+3225126781'),
      cliLastName: fc.constantFrom('Last', 'Ünïcode'),
      cliFirstName: fc.constantFrom('First', '😀'),
      useCustomDnisAnnouncementSettings: boolean,
      allowOutgoingACDCall: boolean,
    },
    clearable: ['phoneNumber', 'extension', ...cliMembers],
    texts: ['cliLastName', 'cliFirstName'],
    default: {
      name: 'Model',
      useCustomCLIDSettings: false,
      useCustomDnisAnnouncementSettings: false,
      allowOutgoingACDCall: false,
    },
    lacking: (state) =>
      state.useCustomCLIDSettings ? cliMembers.filter((member) => state[member] === undefined) : [],
  },
  {
    setting: 'dnis_announcements',
    path: `${routePoint}dnis_announcements/Model/`,
    wrapped: 'mediaOnHoldForQueuedCalls',
    members: audio,
    clearable: [],
    default: { audioMessageSelection: 'Default' },
    lacking: lackingAudio,
  },
  {
    setting: 'disposition_codes_config',
    path: `${routePoint}disposition_codes_config/`,
    members: {
      enableCallDispositionCodes: boolean,
      includeOrganizationCodes: boolean,
      forceUseOfCallDispositionCodes: boolean,
      defaultCallDispositionCode: fc.constantFrom(ownDefault, groupDefault),
    },
    clearable: ['defaultCallDispositionCode'],
    objects: ['defaultCallDispositionCode'],
    default: {
      enableCallDispositionCodes: false,
      includeOrganizationCodes: false,
      forceUseOfCallDispositionCodes: false,
    },
    lacking(state) {
      const chosen = state.defaultCallDispositionCode
      const isMissing = state.forceUseOfCallDispositionCodes && chosen === undefined
      const isLeftOut = chosen === groupDefault && !state.includeOrganizationCodes
      return isMissing || isLeftOut ? ['defaultCallDispositionCode'] : []
    },
  },
  {
    setting: 'call_centers',
    path: `${group}users/agent/services/call_centers/`,
    members: {
      outgoingCallDNIS: fc.constantFrom(
        { serviceUserId: 'APIOTestRP@sip.netaxis.be', name: 'Outgoing' },
        { serviceUserId: 'APIOTestRP@sip.netaxis.be', name: 'Other outgoing' },
      ),
      makeOutgoingCallsAsCallCenter: boolean,
    },
    clearable: ['outgoingCallDNIS'],
    objects: ['outgoingCallDNIS'],
    default: { makeOutgoingCallsAsCallCenter: false, agentState: 'Available' },
    lacking: () => [],
  },
]

/** The design's rules of merging, told a second time and on purpose without the product's code. */
function merged(state: State, change: State): State {
  const next: State = { ...state }
  for (const [member, value] of Object.entries(change)) {
    if (Array.isArray(value)) next[member] = mergedSlots(state[member], value)
    else if (value === null || value === '') delete next[member]
    else next[member] = value
    if (next[member] === undefined) delete next[member]
  }
  return next
}

function mergedSlots(stored: unknown, change: (object | null)[]): unknown[] | undefined {
  const four = Array.from({ length: 4 }, (_, at) => {
    const kept = Array.isArray(stored) ? (stored[at] ?? null) : null
    const item = change[at]
    if (item === undefined) return kept
    return item !== null && Object.values(item)[0] === 'Unmodify' ? kept : item
  })
  const last = four.findLastIndex((item) => item !== null)
  return last < 0 ? undefined : four.slice(0, last + 1)
}

function changeOf({ members, clearable, objects = [] }: Model): fc.Arbitrary<State> {
  const values = Object.entries(members).map(([member, valid]) => [
    member,
    clearable.includes(member)
      ? fc.oneof(
          { weight: 3, arbitrary: valid },
          fc.constantFrom(null, ...(objects.includes(member) ? [] : [''])),
        )
      : valid,
  ])
  return fc.record(Object.fromEntries(values), { requiredKeys: [] })
}

/** One member with a value that is no value of it. */
function invalidChangeOf({ members, clearable, texts = [] }: Model): fc.Arbitrary<[string, State]> {
  const wrong = fc.constantFrom<unknown>(
    -1,
    1.5,
    'no such value',
    [],
    { surprise: 1 },
    10 ** 9,
    [1, 2, 3, 4, 5],
  )
  return fc.constantFrom(...Object.keys(members)).chain((member) => {
    const nothing = clearable.includes(member) ? [] : [fc.constant(null)]
    const fitting = wrong.filter((value) => {
      if (value === -1 || value === 10 ** 9 || value === 1.5) return true
      if (value === 'no such value') return !texts.includes(member)
      return !(Array.isArray(value) && value.length === 0 && member.endsWith('List'))
    })
    return fc
      .oneof(fitting, ...nothing)
      .map((value): [string, State] => [member, { [member]: value }])
  })
}

describe.each(engines)(`settings on $name, as a model tells them (seed ${seed})`, (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    for (const name of announcements) {
      const body = { name, content: wave() }
      const { status, text } = await world.ask('system', 'POST', `${group}announcements/`, body)
      expect(status, text).toBe(201)
    }
    const codes = `${group}services/call_centers_properties/disposition_codes/`
    expect((await world.ask('system', 'POST', codes, { code: 'group' })).status).toBe(201)
  })
  afterAll(() => world.close())

  async function freshRoutePoint(): Promise<void> {
    await world.ask('system', 'DELETE', routePoint)
    await world.ask('system', 'POST', `${group}services/route_points/`, {
      serviceUserId: 'APIOTestRP',
      serviceInstanceProfile: { name: 'Hotline' },
    })
    await world.ask('system', 'POST', `${routePoint}disposition_codes/`, { code: 'own' })
    await world.ask('system', 'POST', `${routePoint}dnis/`, { name: 'Model' })
    for (const name of ['Outgoing', 'Other outgoing']) {
      const body = { name, allowOutgoingACDCall: true }
      await world.ask('system', 'POST', `${routePoint}dnis/`, body)
    }
    const path = `${group}users/agent/services/call_centers/`
    await world.ask('system', 'PUT', path, { makeOutgoingCallsAsCallCenter: false })
  }
  beforeEach(freshRoutePoint)

  describe.each([...models, ...modelsBeside])('$setting', (model) => {
    const { path, wrapped } = model
    const wrap = (value: State): State => (wrapped === undefined ? value : { [wrapped]: value })
    const parameter = (member: string) => (wrapped === undefined ? member : `${wrapped}.${member}`)
    const put = (change: State) => world.ask('groupAdmin', 'PUT', path, wrap(change))
    const get = async () => (await world.ask('groupAdmin', 'GET', path)).body

    it('partial updates come to what the model says, and a refused one changes nothing', async () => {
      const property = fc.asyncProperty(
        fc.array(changeOf(model), { maxLength: 6 }),
        async (changes) => {
          await freshRoutePoint()
          let state = model.default
          for (const change of changes) {
            const next = merged(state, change)
            const lacking = model.lacking(next).map(parameter)
            const { status, body } = await put(change)
            if (lacking.length === 0) {
              state = next
              expect(status).toBe(200)
              expect(body).toEqual(wrap(state))
            } else {
              expect(status).toBe(400)
              expect(body.errors.map((error: { parameter: string }) => error.parameter)).toEqual(
                lacking,
              )
            }
            expect(await get()).toEqual(wrap(state))
          }
        },
      )
      await fc.assert(property, { seed, numRuns: 25 })
    })

    it('what GET answers is a PUT that changes nothing', async () => {
      const property = fc.asyncProperty(changeOf(model), async (change) => {
        await put(change)
        const before = await get()
        const { status, body } = await world.ask('groupAdmin', 'PUT', path, before)
        expect(status).toBe(200)
        expect(body).toEqual(before)
        expect(await get()).toEqual(before)
      })
      await fc.assert(property, { seed, numRuns: 25 })
    })

    it('an invalid value is refused by its name and changes nothing', async () => {
      const property = fc.asyncProperty(invalidChangeOf(model), async ([member, change]) => {
        const before = await get()
        const { status, body } = await put(change)
        expect(status, JSON.stringify(change)).toBe(400)
        for (const error of body.errors) {
          expect(error.code).toBe(2)
          expect(error.parameter.startsWith(parameter(member))).toBe(true)
        }
        expect(await get()).toEqual(before)
      })
      await fc.assert(property, { seed, numRuns: 40 })
    })
  })
})
