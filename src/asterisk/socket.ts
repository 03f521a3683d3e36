import { randomUUID } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Socket as Connection } from 'node:net'

/** Milliseconds that the other side has to close the connection when we do. */
const closingMilliseconds = 2_000

/** Where Node tells which connection a request goes through. */
const sending = 'undici:client:sendHeaders'

/** Finds the connection of the request that has this header: a WebSocket does not give its own away. */
function findConnection(header: string) {
  let connection: Connection | undefined
  const look = (message: unknown) => {
    if (typeof message !== 'object' || message === null) return
    const { headers, socket } = message as { headers?: unknown; socket?: unknown }
    if (!String(headers).includes(header) || !(socket instanceof Connection)) return
    connection = socket
    unsubscribe(sending, look)
  }
  subscribe(sending, look)
  return {
    drop: () => connection?.destroy(),
    stopLooking: () => unsubscribe(sending, look),
  }
}

/** Characters of one event; the largest that is read here has a few thousand. */
const eventCharactersMax = 1_048_576

/** An open connection through which events come. */
export interface Socket {
  /** Tells why it ended, when it has; it never rejects. */
  ended: Promise<string>
  close(): void
}

export interface SocketOptions {
  url: string
  authorization: string
  /** Milliseconds that connecting may take. */
  limitMilliseconds: number
  signal: AbortSignal
  /** Must be quick: an engine cuts off who does not take events for 100 ms. */
  onText(text: string): void
}

/**
 * Connects a WebSocket.
 *
 * @throws Error when it is not open in time. It tells little of why: a WebSocket is not told what the other side answered.
 */
export async function openSocket(options: SocketOptions): Promise<Socket> {
  const { url, authorization, limitMilliseconds, signal, onText } = options
  // Not in the address, which others log. The types are those of browsers, which cannot send it.
  const id = randomUUID()
  const init = { headers: { authorization, 'x-request-id': id } } as unknown as string[]
  const connection = findConnection(id)
  const socket = new WebSocket(url, init)
  const { promise: opened, resolve: open, reject: refuse } = Promise.withResolvers<void>()
  const { promise: ended, resolve: end } = Promise.withResolvers<string>()

  let closing: NodeJS.Timeout | undefined

  /** A WebSocket that closes brings no event more, but waits for ever for the other side to close, too. */
  function finish(reason: string): void {
    refuse(new Error(reason))
    end(reason)
    socket.close()
    closing ??= setTimeout(connection.drop, closingMilliseconds)
  }

  socket.onopen = () => open()
  socket.onclose = ({ code, reason }) => {
    finish(`the connection was closed (${[code, reason].filter(Boolean).join(', ')})`)
    clearTimeout(closing)
  }
  // A close follows.
  socket.onerror = () => {}
  socket.onmessage = ({ data }) => {
    if (typeof data !== 'string') return finish('something came that is no text')
    if (data.length > eventCharactersMax) return finish('an event came that is too large')
    onText(data)
  }
  const limit = setTimeout(() => finish('it was not open in time'), limitMilliseconds)
  const abort = () => finish('closed by us')
  signal.addEventListener('abort', abort)
  ended.then(() => signal.removeEventListener('abort', abort))
  if (signal.aborted) abort()
  try {
    await opened
  } finally {
    clearTimeout(limit)
    connection.stopLooking()
  }
  return { ended, close: () => finish('closed by us') }
}
