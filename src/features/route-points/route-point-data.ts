import type { Caller } from '../../http/permissions.ts'
import type { Owner, Setting } from './settings/define.ts'

export interface SettingChange {
  /** A partial update, as the client sent it. */
  body: unknown
  caller: Caller
  /** Path of the setting, for the record of the change. */
  target: string
  /** Throws 412 when the client's precondition does not hold for the text that is about to change. */
  requireMatch(text: string): void
}

/**
 * What routes ask of wherever route points live: today the database, in time a carrier switch behind it. Routes know no
 * other way to the data.
 */
export interface RoutePointData {
  /**
   * The setting as GET answers it.
   *
   * @throws Refusal 404 when there is no such owner.
   */
  readSetting(owner: Owner, setting: Setting): Promise<string>
  /**
   * Applies a partial update and answers the setting as it is then.
   *
   * @throws Refusal with every fault of the body and of the merged result; 404; 412.
   */
  changeSetting(owner: Owner, setting: Setting, change: SettingChange): Promise<string>
}
