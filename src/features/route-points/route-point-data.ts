import type { Caller } from '../../http/permissions.ts'
import type { ListQuery, Page } from '../../resources/query.ts'
import type { Agent } from './dnis/agents.ts'
import type { DnisKey } from './route-point.ts'
import type { Owner, Setting } from './settings/define.ts'

export interface SettingChange {
  /** A partial update, as the client sent it. */
  body: unknown
  caller: Caller
  /** Path of the setting, for the record of the change. */
  target: string
  /** Throws 412 when the client's preconditions do not hold for the text that is about to change. */
  judgePreconditions(text: string): void
}

/**
 * What routes ask of wherever route points live: today the database, in time a carrier switch behind it. Routes know no
 * other way to the data.
 */
export interface RoutePointData {
  /**
   * The setting as GET answers it.
   *
   * @throws Refusal 404 when there is no such owner; 400 for a DNIS that its route point does not have.
   */
  readSetting(owner: Owner, setting: Setting): Promise<string>
  /**
   * Applies a partial update and answers the setting as it is then.
   *
   * @throws Refusal with every fault of the body and of the merged result; 404; 412; 400 as for reading.
   */
  changeSetting(owner: Owner, setting: Setting, change: SettingChange): Promise<string>
  /**
   * The agents who call out with a DNIS.
   *
   * @throws Refusal 404 when there is no such route point, 400 when it has no such DNIS.
   */
  listAgents(dnis: DnisKey, query: ListQuery): Promise<Page<Agent>>
}
