import type { Registry } from '@prometheus-io/client'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import type { NounHost } from './resources/noun.ts'

/** The settings that change what the application does. */
export type ApiConfig = Pick<
  Config,
  | 'ANNOUNCEMENT_BYTES_MAX'
  | 'BODY_BYTES_MAX'
  | 'BYTES_PER_SECOND_MIN'
  | 'CALLER_DIGITS_MASKED'
  | 'CONNECTIONS_MAX'
  | 'FETCH_PRIVATE_ADDRESSES'
  | 'GROUP_ANNOUNCEMENT_BYTES_MAX'
  | 'MEDIA_BYTES_MAX'
  | 'MEDIA_DAYS'
  | 'MEDIA_FOLDER'
  | 'NODE'
  | 'NODE_URL'
  | 'PORT'
  | 'PUBLIC_URL'
  | 'SESSION_HOURS'
  | 'TRUSTED_PROXIES'
>

/** What every feature is given. */
export interface Api extends NounHost {
  /** For reading, and for what is written where there is no caller, such as a sign-in. */
  database: Database
  config: ApiConfig
  /** Where things are counted, if anywhere. */
  registry: Registry | undefined
}
