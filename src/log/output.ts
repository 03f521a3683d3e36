import type { Sink } from './sink.ts'

/** So much is written at once: a pipe takes as many bytes whole or not at all (`PIPE_BUF` of Linux), so cuts no line. */
const pieceBytes = 4_096

/** Lines that nobody takes wait up to this many bytes together; later ones are dropped. */
const waitingBytesMax = 1_048_576

/** Lines are gathered and written together, at the latest after this many milliseconds. */
const gatherMilliseconds = 500

/** After an error, such as a full disk, writing is tried again so many milliseconds later. */
const retryMilliseconds = 50

/** Whoever logs hands lines to this and goes on; nothing here waits, throws or grows without bound. */
export interface LogOutput {
  /** Takes a line with its line feed. */
  write(line: string): void
  /** Writes what the sink takes at once. For the end of the process: what it does not take then is lost. */
  flushSync(): void
  /** Writes everything without waiting for more lines, and resolves when it is written. */
  flush(): Promise<void>
  /** Lines that were dropped since the start. */
  dropped(): number
}

/** @param onRecovered learns how many lines were dropped, once all that waited is written. */
export function createLogOutput(
  sink: Sink,
  onRecovered: (lines: number) => void = () => {},
): LogOutput {
  /** Whole lines, the oldest first; the last piece may still grow. */
  const pieces: { text: string; bytes: number }[] = []
  /** Pieces that are written even if they could still grow. */
  let due = 0
  /** What is left of the piece that is being written. */
  let current = Buffer.alloc(0)
  let waitingBytes = 0
  let isWriting = false
  let isStuck = false
  let dropped = 0
  let unreported = 0
  const flushed: (() => void)[] = []

  function nextPiece(): Buffer<ArrayBuffer> {
    due = Math.max(0, due - 1)
    return Buffer.from(pieces.shift()?.text ?? '')
  }

  /** The line about it is one like any other, so there must be room for it. */
  function reportDropped(): void {
    if (unreported === 0 || pieces.length > 0) return
    const lines = unreported
    unreported = 0
    onRecovered(lines)
    due = pieces.length
  }

  function proceed(): void {
    if (isWriting || isStuck) return
    if (current.length === 0) {
      reportDropped()
      if (due > 0 || pieces.length > 1) current = nextPiece()
    }
    if (current.length === 0) {
      for (const resolve of flushed.splice(0)) resolve()
      return
    }
    isWriting = true
    sink.write(current, (error, taken) => {
      isWriting = false
      waitingBytes -= taken
      current = current.subarray(taken)
      if (error) retryLater()
      else proceed()
    })
  }

  function retryLater(): void {
    isStuck = true
    setTimeout(() => {
      isStuck = false
      proceed()
    }, retryMilliseconds).unref()
  }

  function writeAll(): void {
    due = pieces.length
    proceed()
  }
  setInterval(writeAll, gatherMilliseconds).unref()

  return {
    write(line) {
      const bytes = Buffer.byteLength(line)
      if (waitingBytes + bytes > waitingBytesMax) {
        dropped += 1
        unreported += 1
        return
      }
      waitingBytes += bytes
      const last = pieces.at(-1)
      if (last && last.bytes + bytes <= pieceBytes) {
        last.text += line
        last.bytes += bytes
        return
      }
      pieces.push({ text: line, bytes })
      if (pieces.length > 1) proceed()
    },
    flush() {
      return new Promise((resolve) => {
        flushed.push(resolve)
        writeAll()
      })
    },
    flushSync() {
      // What is being written is on its way.
      let bytes = isWriting || current.length === 0 ? nextPiece() : current
      while (bytes.length > 0) {
        const taken = sink.writeSync(bytes)
        if (taken === 0) return
        bytes = bytes.subarray(taken)
        if (bytes.length > 0) continue
        reportDropped()
        bytes = nextPiece()
      }
    },
    dropped: () => dropped,
  }
}
