import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { wave, waveFile } from '../../../test/audio.ts'
import { engines } from '../../../test/engines.ts'
import { encodeForm } from '../../../test/form.ts'
import { expectRawRefusal, openSockets, type Sockets } from '../../../test/sockets.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  type Person,
  type World,
} from '../../../test/world.ts'

const collection = `${group}announcements/`
const welcome = `${collection}Welcome/`
const bytesMax = 100_000
const file = waveFile()

type Parts = [name: string, value: string | Buffer][]

describe.each(engines)('forms that bring an announcement, on $name', (engine) => {
  let world: World
  let sockets: Sockets
  beforeAll(async () => {
    world = await createWorld(engine, { POINTSMAN_ANNOUNCEMENT_BYTES_MAX: String(bytesMax) })
    sockets = await openSockets(world)
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    for (const name of ['Welcome', 'New']) {
      await world.ask('system', 'DELETE', `${collection}${name}/`)
    }
    await world.ask('system', 'POST', collection, { name: 'Welcome', content: wave() })
  })

  async function send(method: string, url: string, parts: Parts, person: Person = 'groupAdmin') {
    const { body, headers } = await encodeForm(parts)
    return world.ask(person, method, url, body, headers)
  }

  it.each([
    ['nobody', 401],
    ['endUser', 403],
    ['departmentAdmin', 403],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('are refused from %s', async (person, status) => {
    await expectUnchanged(world, async () => {
      const parts: Parts = [
        ['name', 'New'],
        ['content', file],
      ]
      expectRefusal(await send('POST', collection, parts, person), status)
      expectRefusal(await send('PUT', welcome, parts, person), status)
    })
  })

  it('are refused with a text that is not UTF-8, which would be kept as another', async () => {
    const parts: Parts = [
      ['name', 'N*w'],
      ['content', file],
    ]
    const { body, headers } = await encodeForm(parts)
    const bytes = Buffer.from(body)
    bytes[bytes.indexOf('N*w') + 1] = 0xff
    await expectUnchanged(world, async () => {
      const answer = await world.ask('groupAdmin', 'POST', collection, bytes, headers)
      expectRefusal(answer, 400, [{ code: 2, parameter: 'name' }])
    })
  })

  it.each<[what: string, parts: Parts, faults: { code: number; parameter: string }[]]>([
    ['without a file', [['name', 'New']], [{ code: 2, parameter: 'content' }]],
    ['without anything else', [['content', file]], [{ code: 2, parameter: 'name' }]],
    [
      'with two files',
      [
        ['name', 'New'],
        ['content', file],
        ['other', file],
      ],
      [{ code: 2, parameter: 'content' }],
    ],
    [
      'with three files',
      [
        ['name', 'New'],
        ['a', file],
        ['b', file],
        ['c', file],
      ],
      [{ code: 2, parameter: 'content' }],
    ],
    [
      'with a field given twice',
      [
        ['name', 'New'],
        ['name', 'Newer'],
        ['content', file],
      ],
      [{ code: 2, parameter: 'name' }],
    ],
    [
      'with a field that is far too long',
      [
        ['name', 'New'],
        ['description', `x${' '.repeat(10_000)}y`],
        ['content', file],
      ],
      [{ code: 2, parameter: 'description' }],
    ],
    [
      'with everything wrong at once',
      [
        ['name', 'Unmodify'],
        ['surprise', '1'],
        ['content', Buffer.from('Welcome to Example Incorporated.')],
        ['description', 'x'.repeat(257)],
      ],
      [
        { code: 2, parameter: 'name' },
        { code: 2, parameter: 'description' },
        { code: 2, parameter: 'surprise' },
        { code: 2, parameter: 'content' },
      ],
    ],
  ])('are refused %s', async (_what, parts, faults) => {
    await expectUnchanged(world, async () => {
      const answer = await send('POST', collection, parts)
      expect(answer.status, answer.text).toBe(400)
      const byParameter = (a: { parameter: string }, b: { parameter: string }) =>
        a.parameter.localeCompare(b.parameter)
      expect(answer.body.errors.toSorted(byParameter)).toMatchObject(faults.toSorted(byParameter))
    })
  })

  it('are refused when they are no forms', async () => {
    const { body, headers } = await encodeForm([
      ['name', 'New'],
      ['content', file],
    ])
    const type = headers['content-type']
    const broken: [Buffer | string, string][] = [
      [body, 'multipart/form-data'],
      [body, 'multipart/form-data; boundary=other'],
      [body.subarray(0, 500), type],
      [body.subarray(0, -10), type],
      ['nothing of the kind', type],
      ['{}', type],
    ]
    await expectUnchanged(world, async () => {
      for (const [sent, contentType] of broken) {
        const answer = await world.ask('groupAdmin', 'POST', collection, sent, {
          'content-type': contentType,
        })
        expect(answer.status, contentType).toBe(400)
        expect(answer.body.errors[0].code).toBe(2)
      }
      const proto = await send('POST', collection, [
        ['__proto__', 'x'],
        ['name', 'New'],
        ['content', file],
      ])
      expect(proto.status).toBe(400)
      const fields = Array.from({ length: 200 }, (_, at): [string, string] => [`field${at}`, 'x'])
      const manyFields = await send('POST', collection, fields)
      expectRefusal(manyFields, 400, [{ code: 2 }])
      expect(manyFields.body.errors[0].message).toMatch(/^The form cannot be read/)
    })
  })

  it('are taken by announcements only', async () => {
    const parts: Parts = [['departmentName', 'New']]
    expectRefusal(await send('POST', `${group}departments/`, parts), 415)
    const other = { 'content-type': 'audio/wav' }
    expectRefusal(await world.ask('groupAdmin', 'POST', collection, file, other), 415)
  })

  it('and JSON are refused with a file larger than is configured, and taken up to it', async () => {
    const largest = waveFile((bytesMax - 44) / 16_000)
    const larger = waveFile((bytesMax - 44 + 2) / 16_000)
    expect([largest.length, larger.length]).toEqual([bytesMax, bytesMax + 2])
    const json = (content: Buffer) => ({ name: 'New', content: content.toString('base64') })
    const tooLarge = [{ code: 413, parameter: 'content' }]
    await expectUnchanged(world, async () => {
      for (const method of ['POST', 'PUT']) {
        const url = method === 'POST' ? collection : welcome
        const parts: Parts = [
          ['name', 'New'],
          ['content', larger],
        ]
        expectRefusal(await send(method, url, parts), 413, tooLarge)
        expectRefusal(await world.ask('groupAdmin', method, url, json(larger)), 413, tooLarge)
        const huge = await world.ask('groupAdmin', method, url, json(Buffer.alloc(2 * bytesMax)))
        expectRefusal(huge, 413)
        expect(huge.body.errors[0].message).toMatch(/larger than the \d+ bytes/)
      }
    })
    const parts: Parts = [
      ['name', 'New'],
      ['content', largest],
    ]
    expect((await send('POST', collection, parts)).status).toBe(201)
    expect((await world.ask('groupAdmin', 'PUT', welcome, json(waveFile()))).status).toBe(400)
    const replaced = { content: largest.toString('base64') }
    expect((await world.ask('groupAdmin', 'PUT', welcome, replaced)).status).toBe(200)
    const { bytes } = await world.ask('groupAdmin', 'GET', `${welcome}content/`)
    expect(bytes.equals(largest)).toBe(true)
  })

  it('create one, whatever the field of the file is called and wherever it stands', async () => {
    for (const [field, first] of [
      ['content', true],
      ['file', false],
    ] as const) {
      const parts: Parts = [['name', ' New ']]
      parts.splice(first ? 0 : 1, 0, [field, file])
      parts.push(['description', 'Grüße'])
      const created = await send('POST', collection, parts)
      expect(created.status, created.text).toBe(201)
      expect(created.body).toMatchObject({ name: 'New', description: 'Grüße', mediaType: 'WAV' })
      const item = String(created.headers.location)
      const { bytes } = await world.ask('groupAdmin', 'GET', `${item}content/`)
      expect(bytes.equals(file)).toBe(true)
      await world.ask('groupAdmin', 'DELETE', item)
    }
  })

  /** A form as scripts write it by hand: each part's headers and its content. */
  function byHand(parts: readonly (readonly [headers: string, content: string | Buffer])[]) {
    const bytes = parts.flatMap(([lines, content]) => [
      Buffer.from(`--x\r\n${lines}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ])
    const headers = { 'content-type': 'multipart/form-data; boundary=x' }
    return { body: Buffer.concat([...bytes, Buffer.from('--x--\r\n')]), headers }
  }

  const disposition = 'Content-Disposition: form-data; name='

  it.each([
    `${disposition}"content"`,
    `${disposition}content\r\nContent-Type: text/plain`,
    `${disposition}"content"\r\nContent-Type: audio/wav`,
    `${disposition}"file"\r\nContent-Type: audio/x-wav`,
    `${disposition}"file"\r\nContent-Type: application/octet-stream`,
  ])('create one from a part that names no file: %j', async (lines) => {
    const { body, headers } = byHand([
      [`${disposition}"name"`, 'New'],
      [lines, file],
    ])
    const created = await world.ask('groupAdmin', 'POST', collection, body, headers)
    expect(created.status, created.text).toBe(201)
    const { bytes } = await world.ask('groupAdmin', 'GET', `${created.headers.location}content/`)
    expect(bytes.equals(file)).toBe(true)
  })

  it('are refused with a part that has no name, or a long one, of which little is told', async () => {
    await expectUnchanged(world, async () => {
      for (const lines of [
        'Content-Disposition: form-data',
        `${disposition}"${'k'.repeat(7_000)}"`,
      ]) {
        const { body, headers } = byHand([
          [lines, 'x'],
          [`${disposition}"content"`, file],
        ])
        const answer = await world.ask('groupAdmin', 'POST', collection, body, headers)
        expectRefusal(answer, 400, [{ code: 2, message: expect.stringMatching(/ name/) }])
        expect(answer.text.length).toBeLessThan(300)
      }
    })
  })

  /** The start of a request whose form is `length` bytes long. */
  async function headOf(length: number, boundary = 'x') {
    const { body } = await world.ask('groupAdmin', 'POST', '/api/v1/tokens/', { name: 'forms' })
    const own = `Host: localhost\r\nAuthorization: Bearer ${body.token}\r\n`
    const type = `Content-Type: multipart/form-data; boundary=${boundary}`
    const post = `POST ${collection} HTTP/1.1\r\n${own}${type}\r\nContent-Length: ${length}\r\n\r\n`
    return { post, get: `GET ${welcome} HTTP/1.1\r\n${own}Connection: close\r\n\r\n` }
  }

  const name = `--x\r\n${disposition}"name"\r\n\r\nNew\r\n`
  it.each([
    // No boundary may be so long, so the library gives up at once.
    { boundary: 'x'.repeat(300), start: name, restBytes: 130_000 },
    { boundary: 'x'.repeat(300), start: name, restBytes: 400_000 },
    { boundary: 'x', start: `${name}${name}--x`, restBytes: 130_000 },
    { boundary: 'x', start: `${name}${name}--x`, restBytes: 400_000 },
  ])(
    'leave the connection to the next request when they are refused before all of them came: %#',
    async ({ boundary, start, restBytes }) => {
      const rest = Buffer.alloc(restBytes, 'a')
      const { post, get } = await headOf(start.length + rest.length, boundary)
      const { port } = world.app.server.address() as AddressInfo
      const socket = connect(port, '127.0.0.1')
      let received = ''
      socket.setEncoding('utf8').on('data', (text) => {
        received += text
      })
      socket.write(`${post}${start}`)
      await once(socket, 'data')
      socket.write(rest)
      socket.write(get)
      await once(socket, 'close')
      expect(received.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 200'])
    },
  )

  it('are read no further than any may be long, in what belongs to no part as well', async () => {
    const { post } = await headOf(1_000_000)
    // The end never comes.
    const answer = await sockets.send(post, Buffer.alloc(300_000, 'a'))
    expectRawRefusal(answer, 413)
    expect(answer.body).toMatch(/The form is larger than the \d+ bytes/)
  })

  it('are refused with a text where the file should be, and told what it is', async () => {
    await expectUnchanged(world, async () => {
      const parts: Parts = [
        ['name', 'New'],
        ['content', wave()],
      ]
      const { body, headers } = await encodeForm(parts)
      const answer = await world.ask('groupAdmin', 'POST', collection, body, headers)
      expectRefusal(answer, 400, [{ code: 2, parameter: 'content' }])
      expect(answer.body.errors[0].message).toContain('found base64 text')
    })
  })

  it('change one in part: its audio, its name, or what an empty field clears', async () => {
    const other = waveFile(0.2, { tag: 7, bits: 8 })
    const audio = await send('PUT', welcome, [['content', other]])
    expect(audio.body).toMatchObject({ name: 'Welcome', fileSize: '2' })
    const { bytes } = await world.ask('groupAdmin', 'GET', `${welcome}content/`)
    expect(bytes.equals(other)).toBe(true)
    await send('PUT', welcome, [['description', 'Heard first']])
    const { body } = await world.ask('groupAdmin', 'GET', welcome)
    expect(body).toEqual({ ...audio.body, description: 'Heard first' })
    const same: Parts = [
      ['description', ''],
      ['mediaType', 'WAV'],
      ['fileSize', body.fileSize],
    ]
    expect((await send('PUT', welcome, same)).body).toEqual(audio.body)
    expectRefusal(await send('PUT', welcome, [['fileSize', '99']]), 400, [
      { code: 2, parameter: 'fileSize' },
    ])
  })
})
