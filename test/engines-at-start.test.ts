import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AriServer, engineEntry } from './ari-server.ts'
import { startAsterisk } from './asterisk.ts'
import { type Program, startProgram } from './program.ts'
import { canPlayCalls } from './programs.ts'

const secret = 'correct-horse-battery'

let folder: string
let file: string
let program: Program | undefined
let ari: AriServer | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-engines-'))
  file = join(folder, 'engines.json')
  writeFileSync(join(folder, 'password'), `${secret}\n`)
})
afterEach(async () => {
  program?.signal('SIGKILL')
  await program?.ended
  program = undefined
  await ari?.close()
  ari = undefined
  rmSync(folder, { recursive: true })
})

const write = (engines: unknown) => writeFileSync(file, JSON.stringify(engines))

async function start(): Promise<Program> {
  program = await startProgram({
    DATABASE_URL: `sqlite:${join(folder, 'test.db')}`,
    MEDIA_FOLDER: join(folder, 'media'),
    ADMIN_PASSWORD: 'not the secret of an engine',
    ENGINES: file,
  })
  return program
}

interface Line {
  level: number
  msg: string
  engine?: string
  reason?: string
  version?: string
}

const info = 30
const warn = 40
const error = 50

/** What the log tells at least at this level. */
const linesOf = ({ output }: Program, least = warn): Line[] =>
  output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line))
    .filter(({ level }) => level >= least)

/** Expects that the API is served as ever, and that nobody can read the engine's password. */
async function expectToServe({ url, output }: Program): Promise<void> {
  for (const path of ['/healthz', '/readyz', '/openapi.json']) {
    expect((await fetch(`${url}${path}`)).status).toBe(200)
  }
  expect(output()).not.toContain(secret)
  const encoded = Buffer.from(`pointsman:${secret}`).toString('base64')
  expect(output()).not.toContain(encoded)
}

async function metricsOf({ metricsUrl }: Program): Promise<string[]> {
  const text = await (await fetch(metricsUrl)).text()
  return text.split('\n').filter((line) => line.startsWith('pointsman_engine'))
}

describe('a file of engines that cannot be used leaves the API as it is, and the log says in one line what is wrong:', () => {
  it.each<[what: string, prepare: () => void, named: string]>([
    ['no file', () => {}, 'ENOENT'],
    ['no JSON', () => writeFileSync(file, `${secret} is no JSON`), 'it is no JSON'],
    ['no list', () => write(engineEntry()), 'it must be a list of engines'],
    [
      'an unknown member',
      () => write([engineEntry({ password: secret })]),
      "The 'engines[0].password' field is unknown.",
    ],
    [
      'a missing member',
      () => write([engineEntry({ country: undefined })]),
      "The 'engines[0].country' field is required.",
    ],
    [
      'a wrong value',
      () => write([engineEntry({ url: `http://pointsman:${secret}@127.0.0.1` })]),
      "The 'engines[0].url' field must be http:// or https://",
    ],
    [
      'two engines of one name',
      () => write([engineEntry(), engineEntry()]),
      "The 'engines[1].name' field has the name of another engine.",
    ],
    [
      'no file of a password',
      () => write([engineEntry({ passwordFile: 'elsewhere' })]),
      "'engines[0].passwordFile' names '",
    ],
    [
      'an empty password',
      () => {
        writeFileSync(join(folder, 'empty'), '\n')
        write([engineEntry({ passwordFile: 'empty' })])
      },
      'it is empty',
    ],
    ['too large a file', () => writeFileSync(file, ' '.repeat(300_000)), 'more than 262144 bytes'],
  ])('%s', async (_, prepare, named) => {
    prepare()
    const started = await start()
    const lines = linesOf(started)
    expect(lines).toHaveLength(1)
    expect(lines[0]?.level).toBe(error)
    const begin = `No calls are treated: POINTSMAN_ENGINES: the file '${file}' cannot be used: `
    expect(lines[0]?.msg.startsWith(begin), lines[0]?.msg).toBe(true)
    expect(lines[0]?.msg).toContain(named)
    await expectToServe(started)
    expect(await metricsOf(started)).toEqual(['pointsman_engines 0'])
  })
})

describe('an engine that cannot be used leaves the API as it is, and the log says once why:', () => {
  async function expectUnusable(url: string, reason: RegExp): Promise<Program> {
    write([engineEntry({ url })])
    const started = await start()
    await expect.poll(() => linesOf(started).length, { timeout: 15_000 }).toBeGreaterThan(0)
    expect(linesOf(started)).toMatchObject([
      { engine: 'zurich-1', msg: 'the engine cannot be reached; it is tried again' },
    ])
    expect(linesOf(started)[0]?.reason).toMatch(reason)
    await expectToServe(started)
    const told = await metricsOf(started)
    expect(told).toContain('pointsman_engines 1')
    expect(told).toContain('pointsman_engine_connected{engine="zurich-1"} 0')
    expect(told).toContain('pointsman_engine_ready{engine="zurich-1"} 0')
    expect(told).toContain('pointsman_engine_connections_total{engine="zurich-1"} 0')
    return started
  }

  it('nothing listens there', async () => {
    const gone = await AriServer.open()
    await gone.close()
    await expectUnusable(gone.url, /^GET \/asterisk\/info: .*ECONNREFUSED/)
  })

  it('its version is too old, which is asked for again in half a minute only', async () => {
    ari = await AriServer.open()
    ari.version = '20.19.0'
    await expectUnusable(ari.url, /^it is Asterisk "20\.19\.0", and 22\.10 or later is needed$/)
    expect(ari.asked).toEqual(['GET /asterisk/info'])
  })

  it('what answers there is another program', async () => {
    ari = await AriServer.open()
    ari.answering = (_, response) => {
      response.end('<html>')
      return true
    }
    await expectUnusable(ari.url, /^GET \/asterisk\/info: the answer is no JSON/)
  })

  it.skipIf(!canPlayCalls())('it wants another password', async () => {
    const asterisk = await startAsterisk()
    try {
      await expectUnusable(asterisk.ari.url, /^GET \/asterisk\/info was answered 401: /)
    } finally {
      await asterisk.stop()
    }
  })
})

describe('an engine that can be used', () => {
  it('is told by the log, by its version, and by the metrics', async () => {
    ari = await AriServer.open()
    write([engineEntry({ url: ari.url })])
    const started = await start()
    const ready = 'pointsman_engine_ready{engine="zurich-1"} 1'
    await expect.poll(() => metricsOf(started), { timeout: 15_000 }).toContain(ready)
    const told = await metricsOf(started)
    expect(told).toContain('pointsman_engine_connected{engine="zurich-1"} 1')
    expect(told).toContain('pointsman_engine_connections_total{engine="zurich-1"} 1')
    expect(linesOf(started)).toEqual([])
    const line = { engine: 'zurich-1', msg: 'the engine is connected', version: '22.10.1' }
    await expect
      .poll(() => linesOf(started, info), { timeout: 15_000 })
      .toContainEqual(expect.objectContaining(line))
    await expectToServe(started)
  })
})
