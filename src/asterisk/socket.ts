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
  const init = { headers: { authorization } } as unknown as string[]
  const socket = new WebSocket(url, init)
  const { promise: opened, resolve: open, reject: refuse } = Promise.withResolvers<void>()
  const { promise: ended, resolve: end } = Promise.withResolvers<string>()

  /**
   * Nothing that comes later is read. A peer that is silent is not waited for: Node gives no way to drop its connection,
   * so the kernel does, when what was sent is not acknowledged.
   */
  function finish(reason: string): void {
    socket.onmessage = null
    refuse(new Error(reason))
    end(reason)
    socket.close()
  }

  socket.onopen = () => open()
  socket.onclose = ({ code, reason }) => {
    finish(`the connection was closed (${[code, reason].filter(Boolean).join(', ')})`)
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
  }
  return { ended, close: () => finish('closed by us') }
}
