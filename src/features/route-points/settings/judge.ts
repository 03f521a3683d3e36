import type { FastifyRequest } from 'fastify'
import { addNews } from '../../../documents/document.ts'
import type { Members } from '../../../documents/normalise.ts'
import { refuseIfAny } from '../../../errors.ts'
import { representation } from '../../../http/answer.ts'
import { judgePreconditions } from '../../../http/conditions.ts'
import { fillPath } from '../../../http/operation.ts'
import { canonicalParameters } from '../../../http/place.ts'
import { nothingBeside } from '../../../resources/judge.ts'
import type { Edit } from '../../../resources/keeper.ts'
import { siteOf } from '../../../resources/resource.ts'
import type { SettingKeeper } from '../backend.ts'
import type { Setting } from './define.ts'
import { checkDestinations, destinationsGuard } from './destinations.ts'
import type { OwnerKind } from './owners.ts'

/** A partial update of a setting, by the body of a PUT. */
export function settingChange(
  setting: Setting,
  { owners, keeper }: { owners: OwnerKind; keeper: Pick<SettingKeeper, 'checkReferences'> },
  request: FastifyRequest,
): Edit<Members> {
  const site = siteOf(request)
  const { body, headers } = request
  const key = owners.keyOf(request)
  return {
    key,
    guard: destinationsGuard(setting, body),
    async judge(work, { stored: before = {} }) {
      const { transaction } = work
      await owners.admit?.(transaction, site)
      const domain = await owners.domain?.(transaction, site.place)
      const { value, faults } = setting.document.change(before, body, domain)
      const unknown = [
        ...(await keeper.checkReferences(transaction, key, value)),
        ...(await checkDestinations(transaction, key, { setting, before, value })),
      ]
      refuseIfAny(addNews(faults, unknown))
      const unchanged = JSON.stringify(before)
      judgePreconditions({ headers }, unchanged)
      if (JSON.stringify(value) === unchanged) return undefined
      const resource = fillPath(owners.pathOf(setting.name), canonicalParameters(site))
      const cause = { action: 'change', resource } as const
      return {
        write: { ...site, ...work, key, value, before, cause, ...nothingBeside },
        newKey: key,
      }
    },
    answer: (kept) => representation(JSON.stringify(kept)),
  }
}
