import type { Reader } from '../../database/database.ts'
import type { Members } from '../../documents/normalise.ts'
import type { Fault } from '../../errors.ts'
import type { GroupKey } from '../../http/place.ts'
import type { Keep, Keeper, Key } from '../../resources/keeper.ts'
import type { ListQuery, Page } from '../../resources/query.ts'
import type { AnnouncementHolder } from '../announcements/holders.ts'
import type { DispositionCode } from '../disposition-codes/disposition-code.ts'
import type { Agent } from './dnis/agents.ts'
import type { Dnis } from './dnis/dnis.ts'
import type { DnisKey, RoutePointKey } from './route-point.ts'
import type { RoutePoint } from './route-points.ts'
import type { Setting, SettingOwner } from './settings/define.ts'
import type { RoutePointState } from './state.ts'

/**
 * Keeps one setting of all owners of a kind. A read or write of one whose owner does not exist is refused with the reason: 404, or 400
 * for a DNIS that its route point does not have.
 */
export interface SettingKeeper extends Keeper<Members> {
  read(key: Key): Promise<string>
  /**
   * Faults of names in the setting that mean nothing to whatever keeps it.
   *
   * @param key that of the owner.
   */
  checkReferences(reader: Reader, key: Key, value: Members): Promise<Fault[]>
}

/**
 * What keeps route points and all that belongs to them: today the database, in time a carrier switch behind it. Operations
 * know no other way to them.
 */
export interface RoutePointBackend {
  keepRoutePoints: Keep<RoutePoint>
  keepDnis: Keep<Dnis>
  /** Keeps the codes of route points themselves. */
  keepCodes: Keep<DispositionCode>
  settings(owner: SettingOwner, setting: Setting): SettingKeeper
  /** The call-centre settings of users, which name a DNIS. */
  callCenters: SettingKeeper
  /** Settings as documents that name announcements. */
  announcementHolders: readonly AnnouncementHolder[]
  /** Every URL of audio that a setting of a group names, selected or not. */
  namedUrls(group: GroupKey): Promise<ReadonlySet<string>>
  /**
   * The agents who call out with a DNIS.
   *
   * @throws Refusal 404 when there is no such route point, 400 when it has no such DNIS.
   */
  agents(dnis: DnisKey, query: ListQuery): Promise<Page<Agent>>
  /**
   * A route point with all that a call needs, in one round trip; undefined when there is none.
   *
   * @param dnisName of the DNIS that was called, if one was.
   * @throws Error that names what is damaged, where something of it is kept that cannot be read.
   */
  state(routePoint: RoutePointKey, dnisName?: string): Promise<RoutePointState | undefined>
}
