import { causes, type Survey } from '../../../engines/engine.ts'
import type { Call, Found } from '../call.ts'
import { type LostCall, readCallsOfEngine, recordLost } from '../rows.ts'
import type { Station } from './station.ts'
import type { Switchboard } from './switchboard.ts'
import type { Desk, LiveCall } from './treatment.ts'

/** The leg beside the caller's. */
function legOf({ phase }: Call): string | undefined {
  if (phase.name === 'offered') return phase.offer.leg
  return phase.name === 'forwarded' || phase.name === 'connected' ? phase.leg : undefined
}

/** Ends calls that nobody can treat. */
export async function endLost(
  { database, keeping, logger }: Desk,
  calls: readonly LostCall[],
): Promise<void> {
  const now = Date.now()
  for (const call of calls) {
    logger.error({ callId: call.id, routePoint: call.routePoint, why: call.why }, 'a call was lost')
    await database.write((transaction) => recordLost(transaction, call, { now, keeping }), 'keys')
  }
}

/** Takes over the calls of an engine that are kept and not yet treated here, as after a restart. Those that are damaged end. */
async function takeOver(board: Switchboard, station: Station): Promise<void> {
  const { calls, damaged } = await readCallsOfEngine(board.desk.database, station.engine.name)
  board.requireAttached(station)
  for (const call of calls) {
    if (!board.find(call.id)) board.add(station, call, 0)
  }
  await endLost(board.desk, damaged)
}

async function isPlaying({ call, station }: LiveCall): Promise<boolean> {
  const { hearing } = call
  const play = 'play' in hearing ? hearing.play : null
  return play === null || station.engine.isPlaying(play)
}

/** What a survey found of a call; undefined where its caller is not there. */
async function foundOf(live: LiveCall, survey: Survey): Promise<Found | undefined> {
  const { call } = live
  const caller = survey.callers.find(({ leg }) => leg === call.leg)
  if (!caller) return undefined
  const id = legOf(call)
  const leg = survey.dialled.find((dialled) => dialled.leg === id)
  return {
    isAnswered: caller.isAnswered,
    leg: leg ? (leg.isAnswered ? 'answered' : 'ringing') : 'absent',
    isConnected: caller.bridge !== undefined && caller.bridge === leg?.bridge,
    isPlaying: await isPlaying(live),
  }
}

/**
 * Tells a call what was found of it, unless something has happened to it since the engine was looked through. What follows is
 * not waited for: other calls, and what happens on the engine meanwhile, need not wait for one.
 */
async function tellFound(board: Switchboard, live: LiveCall, survey: Survey): Promise<void> {
  const isStill = () => live.line.isQuiet && live.touchedAt < survey.at
  if (!isStill()) return
  try {
    const found = await foundOf(live, survey)
    if (isStill()) void board.tell(live, found ? { type: 'found', found } : { type: 'lost' })
  } catch (error) {
    board.desk.logger.warn({ err: error, callId: live.call.id }, 'a call was not looked at')
  }
}

/** As many requests as an engine can answer beside those of calls. */
const lookedAtOnce = 20

/** Tells all calls what was found of them. */
async function tellAllFound(board: Switchboard, calls: readonly LiveCall[], survey: Survey) {
  const left = calls.values()
  const look = async () => {
    for (const live of left) await tellFound(board, live, survey)
  }
  await Promise.all(Array.from({ length: lookedAtOnce }, look))
}

/** Ends legs and bridges that no call knows of. */
async function tidy(board: Switchboard, station: Station, survey: Survey): Promise<void> {
  const { engine } = station
  const calls = [...board.calls].map(({ call }) => call)
  const legs = new Set(calls.map(legOf))
  const bridges = new Set(
    calls.map(({ phase }) => (phase.name === 'connected' ? phase.bridge : '')),
  )
  const isOld = (id: string) => {
    const live = board.findByOwn(station, id)
    return !live || (live.line.isQuiet && live.touchedAt < survey.at)
  }
  for (const { leg } of survey.dialled) {
    if (!legs.has(leg) && isOld(leg)) await engine.release(leg, causes.normal)
  }
  for (const { bridge } of survey.bridges) {
    if (!bridges.has(bridge) && isOld(bridge)) await engine.dissolve(bridge)
  }
}

/**
 * Compares what an engine carries with the calls that we know: what is lacking is done again, what nobody knows of ends, and
 * callers whom nobody knows of have just come.
 *
 * @throws DatabaseUnavailable, EngineFault: then it is to be asked again.
 */
export async function compare(board: Switchboard, station: Station, survey: Survey): Promise<void> {
  await takeOver(board, station)
  // Whoever hangs up meanwhile is none of them.
  const strangers = survey.callers.filter(({ leg }) => !board.findByCaller(station, leg))
  const calls = [...board.calls].filter((live) => live.station === station)
  await tellAllFound(board, calls, survey)
  for (const { call } of calls) board.desk.deadlines.keep(call)
  await tidy(board, station, survey)
  for (const arrival of strangers) void board.arrive(station, arrival)
}
