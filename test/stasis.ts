import { once } from 'node:events'
import { expect } from 'vitest'
import type { Asterisk } from './asterisk.ts'

interface AriEvent {
  type: string
  channel?: { id: string; name: string; dialplan: { exten: string }; channelvars?: object }
  playback?: { id: string; state: string }
  cause?: number
  tech_cause?: number
}

/** A bare Stasis application: what it takes to treat calls without Pointsman. */
export async function openApplication({ ari, ask }: Asterisk) {
  const credentials = encodeURIComponent(`${ari.username}:${ari.password}`)
  const url = `${ari.url.replace('http', 'ws')}/events?app=pointsman&api_key=${credentials}`
  const socket = new WebSocket(url)
  const events: AriEvent[] = []
  const waiting = new Set<() => void>()
  socket.addEventListener('message', ({ data }) => {
    events.push(JSON.parse(String(data)))
    for (const look of waiting) look()
  })
  await once(socket, 'open')
  return {
    /** Waits for the first event of this type whose channel is of this endpoint, and takes it from the line. */
    event(type: string, endpoint = ''): Promise<AriEvent> {
      return new Promise((resolve) => {
        function look() {
          const at = events.findIndex(
            (event) =>
              event.type === type && (event.channel?.name ?? '').startsWith(`PJSIP/${endpoint}`),
          )
          if (at < 0) return
          waiting.delete(look)
          resolve(...(events.splice(at, 1) as [AriEvent]))
        }
        waiting.add(look)
        look()
      })
    },
    async tell(method: string, path: string, body?: object): Promise<Response> {
      const answer = await ask(method, path, body)
      expect(answer.status, `${method} ${path}`).toBeLessThan(300)
      return answer
    },
    async close() {
      socket.close()
      await once(socket, 'close')
    },
  }
}
