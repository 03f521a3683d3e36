import { announcements } from './announcements.ts'
import { bouncedCall } from './bounced-call.ts'
import type { SettingValues } from './define.ts'
import { dispositionCodesConfig } from './disposition-codes-config.ts'
import { distinctiveRinging } from './distinctive-ringing.ts'
import { dnisConfig } from './dnis-config.ts'
import { failoverPolicy } from './failover-policy.ts'
import { forcedForwarding } from './forced-forwarding.ts'
import { overflow } from './overflow.ts'

/** Every setting of a route point, in the order of the reference; what is ours alone stands behind. */
export const settings = [
  announcements,
  overflow,
  bouncedCall,
  distinctiveRinging,
  dnisConfig,
  forcedForwarding,
  dispositionCodesConfig,
  failoverPolicy,
] as const

/** How a route point is set, by the names of its settings. */
export type RoutePointSettings = SettingValues<typeof settings>
