import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEngines } from './configuration.ts'

const secret = 'correct horse battery'

const least = {
  name: 'zurich-1',
  url: 'https://pbx.example.org:8089',
  username: 'pointsman',
  passwordFile: 'secrets/password',
  country: 'CH',
  agents: 'PJSIP/{user}',
  numbers: 'PJSIP/{number}@trunk',
  media: { folder: '/srv/media/' },
}

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-engines-'))
  file = join(folder, 'engines.json')
  mkdirSync(join(folder, 'secrets'))
  writeFileSync(join(folder, 'secrets', 'password'), `${secret}\n`)
})
afterEach(() => rmSync(folder, { recursive: true }))

function read(content: unknown) {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return readEngines(file)
}

const readChanged = (changed: object) => read([{ ...least, ...changed }])

/** Expects a refusal of the whole file, and answers what is wrong with it. */
async function refusalOf(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error('It was taken.')
  const prefix = `POINTSMAN_ENGINES: the file '${file}' cannot be used: `
  const suffix = ' See docs/operating.md.'
  expect(error.message.startsWith(prefix)).toBe(true)
  expect(error.message.endsWith(suffix)).toBe(true)
  expect(error.message).not.toContain(secret)
  return error.message.slice(prefix.length, -suffix.length)
}

describe('a file of engines', () => {
  it('is read with the default of every member that is not there', async () => {
    expect(await read([least])).toEqual([
      {
        name: 'zurich-1',
        url: 'https://pbx.example.org:8089/ari',
        application: 'pointsman',
        username: 'pointsman',
        password: secret,
        country: 'CH',
        domain: undefined,
        peers: undefined,
        agents: 'PJSIP/{user}',
        numbers: 'PJSIP/{number}@trunk',
        uris: undefined,
        media: { kind: 'folder', folder: '/srv/media', ourFolder: '/srv/media' },
        headers: {
          alertInfo: {
            'Long-Long': 'Bellcore-dr2',
            'Short-Short-Long': 'Bellcore-dr3',
            'Short-Long-Short': 'Bellcore-dr4',
          },
          callInfo: '<sip:pointsman>;answer-after={seconds}',
        },
        fallback: undefined,
        callSecondsMax: 14_400,
      },
    ])
  })

  it('may say everything', async () => {
    const told = {
      application: 'calls',
      domain: 'sip.example.org',
      peers: ['trunk', 'other trunk'],
      uris: 'PJSIP/trunk/sip:{uri}',
      fallback: { context: 'fallback', extension: 's' },
      callSecondsMax: 60,
    }
    const alertInfo = { 'Long-Long': 'info=alert-group' }
    const media = { folder: '/srv/media', ourFolder: '/mnt/media' }
    const [engine] = await readChanged({ ...told, alertInfo, callInfo: '', media })
    expect(engine).toMatchObject({
      ...told,
      headers: {
        alertInfo: { 'Long-Long': 'info=alert-group', 'Short-Short-Long': 'Bellcore-dr3' },
        callInfo: '',
      },
      media: { kind: 'folder', folder: '/srv/media', ourFolder: '/mnt/media' },
    })
  })

  it('may list no engine, and many', async () => {
    expect(await read([])).toEqual([])
    const many = Array.from({ length: 100 }, (_, index) => ({
      ...least,
      name: `engine-${index}`,
      url: `https://pbx-${index}.example.org:8089`,
    }))
    expect(await read(many)).toHaveLength(100)
  })

  it.each([
    ['http://127.0.0.1:8088', 'http://127.0.0.1:8088/ari'],
    ['http://127.0.0.1:8088/', 'http://127.0.0.1:8088/ari'],
    ['https://pbx.example.org/one/ari/', 'https://pbx.example.org/one/ari'],
    ['http://[::1]:8088', 'http://[::1]:8088/ari'],
  ])('means by the URL %s the ARI at %s', async (url, root) => {
    expect(await readChanged({ url })).toMatchObject([{ url: root }])
  })

  it.each(['media', './media/', 'x/../media'])(
    'means by our folder %s one beside the file',
    async (ourFolder) => {
      const media = { folder: '/srv/media', ourFolder }
      expect(await readChanged({ media })).toMatchObject([
        { media: { folder: '/srv/media', ourFolder: join(folder, 'media') } },
      ])
    },
  )

  it('may have media fetched from us', async () => {
    expect(await readChanged({ media: { url: 'http://10.0.0.1:8080/' } })).toMatchObject([
      { media: { kind: 'url', url: 'http://10.0.0.1:8080' } },
    ])
  })
})

