import { type Logger, pino } from 'pino'
import type { Config } from '../config.ts'

/** Log lines are gathered and written together, at the latest after this many milliseconds. */
const flushMilliseconds = 500

/**
 * Structured lines on standard output. Requests are logged by path and caller; headers and bodies never are. What is
 * gathered is written when the process exits, too.
 */
export function createLogger(level: Config['LOG_LEVEL']): Logger {
  const destination = pino.destination({
    dest: 1,
    sync: false,
    minLength: 4_096,
    periodicFlush: flushMilliseconds,
  })
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** Writes what is gathered. The library syncs as well, which a pipe cannot: its error says nothing of the writing. */
export function flushLog(logger: Logger): Promise<void> {
  return new Promise((resolve) => logger.flush(() => resolve()))
}
