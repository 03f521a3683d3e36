/** An event of a stream, or what else stood between two empty lines. */
export interface Heard {
  id?: string
  event?: string
  retry?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  data?: any
  /** Whether it was a comment alone. */
  comment?: string
}

function parseBlock(block: string): Heard {
  const fields = block.split('\n').map((line) => {
    const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? []
    return [name === '' ? 'comment' : name, value] as const
  })
  const heard: Record<string, string> = Object.fromEntries(fields)
  return heard.data === undefined ? heard : { ...heard, data: JSON.parse(heard.data) }
}

/** Whoever listens to a stream, over a real socket. */
export interface Listener {
  response: Response
  /** All that it says, as it comes. It ends when the stream does, and throws when it breaks. */
  heard: AsyncGenerator<Heard, void>
  /** The next events of a kind; or of those whose kinds begin so. */
  next(kind: string, count?: number): Promise<Heard[]>
  /** The next events of the kind `change`. */
  changes(count: number): Promise<Heard[]>
  /** Goes away. */
  leave(): void
}

async function* blocksOf(response: Response): AsyncGenerator<Heard, void> {
  let text = ''
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (text + piece).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) yield parseBlock(block)
  }
}

/** Begins to listen; the answer's head has come then. */
export async function listenTo(
  url: string,
  headers: Record<string, string> = {},
): Promise<Listener> {
  const leaving = new AbortController()
  const response = await fetch(url, { headers, signal: leaving.signal })
  const heard = blocksOf(response)
  async function next(kind: string, count = 1): Promise<Heard[]> {
    const wanted: Heard[] = []
    while (wanted.length < count) {
      const { value, done } = await heard.next()
      if (done) throw new Error(`The stream ended after ${wanted.length} of ${count} of ${kind}.`)
      if (value.event?.startsWith(kind)) wanted.push(value)
    }
    return wanted
  }
  return {
    response,
    heard,
    next,
    changes: (count) => next('change', count),
    leave: () => leaving.abort(),
  }
}