describe('a file of engines is refused as a whole, in words that name what is wrong,', () => {
  it.each([
    ['{', 'it is no JSON: see line 1, column 2.'],
    ['[\n{"name": "a" "b"}]', 'it is no JSON: see line 2, column 14.'],
    ['', 'it is no JSON.'],
    [secret, 'it is no JSON.'],
    [`["${secret}"`, 'it is no JSON: see line 1, column 25.'],
    ['{}', 'it must be a list of engines.'],
    ['"engines"', 'it must be a list of engines.'],
    ['null', 'it must be a list of engines.'],
    ['[null]', "The 'engines[0]' field cannot be cleared."],
    ['["zurich-1"]', "The 'engines[0]' field must be an object."],
  ])('for the content %j', async (content, reason) => {
    expect(await refusalOf(read(content))).toBe(reason)
  })

  it('for one that is missing, a folder, not of UTF-8, or too large', async () => {
    expect(await refusalOf(readEngines(file))).toContain('ENOENT')
    mkdirSync(file)
    expect(await refusalOf(readEngines(file))).toBe('it is no regular file.')
    rmSync(file, { recursive: true })
    writeFileSync(file, Buffer.from([0x5b, 0xff, 0x5d]))
    expect(await refusalOf(readEngines(file))).toContain('utf-8')
    expect(await refusalOf(read(`[]${' '.repeat(262_143)}`))).toBe('it has more than 262144 bytes.')
    expect(await read(`[]${' '.repeat(262_142)}`)).toEqual([])
  })

  it.each(Object.keys(least))('for an engine without %s', async (member) => {
    const { [member]: _, ...rest } = least as Record<string, unknown>
    expect(await refusalOf(read([rest]))).toBe(`The 'engines[0].${member}' field is required.`)
  })

  it.each<[member: string, value: unknown]>([
    ['name', 'a name'],
    ['name', '-a'],
    ['name', 'a'.repeat(33)],
    ['name', ''],
    ['name', 'zurich\n'],
    ['url', 'pbx.example.org'],
    ['url', 'ftp://pbx.example.org'],
    ['url', `http://pointsman:${secret}@pbx.example.org`],
    ['url', 'http://pbx.example.org/?a=b'],
    ['url', 'http://pbx.example.org/#a'],
    ['url', 5],
    ['application', 'a b'],
    ['application', 'a,b'],
    ['username', ''],
    ['username', 'two:parts'],
    ['username', 'línea'],
    ['username', 'a\r\nb'],
    ['country', 'ch'],
    ['country', 'XX'],
    ['country', 'CHE'],
    ['domain', 'sip.example.org:5060'],
    ['peers', 'trunk'],
    ['agents', 'PJSIP/agent'],
    ['agents', 'PJSIP/{number}'],
    ['agents', 'PJSIP/{user}&PJSIP/other'],
    ['agents', 'PJSIP/{user} '],
    ['agents', 'PJSIP/{user}"'],
    ['agents', 'PJSIP/{user}\n'],
    ['agents', '{user}'],
    ['numbers', 'PJSIP/{user}@trunk'],
    ['numbers', 'PJSIP/{number'],
    ['uris', 'PJSIP/trunk/sip:{number}'],
    ['fallback.context', 'a,b'],
    ['alertInfo.Long-Long', 'a\r\nVia: x'],
    ['callInfo', 'answer-after={second}'],
    ['callInfo', 'a\r\nVia: x'],
    ['callSecondsMax', 59],
    ['callSecondsMax', 86_401],
    ['callSecondsMax', '60'],
    ['media.folder', 'media'],
    ['media.folder', '/srv/me dia'],
    ['media.url', 'file:///srv/media'],
  ])('for %s of %j', async (path, value) => {
    const [member = '', inner] = path.split('.')
    const whole = { fallback: { context: 'a', extension: 's' } }[member] ?? {}
    const changed = inner === undefined ? value : { ...whole, [inner]: value }
    const reason = await refusalOf(readChanged({ [member]: changed }))
    expect(reason).toMatch(/^The 'engines\[0\]\.[^']+' field .+\.$/)
    expect(reason).toContain(`'engines[0].${path}'`)
  })

  it('for unknown members, wherever they are, without their values', async () => {
    const changed = {
      password: secret,
      media: { ...least.media, password: secret },
      alertInfo: { Normal: secret },
      fallback: { context: 'a', extension: 's', priority: 1 },
    }
    const reason = await refusalOf(readChanged(changed))
    for (const path of ['password', 'media.password', 'alertInfo.Normal', 'fallback.priority']) {
      expect(reason).toContain(`The 'engines[0].${path}' field is unknown.`)
    }
  })

  it('for everything that is wrong, at once', async () => {
    const other = { ...least, name: 'other', url: 'nowhere', country: 'XX', media: {} }
    const reason = await refusalOf(read([least, other]))
    expect(reason.match(/'engines\[\d\]\.\w+'/g)).toEqual([
      "'engines[1].url'",
      "'engines[1].country'",
      "'engines[1].media'",
    ])
  })

  it('for two engines of one name, in whatever case', async () => {
    const reason = await refusalOf(read([least, { ...least, name: 'Zurich-1', url: 'http://b' }]))
    expect(reason).toBe("The 'engines[1].name' field has the name of another engine.")
  })

  it.each([
    ['https://pbx.example.org:8089', 'https://pbx.example.org:8089/ari'],
    ['https://pbx.example.org:8089', 'https://PBX.example.org:8089/'],
    ['https://pbx.example.org/ari/', 'https://pbx.example.org:443'],
  ])('for two engines of one application, at %s and %s', async (url, same) => {
    const other = { ...least, name: 'other', url: same, application: 'pointsman' }
    expect(await refusalOf(read([{ ...least, url }, other]))).toBe(
      "The 'engines[1].url' field gives 'other' the URL and the application of 'zurich-1'.",
    )
    expect(
      await read([
        { ...least, url },
        { ...other, application: 'more' },
      ]),
    ).toHaveLength(2)
  })

  it.each([
    [{ folder: '/' }, "'engines[0].media.folder'"],
    [{ folder: '/srv/../' }, "'engines[0].media.folder'"],
    [{ folder: '/srv/media', ourFolder: '/' }, "'engines[0].media.ourFolder'"],
    [{ folder: '/srv/media', ourFolder: '../'.repeat(40) }, "'engines[0].media.ourFolder'"],
    [{ folder: '/srv/media', url: 'http://10.0.0.1' }, "'engines[0].media'"],
    [{ url: 'http://10.0.0.1', ourFolder: '/srv/media' }, "'engines[0].media.ourFolder'"],
  ])('for media in %j', async (media, named) => {
    expect(await refusalOf(readChanged({ media }))).toContain(named)
  })
})

describe('the file of a password', () => {
  it('is found beside the file of engines, or by its whole path', async () => {
    const path = join(folder, 'secrets', 'password')
    expect(await readChanged({ passwordFile: path })).toMatchObject([{ password: secret }])
  })

  it.each([
    ['is missing', undefined, 'ENOENT'],
    ['is empty', '', 'it is empty'],
    ['has a line end alone', '\n', 'it is empty'],
    ['has two lines', `${secret}\n${secret}\n`, 'it has a control character'],
    ['has an empty line', `${secret}\n\n`, 'it has a control character'],
    ['has a tab', `${secret}\t`, 'it has a control character'],
    ['is too large', `${secret}${'x'.repeat(4_096)}`, 'it has more than 4096 bytes'],
  ])('that %s is named, with the member that names it', async (_, content, reason) => {
    if (content !== undefined) writeFileSync(join(folder, 'other'), content)
    const other = { ...least, name: 'b', url: 'http://b', passwordFile: 'other' }
    const refusal = await refusalOf(read([least, other]))
    const path = join(folder, 'other')
    expect(refusal).toContain(`'engines[1].passwordFile' names '${path}': `)
    expect(refusal).toContain(reason)
  })
})
