import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engines, type TestDatabase } from '../../../test/engines.ts'
import { DatabaseUnavailable, unauthorized } from '../../errors.ts'
import { type Feed, openFeed } from '../../writes/follow.ts'
import { changesLog, type KeptChange } from '../../writes/kept-changes.ts'
import { record } from '../../writes/record.ts'
import { streamOf } from '../../writes/stream.ts'
import { tellChanges } from './events.ts'

describe.each(engines)('a stream in which nothing happens on $name', (engine) => {
  let test: TestDatabase
  let feed: Feed<KeptChange>
  let ending: AbortController
  /** What the caller is told of their right. */
  let confirm: () => Promise<void>

  beforeEach(async () => {
    test = await engine.open()
    feed = openFeed(test.database, changesLog)
    ending = new AbortController()
    confirm = async () => {}
    await write()
  })
  afterEach(async () => {
    ending.abort()
    await feed.close()
    await test.remove()
  })

  function write(): Promise<void> {
    const change = {
      action: 'change',
      kind: 'user',
      target: '/',
      before: null,
      after: '{}',
    } as const
    const scope = { tenantKey: 'footenant' }
    return test.database.write((transaction) =>
      record(transaction, { ...change, scope }, { by: 'admin' }),
    )
  }

  function listen(tenantKey: string): AsyncGenerator<string, void> {
    const { signal } = ending
    return streamOf(
      { after: undefined, telling: tellChanges({ after: undefined }, { tenantKey }) },
      {
        caller: { confirm: () => confirm() },
        reader: test.database,
        signal,
        heartbeatMilliseconds: 20,
      },
      (until) => feed.follow(undefined, { scope: { tenantKey }, signal: until }),
    )
  }

  it('says that it is there, and how far the record was looked through for others’ changes', async () => {
    const texts = listen('othertenant')
    expect((await texts.next()).value).toBe('retry: 2000\n\n')
    expect((await texts.next()).value).toBe(':\nid: 1\n\n')
    expect((await texts.next()).value).toBe(':\nid: 1\n\n')
    await write()
    let text = ''
    while (text !== ':\nid: 2\n\n') {
      text = String((await texts.next()).value)
      expect(text).toMatch(/^:\nid: [12]\n\n$/)
    }
  })

  it('ends when the right is lost', async () => {
    const texts = listen('footenant')
    for (let count = 0; count < 3; count += 1) expect((await texts.next()).done).toBe(false)
    confirm = () => Promise.reject(unauthorized())
    expect((await texts.next()).done).toBe(true)
  })

  it('shows nothing while the database cannot tell whether the right holds, and then all of it', async () => {
    const texts = listen('footenant')
    for (let count = 0; count < 2; count += 1) await texts.next()
    let asked = 0
    confirm = async () => {
      asked += 1
      if (asked <= 2) throw new DatabaseUnavailable(undefined)
    }
    await write()
    let text = ''
    while (!text.includes('event: change')) text = String((await texts.next()).value)
    expect(text).toMatch(/^id: 2\nevent: change\ndata: \{"position":2,.*\}\n\n$/)
    expect(asked).toBeGreaterThan(2)
  })
})
