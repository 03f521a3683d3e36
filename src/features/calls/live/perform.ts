import { causes, EngineFault } from '../../../engines/engine.ts'
import { repeated } from '../../../engines/repeated.ts'
import type { Media, Medium } from '../../media/media.ts'
import type { RoutePointState } from '../../route-points/state.ts'
import type { Action, Call } from '../call.ts'
import type { SelectedMedium, Sound } from '../sounds.ts'
import type { Station } from './station.ts'

/** What is done on an engine; the others are asked of ourselves. */
export type EngineAction = Exclude<Action, { do: 'resolve' } | { do: 'arrive' }>

/** Music is repeated for so long by one request, so that it goes on while the service is away. */
const musicSeconds = 4 * 3_600

interface Performing {
  station: Station
  media: Media
  call: Call
  /** Undefined where the route point is no more. */
  state: RoutePointState | undefined
}

/** The audio that a setting names; an announcement that is gone meanwhile is left out. */
function mediumOf(selected: SelectedMedium, { call, state }: Performing): Medium[] {
  if ('url' in selected) {
    const [tenantKey, groupKey] = call.routePoint
    return [{ kind: 'url', tenantKey, groupKey, url: selected.url }]
  }
  const audio = state?.audio.get(selected.file)
  return audio ? [{ kind: 'announcement', name: selected.file, ...audio }] : []
}

/** What Pointsman brings itself. */
const own: Record<Sound['kind'], Medium> = {
  music: { kind: 'hold music' },
  announcement: { kind: 'chime' },
}

/** What is heard of a sound: music of ours where none of what was chosen can be played, so that nobody waits in silence. */
async function playablesOf({ kind, media: chosen }: Sound, performing: Performing) {
  const { station, media } = performing
  const wanted =
    chosen.length === 0 ? [own[kind]] : chosen.flatMap((one) => mediumOf(one, performing))
  const playables = await media.playable(station.media, wanted)
  if (playables.length > 0 || kind === 'announcement') return playables
  return media.playable(station.media, [own.music])
}

async function play(
  { play: id, sound }: Action & { do: 'play' },
  performing: Performing,
): Promise<void> {
  const playables = await playablesOf(sound, performing)
  if (playables.length === 0) throw new EngineFault('refused', 'Nothing of it can be played.')
  const { station, call } = performing
  const addresses = playables.map(({ address }) => address)
  const seconds = playables.reduce((sum, playable) => sum + playable.seconds, 0)
  const times = sound.kind === 'music' ? Math.ceil(musicSeconds / Math.max(seconds, 1)) : 1
  await station.engine.play(call.leg, id, repeated(addresses, times))
}

async function dial(action: Action & { do: 'dial' }, { station, call }: Performing): Promise<void> {
  const { leg, to, from, pattern, answerAfterSeconds: seconds } = action
  const { alertInfo, callInfo } = station.configuration.headers
  await station.engine.dial(leg, {
    to,
    from,
    callId: call.id,
    ...(pattern !== 'Normal' && { alertInfo: alertInfo[pattern] }),
    ...(seconds !== undefined &&
      callInfo !== '' && { callInfo: callInfo.replaceAll('{seconds}', String(seconds)) }),
  })
}

/**
 * Has the engine do what was decided.
 *
 * @throws EngineFault
 */
export async function perform(action: EngineAction, performing: Performing): Promise<void> {
  const { station, call } = performing
  const { engine } = station
  switch (action.do) {
    case 'answer':
      return engine.answer(call.leg)
    case 'ring':
      return engine.ring(call.leg)
    case 'tone':
      return engine.tone(call.leg, action.play, action.tone)
    case 'play':
      return play(action, performing)
    case 'stop':
      return engine.stop(action.play)
    case 'dial':
      return dial(action, performing)
    case 'connect':
      return engine.connect(action.bridge, [call.leg, action.leg])
    case 'hang up':
      return engine.release(action.leg, causes.normal)
    case 'dissolve':
      return engine.dissolve(action.bridge)
    case 'release':
      return engine.release(call.leg, action.cause)
  }
}
