import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engines, type TestDatabase } from './engines.ts'
import { type Heard, type Listener, listenTo } from './listener.ts'
import { type Program, post, signIn, startProgram } from './program.ts'

const password = 'correct horse battery'
const tenants = '/api/v1/tenants/'

/** Who had the answer to their write. */
interface Writer {
  acknowledged: string[]
  stop(): Promise<void>
}

describe.each(engines)('a stream of changes of the program on $name', (engine) => {
  let test: TestDatabase
  let settings: Record<string, string>
  let started: Program[]

  beforeEach(async () => {
    test = await engine.open()
    settings = { DATABASE_URL: test.url, ADMIN_PASSWORD: password, DRAIN_SECONDS: '3600' }
    started = []
  })
  afterEach(async () => {
    for (const program of started) program.signal('SIGKILL')
    await Promise.all(started.map(({ ended }) => ended))
    await test.remove()
  })

  async function start(): Promise<Program> {
    const program = await startProgram(settings)
    started.push(program)
    return program
  }

  async function newToken({ url }: Program): Promise<string> {
    const cookie = (await signIn(url, 'admin', password)) ?? ''
    const answer = await post(`${url}/api/v1/tokens/`, { name: 'stream' }, { cookie })
    const { token } = (await answer.json()) as { token: string }
    return `Bearer ${token}`
  }

  /** Creates tenants, one after the other, at whichever program is there. */
  function write(name: string, authorization: string, programOf: () => Program): Writer {
    const acknowledged: string[] = []
    let isOver = false
    const done = (async () => {
      for (let count = 0; !isOver; count += 1) {
        const tenantId = `${name}-${count}`
        const body = { tenantId, type: 'Enterprise', defaultDomain: `${tenantId}.example` }
        const answer = await post(`${programOf().url}${tenants}`, body, { authorization }).catch(
          () => undefined,
        )
        if (answer?.status === 201) acknowledged.push(tenantId)
      }
    })()
    return {
      acknowledged,
      async stop() {
        isOver = true
        await done
      },
    }
  }

  /** The positions of all changes, newest first. */
  async function list({ url }: Program, authorization: string): Promise<number[]> {
    const positions: number[] = []
    let next: string | undefined = '/api/v1/changes/?pageSize=1000'
    while (next !== undefined) {
      const answer: Response = await fetch(`${url}${next}`, { headers: { authorization } })
      const { changes } = (await answer.json()) as { changes: { position: number }[] }
      positions.push(...changes.map(({ position }) => position))
      next = /<([^>]*)>/.exec(answer.headers.get('link') ?? '')?.[1]
    }
    return positions
  }

  const listen = ({ url }: Program, authorization: string, last: string): Promise<Listener> =>
    listenTo(`${url}/api/v1/changes/stream/`, { authorization, 'last-event-id': last })

  it('loses nothing of what was acknowledged when the program is killed, behind the last id and on another node', async () => {
    const isCluster = engine.name === 'PostgreSQL'
    let program = await start()
    let other = isCluster ? await start() : program
    const authorization = await newToken(program)
    const writers = [0, 1, 2].map((index) =>
      write(`t${index}`, authorization, () => (index === 0 ? program : other)),
    )
    const heard: Heard[] = []
    let last = '0'
    for (let round = 0; round < 3; round += 1) {
      const stream = await listen(program, authorization, last)
      const hear = (async () => {
        for await (const one of stream.heard) {
          if (one.event === 'change') heard.push(one)
          last = one.id ?? last
          if (heard.length > (round + 1) * 25) program.signal('SIGKILL')
        }
      })()
      await hear.catch(() => {})
      await program.ended
      const next = isCluster ? other : await start()
      program = next
      other = isCluster ? await start() : next
    }
    for (const writer of writers) await writer.stop()
    const acknowledged = writers.flatMap((writer) => writer.acknowledged)
    const stream = await listen(program, authorization, last)
    const isMissing = () => {
      const known = new Set(heard.map(({ data }) => data.after?.tenantId))
      return acknowledged.some((tenantId) => !known.has(tenantId))
    }
    while (isMissing()) heard.push(...(await stream.changes(1)))
    stream.leave()
    const positions = heard.map(({ id }) => Number(id))
    expect(positions).toEqual(positions.toSorted((one, next) => one - next))
    const until = positions.at(-1) ?? 0
    const expected = (await list(program, authorization)).filter((one) => one <= until)
    expect([...new Set(positions)]).toEqual(expected.toReversed())
    expect(acknowledged.length).toBeGreaterThan(25)
  }, 120_000)

  it('ends when the program is told to stop, and does not keep it', async () => {
    const program = await start()
    const authorization = await newToken(program)
    const stream = await listen(program, authorization, '0')
    await stream.changes(1)
    const rest = Array.fromAsync(stream.heard)
    program.signal('SIGTERM')
    await rest
    expect(await program.ended).toMatchObject({ code: 0 })
    expect(program.output()).toContain('"path":"/api/v1/changes/stream/","status":200')
    expect(program.output()).not.toMatch(/"level":(50|60)/)
  })
})
