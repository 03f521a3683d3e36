import type { RoutePointSettings } from '../../route-points/settings/index.ts'
import type { DispositionCodeReference, Outcome } from '../call.ts'

/**
 * The codes that a call is recorded with: those that were given, or the default where an agent must give one and has given none.
 *
 * @param config undefined where the route point is no more.
 */
export function codesDue(
  { outcome, given }: { outcome: Outcome; given: readonly DispositionCodeReference[] },
  config: RoutePointSettings['disposition_codes_config'] | undefined,
): readonly DispositionCodeReference[] {
  if (given.length > 0 || outcome !== 'answered' || !config) return given
  const { enableCallDispositionCodes, forceUseOfCallDispositionCodes } = config
  const isForced = enableCallDispositionCodes && forceUseOfCallDispositionCodes
  const { defaultCallDispositionCode: due } = config
  return isForced && due ? [due] : []
}
