import { describe, expect, it } from 'vitest'
import { channel } from '../../test/ari-server.ts'
import { eventNames, readEvent } from './resources.ts'

const one = channel('c1')

/** Every event that is asked for, as small as it may be. */
const events = {
  StasisStart: { channel: one },
  StasisEnd: { channel: one },
  ChannelStateChange: { channel: one },
  ChannelDestroyed: { channel: one, cause: 16 },
  Dial: { peer: one, dialstatus: 'RINGING' },
  PlaybackFinished: { playback: { id: 'p1', state: 'done' } },
  ChannelUserevent: { eventname: 'proof' },
  ApplicationReplaced: {},
}

const textOf = (type: string, members: object) => JSON.stringify({ type, ...members })

describe('an event', () => {
  it('is one of those that are asked for', () => {
    expect(Object.keys(events)).toEqual(eventNames)
  })

  it.each(Object.entries(events))('%s is read, whatever else it has', (type, members) => {
    expect(readEvent(textOf(type, members))).toEqual({ type, ...members })
    const text = textOf(type, { ...members, asterisk_id: 'x', timestamp: 5 })
    expect(readEvent(text)).toMatchObject({ type, ...members })
  })

  const lacking = Object.entries(events).flatMap(([type, members]) =>
    Object.keys(members).map((member) => [type, member] as const),
  )
  it.each(lacking)('%s without its %s is refused', (type, member) => {
    const { [member]: _, ...rest } = events[type as keyof typeof events] as Record<string, unknown>
    expect(() => readEvent(textOf(type, rest))).toThrow(`it is no whole ${type}`)
  })

  it.each([
    { id: '' },
    { id: 5 },
    { id: null },
    { name: undefined },
    { state: {} },
    { caller: 'Anna' },
    { caller: { name: 'Anna' } },
    { dialplan: [] },
    { channelvars: { SIPDOMAIN: 5 } },
  ])('whose channel has %j is refused', (changed) => {
    const text = textOf('StasisStart', { channel: channel('c1', changed) })
    expect(() => readEvent(text)).toThrow('it is no whole StasisStart')
  })

  it.each(['ChannelVarset', 'Unheard', 'constructor', '__proto__', 'toString'])(
    '%s is none of ours',
    (type) => {
      expect(readEvent(textOf(type, {}))).toBeUndefined()
    },
  )

  it.each(['{}', '[]', 'null', '5', '"StasisStart"', '{"type":5}', '{"type":""}', '{"type":null}'])(
    '%s has no type',
    (text) => {
      expect(() => readEvent(text)).toThrow('it has no type')
    },
  )

  it.each(['', '{', 'StasisStart', '['.repeat(500_000)])('that is no JSON is refused', (text) => {
    expect(() => readEvent(text)).toThrow(SyntaxError)
  })
})
