import { randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Asterisk, startAsterisk } from './asterisk.ts'
import { canPlayCalls } from './programs.ts'

/** The status of the final answer to an INVITE from `address`, which is not acknowledged: nobody takes part in the call. */
async function inviteFrom(address: string, user: string, { host, port }: Asterisk['sip']) {
  const socket = createSocket('udp4').bind(0, address)
  await once(socket, 'listening')
  const own = `${address}:${socket.address().port}`
  const sdp = `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n`
  socket.send(
    `INVITE sip:${user}@${host}:${port} SIP/2.0\r\nVia: SIP/2.0/UDP ${own};branch=z9hG4bK${randomUUID()}\r\nMax-Forwards: 70\r\n` +
      `From: <sip:caller@${own}>;tag=1\r\nTo: <sip:${user}@${host}>\r\nCall-ID: ${own}\r\nCSeq: 1 INVITE\r\n` +
      `Contact: <sip:caller@${own}>\r\nContent-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`,
    port,
    host,
  )
  for (;;) {
    const [answer] = (await once(socket, 'message')) as [Buffer]
    const status = Number(/^SIP\/2\.0 (\d+)/.exec(answer.toString('utf8'))?.[1])
    if (status < 200) continue
    socket.close()
    return status
  }
}

describe.skipIf(!canPlayCalls())('Asterisk with the configuration of deploy/asterisk', () => {
  let asterisk: Asterisk

  beforeAll(async () => {
    asterisk = await startAsterisk()
  })

  afterAll(async () => {
    await asterisk?.stop()
  })

  it('knows every module that it is told to load', () => {
    expect(asterisk.output()).not.toMatch(/Error loading module|declined to load|failed to load/)
  })

  it('asks strangers for a password, and lets them no further', async () => {
    expect(await inviteFrom('127.0.0.9', '+41441234567', asterisk.sip)).toBe(401)
    expect(await asterisk.channels()).toEqual([])
  })

  it.each(['+41441234567', '5', 'sales', 'h', 'a%2Cb%22%26', `${'x'.repeat(200)}`])(
    'turns a call to %s away with 503 while no service is connected',
    async (user) => {
      expect(await inviteFrom('127.0.0.1', user, asterisk.sip)).toBe(503)
    },
  )

  it('starts several at once, and the same one again after a crash', async () => {
    const other = await startAsterisk()
    try {
      await other.restart('kill')
      expect(await inviteFrom('127.0.0.1', '+41441234567', other.sip)).toBe(503)
    } finally {
      await other.stop()
    }
  })
})
