import { afterEach, describe, expect, it, vi } from 'vitest'
import { TreatedCall } from '../../../../test/treated-calls.ts'
import { keepDeadlines } from './deadlines.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('a deadline', () => {
  it('comes in its time though the clock is set back meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const at = Date.now() + 50
    const { call } = new TreatedCall({}, { timers: { noAnswer: at } })
    const due = vi.fn()
    const deadlines = keepDeadlines(due)
    deadlines.keep(call)
    vi.setSystemTime(Date.now() - 3_600_000)
    await vi.waitFor(() => expect(due).toHaveBeenCalledWith(call.id, 'noAnswer', at), 10_000)
    deadlines.close()
  })
})
