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

/** Gathers whole lines in pieces. */
function gatherPieces() {
  /** The oldest first; the last one may still grow. */
  const pieces: { text: string; bytes: number }[] = []
  /** Pieces that are written even if they could still grow. */
  let due = 0
  return {
    isEmpty: () => pieces.length === 0,
    /** Whether there is one to be written. */
    isReady: () => due > 0 || pieces.length > 1,
    /** Takes the oldest one away; empty where there is none. */
    next(): Buffer<ArrayBuffer> {
      due = Math.max(0, due - 1)
      return Buffer.from(pieces.shift()?.text ?? '')
    },
    /** None of those that there are need grow any further. */
    end(): void {
      due = pieces.length
    },
    /** Answers whether a new piece begins with the line. */
    add(line: string, bytes: number): boolean {
      const last = pieces.at(-1)
      if (last && last.bytes + bytes <= pieceBytes) {
        last.text += line
        last.bytes += bytes
        return false
      }
      pieces.push({ text: line, bytes })
      return true
    },
  }
}

/** Counts lines that there was no room for. */
function countDropped(onReport: (lines: number) => void) {
  let all = 0
  let unreported = 0
  return {
    all: () => all,
    add(): void {
      all += 1
      unreported += 1
    },
    report(): void {
      const lines = unreported
      unreported = 0
      if (lines > 0) onReport(lines)
    },
  }
}

/** Writes as long as the sink takes anything and there is more. */
function writeSync(sink: Sink, first: Buffer, next: () => Buffer): void {
  let bytes = first
  while (bytes.length > 0) {
    const taken = sink.writeSync(bytes)
    if (taken === 0) return
    bytes = bytes.subarray(taken)
    if (bytes.length === 0) bytes = next()
  }
}

/** @param onRecovered learns how many lines were dropped, once all that waited is written. */
export function createLogOutput(
  sink: Sink,
  onRecovered: (lines: number) => void = () => {},
): LogOutput {
  const pieces = gatherPieces()
  /** What is left of the piece that is being written. */
  let current = Buffer.alloc(0)
  let waitingBytes = 0
  let isWriting = false
  let isStuck = false
  const dropped = countDropped(onRecovered)
  const flushed: (() => void)[] = []

  /** The line about it is one like any other, so there must be room for it. */
  function reportDropped(): void {
    if (!pieces.isEmpty()) return
    dropped.report()
    pieces.end()
  }

  function proceed(): void {
    if (isWriting || isStuck) return
    if (current.length === 0) {
      reportDropped()
      if (pieces.isReady()) current = pieces.next()
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
    pieces.end()
    proceed()
  }
  setInterval(writeAll, gatherMilliseconds).unref()

  return {
    write(line) {
      const bytes = Buffer.byteLength(line)
      if (waitingBytes + bytes > waitingBytesMax) return dropped.add()
      waitingBytes += bytes
      if (pieces.add(line, bytes) && pieces.isReady()) proceed()
    },
    flush: () =>
      new Promise((resolve) => {
        flushed.push(resolve)
        writeAll()
      }),
    flushSync() {
      // What is being written is on its way.
      const first = isWriting || current.length === 0 ? pieces.next() : current
      writeSync(sink, first, () => {
        reportDropped()
        return pieces.next()
      })
    },
    dropped: dropped.all,
  }
}
