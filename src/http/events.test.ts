import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import { expect, it } from 'vitest'
import { announceStopping, sendEvents } from './events.ts'

it('events end at once for a client that left while they were made ready', async () => {
  const app = Fastify()
  announceStopping(app)
  const asked = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<boolean>()
  app.get('/', async (request, reply) => {
    asked.resolve()
    await left.promise
    return sendEvents(request, reply, {
      events(signal) {
        ended.resolve(signal.aborted)
        return Readable.from([])
      },
    })
  })
  app.server.on('connection', (socket: Socket) => socket.on('close', () => left.resolve()))
  const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const client = connect(Number(url.port), url.hostname)
  await once(client, 'connect')
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await asked.promise
  client.destroy()
  expect(await ended.promise).toBe(true)
  await app.close()
})
