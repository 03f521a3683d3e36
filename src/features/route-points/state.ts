import type { StoredContent } from '../announcements/contents.ts'
import type { Dnis } from './dnis/dnis.ts'
import type { RoutePointKey } from './route-point.ts'
import type { RoutePoint } from './route-points.ts'
import type { RoutePointSettings } from './settings/index.ts'

/** What an announcement plays: how it is read, and the hash by which the same audio is known elsewhere. */
export interface AnnouncementAudio extends StoredContent {
  tenantKey: string
  /** In hexadecimal. */
  sha256: string
}

/** A route point with all that a call needs to know, as it was at one moment. */
export interface RoutePointState {
  key: RoutePointKey
  routePoint: RoutePoint
  /** Of its group: what ids without a domain get. */
  domain: string
  /** Of its group: by which national numbers are read; '' when unknown. */
  country: string
  settings: RoutePointSettings
  /** The DNIS that was called; undefined for none, and for one that the route point does not have any more. */
  dnis: { dnis: Dnis; announcements: RoutePointSettings['announcements'] } | undefined
  /** The audio of every announcement that the settings name, by its name. */
  audio: ReadonlyMap<string, AnnouncementAudio>
}
