import { describe, expect, it } from 'vitest'
import { createFairLine, type LineLimits } from './fair-line.ts'

/** Payers that may be one; each other payer is a site of its own. */
const customer = ['w', 'x', 'y', 'z']

/** A line whose work ends when it is told to, and what became of each piece of work in the order in which it did. */
function observe(limits: LineLimits) {
  const line = createFairLine(limits)
  const begun: string[] = []
  const refused: string[] = []
  const running = new Map<string, () => void>()

  function come(name: string, isGone = () => false): Promise<void> {
    const [payer = ''] = name
    const client = { payer, isGone, ...(customer.includes(payer) && { site: 'customer' }) }
    const work = () => {
      begun.push(name)
      return new Promise<void>((resolve) => running.set(name, resolve))
    }
    return line.run(client, work).catch((error) => {
      expect(error).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
      refused.push(name)
    })
  }

  /** Lets everything happen that can. */
  const settle = () => new Promise((resolve) => setImmediate(resolve))

  /** Ends the work that began first, one after the other, until none is left. */
  async function workOff(): Promise<void> {
    await settle()
    for (const [name, end] of running) {
      running.delete(name)
      end()
      await settle()
    }
  }

  return { come, settle, workOff, begun, refused, running }
}

describe('a line of dear work', () => {
  it('does so many pieces at once and no more', async () => {
    const { come, settle, begun, workOff } = observe({
      atOnce: 2,
      waitingMax: 9,
      waitingEachMax: 9,
    })
    for (const name of ['a1', 'a2', 'a3', 'b1']) void come(name)
    await settle()
    expect(begun).toEqual(['a1', 'a2'])
    await workOff()
    expect(begun).toEqual(['a1', 'a2', 'a3', 'b1'])
  })

  it('does no more of one payer at once than it may, whoever has brought more', async () => {
    const { come, settle, begun, workOff } = observe({
      atOnce: 2,
      atOnceEach: 1,
      waitingMax: 9,
      waitingEachMax: 9,
    })
    for (const name of ['a1', 'a2', 'a3']) void come(name)
    await settle()
    expect(begun).toEqual(['a1'])
    void come('b1')
    await settle()
    expect(begun).toEqual(['a1', 'b1'])
    await workOff()
    expect(begun).toEqual(['a1', 'b1', 'a2', 'a3'])
  })

  it('keeps a place until its rest is over, and nobody waiting for what is done', async () => {
    let endRest = () => {}
    const rest = () =>
      new Promise<void>((resolve) => {
        endRest = resolve
      })
    const { come, settle, begun, running } = observe({
      atOnce: 1,
      waitingMax: 9,
      waitingEachMax: 9,
      rest,
    })
    const first = come('a1')
    void come('b1')
    await settle()
    running.get('a1')?.()
    await first
    await settle()
    expect(begun).toEqual(['a1'])
    endRest()
    await settle()
    expect(begun).toEqual(['a1', 'b1'])
  })

  it('lets payers take turns, however many pieces one of them brings', async () => {
    const { come, begun, workOff } = observe({ atOnce: 1, waitingMax: 99, waitingEachMax: 99 })
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) void come(name)
    await workOff()
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4'])
  })

  it('lets each payer keep so many waiting and no more', async () => {
    const { come, begun, refused, workOff } = observe({
      atOnce: 1,
      waitingMax: 99,
      waitingEachMax: 2,
    })
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'b1']) void come(name)
    await workOff()
    expect(refused).toEqual(['a4', 'a5'])
    expect(begun).toEqual(['a1', 'a2', 'b1', 'a3'])
  })

  it('that is full takes whoever has a shorter line, in the place of the longest one’s last', async () => {
    const { come, begun, refused, workOff } = observe({
      atOnce: 1,
      waitingMax: 3,
      waitingEachMax: 3,
    })
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1', 'd1']) void come(name)
    await workOff()
    expect(refused.sort()).toEqual(['a3', 'a4', 'b2', 'd1'].sort())
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1'])
  })

  it('that one site fills with many payers takes whoever comes from elsewhere, in the places of theirs', async () => {
    const { come, begun, refused, workOff } = observe({
      atOnce: 1,
      waitingMax: 4,
      waitingEachMax: 4,
    })
    for (const name of ['x1', 'x2', 'y1', 'z1', 'w1', 'a1', 'b1', 'c1', 'd1', 'w2']) void come(name)
    await workOff()
    expect(refused.sort()).toEqual(['d1', 'w1', 'w2', 'y1', 'z1'])
    expect(begun).toEqual(['x1', 'x2', 'a1', 'b1', 'c1'])
  })

  it('that one site fills lets its payers make room for each other', async () => {
    const { come, begun, refused, workOff } = observe({
      atOnce: 1,
      waitingMax: 4,
      waitingEachMax: 4,
    })
    for (const name of ['x1', 'x2', 'x3', 'x4', 'y1', 'z1']) void come(name)
    await workOff()
    expect(refused).toEqual(['x4'])
    expect(begun).toEqual(['x1', 'x2', 'y1', 'z1', 'x3'])
  })

  it('does nothing for those who have gone, and is not held up by them', async () => {
    const { come, begun, refused, workOff } = observe({
      atOnce: 1,
      waitingMax: 9,
      waitingEachMax: 9,
    })
    for (const name of ['a1', 'a2', 'b1']) void come(name)
    void come('c1', () => true)
    await workOff()
    expect(begun).toEqual(['a1', 'a2', 'b1'])
    expect(refused).toEqual(['c1'])
  })

  it.each([
    ['its payer’s places', { atOnce: 1, waitingMax: 9, waitingEachMax: 3 }, 'a9'],
    ['all places', { atOnce: 1, waitingMax: 3, waitingEachMax: 3 }, 'd1'],
  ])('refuses nobody while some who have gone take %s', async (_, limits, name) => {
    const { come, begun, refused, settle, workOff } = observe(limits)
    const gone = new Set<string>()
    const names = name === 'a9' ? ['a1', 'a2', 'a3', 'a4'] : ['a1', 'a2', 'b1', 'c1']
    for (const one of names) void come(one, () => gone.has(one))
    await settle()
    for (const one of names.slice(1, 3)) gone.add(one)
    void come(name)
    await settle()
    expect(refused).toEqual(names.slice(1, 3))
    expect(begun).toEqual(names.slice(0, 1))
    // What they took is free again, and only that.
    const others = ['a6', 'a7'].map((one) => come(one))
    await settle()
    expect(refused).toEqual([...names.slice(1, 3), 'a7'])
    await workOff()
    await Promise.all(others)
    expect(begun.toSorted()).toEqual(
      [...names.filter((one) => !gone.has(one)), name, 'a6'].toSorted(),
    )
  })

  it('goes on after work that failed', async () => {
    const line = createFairLine({ atOnce: 1, waitingMax: 1, waitingEachMax: 1 })
    const client = { payer: 'a', isGone: () => false }
    const failing = line.run(client, async () => {
      throw new Error('failed')
    })
    const next = line.run(client, async () => 'done')
    await expect(failing).rejects.toThrow('failed')
    expect(await next).toBe('done')
  })

  it('that was full and is worked off takes as many as before', async () => {
    const { come, refused, workOff } = observe({ atOnce: 2, waitingMax: 3, waitingEachMax: 3 })
    for (let round = 0; round < 3; round += 1) {
      for (let index = 0; index < 6; index += 1) void come(`a${round}${index}`)
      await workOff()
      expect(refused.splice(0)).toEqual([`a${round}5`])
    }
  })
})
