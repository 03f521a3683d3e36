import { setTimeout as delay } from 'node:timers/promises'
import { type Logger, pino } from 'pino'
import type { Config } from '../config.ts'
import { createLogOutput } from './output.ts'
import { openSink } from './sink.ts'

export interface Log {
  logger: Logger
  /** Lines that nobody took, and that were dropped, since the start. */
  dropped(): number
  /** Waits until every line is written, at most so many milliseconds. */
  flush(milliseconds: number): Promise<void>
}

/**
 * Structured lines on standard output. Requests are logged by path and caller; headers and bodies never are. What is
 * gathered is written when the process exits, too. Logging never holds anything up: see `createLogOutput()`.
 */
export function createLog(level: Config['LOG_LEVEL']): Log {
  const output = createLogOutput(openSink(1), (lines) =>
    logger.error({ lines }, 'log lines were dropped, since nobody took them'),
  )
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const logger = pino(options, output)
  process.on('exit', () => output.flushSync())
  return {
    logger,
    dropped: output.dropped,
    async flush(milliseconds) {
      await Promise.race([output.flush(), delay(milliseconds)])
    },
  }
}
