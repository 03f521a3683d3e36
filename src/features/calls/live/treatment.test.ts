import { expect, it } from 'vitest'
import { Exchange } from '../../../../test/exchange.ts'
import { newCall } from '../call.ts'
import { createLine } from './line.ts'
import { type Decision, type Desk, type LiveCall, performAll } from './treatment.ts'

const known = {
  ...{ id: 'call', engine: 'test', leg: 'caller', dialled: '5000', arrivedAt: 0, dnis: null },
  caller: { name: '', number: '' },
  routePoint: ['t', 'g', 'rp'] as const,
}

it.each([
  ['goes on as undone while the lease is held', 1_000, ['undone']],
  ['is left to whoever has the lease next when it is over', 0, []],
])('what the engine did not do %s', async (_, leftMilliseconds, events) => {
  const exchange = new Exchange()
  const lease = { generation: 1, leftMilliseconds: () => leftMilliseconds }
  const call = newCall(known, 60)
  const station = exchange.post.open(lease)
  const live: LiveCall = { call, station, line: createLine(), touchedAt: 0 }
  const silent = { info() {}, warn() {}, error() {} }
  exchange.faults.set('connect', 'unreachable')
  const actions: Decision['actions'] = [{ do: 'connect', bridge: 'bridge', leg: 'leg' }]
  const decision = { before: call, call, actions, told: [], state: undefined, isRefused: false }
  const undone = await performAll({ media: {} as Desk['media'], logger: silent }, live, decision)
  expect(undone.map(({ type }) => type)).toEqual(events)
})
