import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { isatty } from 'node:tty'

/** A descriptor to which bytes are written without ever waiting for whoever takes them. */
export interface Sink {
  /** Tells `done` how many of the bytes were taken; after an error the rest may be tried again. One call at a time. */
  write(bytes: Buffer, done: (error: Error | null | undefined, taken: number) => void): void
  /** Answers how many bytes were taken at once; none when it stands still, fails, or is still busy with others. */
  writeSync(bytes: Buffer): number
}

/** Node writes to pipes and sockets without blocking, and keeps the stream when their reader has gone. */
function streamSink(stream: NodeJS.WriteStream): Sink {
  // Each write learns of its own error; without a listener it would end the process.
  stream.on('error', () => {})
  return {
    write(bytes, done) {
      stream.write(bytes, (error) => done(error, error ? 0 : bytes.length))
    },
    writeSync(bytes) {
      if (stream.writableLength > 0) return 0
      stream.write(bytes)
      return bytes.length
    },
  }
}

function descriptorSink(descriptor: number): Sink {
  return {
    write(bytes, done) {
      write(descriptor, bytes, (error, taken) => done(error, error ? 0 : taken))
    },
    writeSync(bytes) {
      try {
        return writeSync(descriptor, bytes)
      } catch {
        return 0
      }
    },
  }
}

/**
 * Writing to a terminal that was stopped (Ctrl-S) blocks a thread, which the end of the process waits for. So it is opened a
 * second time, for us alone, without blocking; where that cannot be done (macOS, a terminal of somebody else) it stays.
 */
function unblocked(terminal: number): number {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
    return openSync(`/proc/self/fd/${terminal}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    return terminal
  }
}

/** Standard output or standard error, whatever it is. Files have no way of not blocking: a thread of its own waits. */
export function openSink(descriptor: 1 | 2): Sink {
  const kind = fstatSync(descriptor)
  if (kind.isFIFO() || kind.isSocket()) {
    return streamSink(descriptor === 1 ? process.stdout : process.stderr)
  }
  return descriptorSink(isatty(descriptor) ? unblocked(descriptor) : descriptor)
}

/** Writes a text for people to standard error, as far as it takes it at once. */
export function tellError(text: string): void {
  openSink(2).writeSync(Buffer.from(text))
}
