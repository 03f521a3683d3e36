/**
 * A bare Stasis application, beside which Pointsman is measured: it answers every caller, lets music play and, where it is told
 * whom, dials somebody and connects both. It keeps nothing, and knows of no faults.
 *
 * Environment: ARI_URL, ARI_USERNAME, ARI_PASSWORD; ENDPOINT, whom to dial; MEDIA, what callers hear.
 */
const { ARI_URL: url = '', ARI_USERNAME = '', ARI_PASSWORD = '', ENDPOINT, MEDIA } = process.env
const application = 'pointsman'
const authorization = `Basic ${Buffer.from(`${ARI_USERNAME}:${ARI_PASSWORD}`).toString('base64')}`

interface Event {
  type: string
  channel?: { id: string }
}

/** The other side of each leg that has one, and their bridge. */
const pairs = new Map<string, { other: string; bridge: string }>()

async function ask(method: string, path: string, body?: object): Promise<void> {
  const send = () =>
    fetch(url + path, {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
  // Asterisk closes connections that are idle, maybe in the moment of a request.
  const answer = await send().catch(send)
  await answer.arrayBuffer()
}

/** As long as calls may last: else the dialplan ends them after seconds. */
const limit = `variable=${encodeURIComponent('TIMEOUT(absolute)')}&value=14400`

async function take(caller: string): Promise<void> {
  await ask('POST', `/channels/${caller}/variable?${limit}`)
  await ask('POST', `/channels/${caller}/answer`)
  await ask('POST', `/channels/${caller}/play/hold-${caller}`, { media: `sound:${MEDIA}` })
  if (ENDPOINT === undefined) return
  const leg = `leg-${caller}`
  pairs.set(caller, { other: leg, bridge: `bridge-${caller}` })
  pairs.set(leg, { other: caller, bridge: `bridge-${caller}` })
  await ask('POST', '/channels', { endpoint: ENDPOINT, app: application, channelId: leg })
}

async function connect(leg: string): Promise<void> {
  const pair = pairs.get(leg)
  if (!pair) return
  await ask('DELETE', `/playbacks/hold-${pair.other}`)
  await ask('POST', '/bridges', { bridgeId: pair.bridge, type: 'mixing' })
  await ask('POST', `/bridges/${pair.bridge}/addChannel`, { channel: [pair.other, leg] })
}

async function end(channel: string): Promise<void> {
  const pair = pairs.get(channel)
  if (!pair) return
  pairs.delete(channel)
  pairs.delete(pair.other)
  await ask('DELETE', `/channels/${pair.other}`)
  await ask('DELETE', `/bridges/${pair.bridge}`)
}

async function happen({ type, channel }: Event): Promise<void> {
  if (!channel) return
  if (type === 'StasisStart' && channel.id.startsWith('leg-')) await connect(channel.id)
  else if (type === 'StasisStart') await take(channel.id)
  else if (type === 'StasisEnd' || type === 'ChannelDestroyed') await end(channel.id)
}

const credentials = encodeURIComponent(`${ARI_USERNAME}:${ARI_PASSWORD}`)
const socket = new WebSocket(
  `${url.replace('http', 'ws')}/events?app=${application}&api_key=${credentials}`,
)
socket.addEventListener('message', ({ data }) => void happen(JSON.parse(String(data))))
socket.addEventListener('open', () => process.send?.('ready'))
