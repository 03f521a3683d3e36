import type { Api } from '../../api.ts'
import { listOf } from '../../config.ts'
import { countDeliveries, exposeDeliveries } from '../../metrics/webhooks.ts'
import { reachableAddresses } from '../../outbound/reachable.ts'
import { addResource } from '../../resources/serve.ts'
import { readAllCounts } from './deliveries.ts'
import { type FollowingOptions, followEvents } from './following.ts'
import { addDeliveryOperations } from './operations.ts'
import { startSender } from './sender.ts'
import { type SenderTimes, senderTimes } from './sending.ts'
import { keepTidy } from './tidy.ts'
import { webhooksTo } from './webhooks.ts'

export interface WebhooksOptions {
  events: FollowingOptions['events']
  /** Those of attempts, for tests, which have less patience. */
  times?: Partial<SenderTimes> | undefined
}

/** Serves webhooks, and sends them what happens to calls. */
export function addWebhooks(api: Api, { events, times }: WebhooksOptions): void {
  const { app, database, config, door, registry } = api
  const { log: logger } = app
  const isReachable = reachableAddresses(listOf(config.FETCH_PRIVATE_ADDRESSES))
  const counting = registry && { count: countDeliveries(registry) }
  if (registry) exposeDeliveries(registry, () => readAllCounts(database))
  addResource(api, webhooksTo(isReachable))

  let stop = async () => {}
  let wake = () => {}
  addDeliveryOperations(app, { door, sender: { wake: () => wake() } })
  app.addHook('onReady', async () => {
    const sending = { times: { ...senderTimes, ...times }, isReachable, ...counting }
    const sender = startSender({ database, logger, ...sending })
    wake = sender.wake
    const stopFollowing = followEvents({ database, logger, events, onNoted: wake, ...counting })
    const stopTidying = keepTidy(database, logger)
    stop = async () => {
      await Promise.all([stopFollowing(), stopTidying()])
      await sender.close()
    }
  })
  app.addHook('onClose', () => stop())
}
