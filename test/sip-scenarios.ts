/** What a caller does. Times are counted from what they follow, in milliseconds; `\\xff` in a text is that byte. */
export interface CallerScript {
  /** The user part of whom it calls. */
  dial: string
  /** Whose user it is: the domain of the Request-URI; by default the address that is called. */
  domain?: string
  /** The whole From header but for its tag. `[call_number]` is replaced by the call's number, from 1. */
  from?: string
  /** Text before its Call-ID's own. */
  callId?: string
  /** Further header lines. */
  headers?: readonly string[]
  /** Gives up when there was no final answer until then; never by default. */
  cancelAfterMilliseconds?: number
  /** Hangs up so long after the answer, unless the other side has; never by default. */
  hangUpAfterMilliseconds?: number
}

/** What an agent's phone, or whoever else is called, does with each call. Times as for callers. */
export interface AnswererScript {
  /** Nothing is ever heard from it, though its port is open. */
  isSilent?: boolean
  /** How long it rings before its final answer: for ever by default. */
  ringMilliseconds?: number
  /** Its final answer: 200 by default, which takes the call. */
  status?: number
  /** Further header lines of the final answer, such as the `Contact` of a 302. */
  headers?: readonly string[]
  /** Hangs up so long after it has taken the call, unless the other side has; never by default. */
  hangUpAfterMilliseconds?: number
  /** What it asks for so long after it has taken the call: to be put on hold, or a transfer to an address. */
  wish?: { afterMilliseconds: number; wants: 'hold' | { transferTo: string } }
}

/** Where a party hears, or is called. */
export interface Address {
  host: string
  port: number
}

/** SIPp takes only the answers that it is told of: a call may be refused with one of these. */
const refusals = [
  300, 301, 302, 400, 401, 403, 404, 405, 408, 410, 480, 481, 482, 484, 486, 487, 488, 500, 501,
  502, 503, 504, 600, 603, 604, 606,
]

const contact = 'Contact: <sip:sipp@[local_ip]:[local_port]>'
const tag = ';tag=[pid]-[call_number]'
const noBody = 'Content-Length: 0'

function sdp({ host, port }: Address, direction = 'sendrecv'): string {
  return `Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 ${host}
s=-
c=IN IP4 ${host}
t=0 0
m=audio ${port} RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=${direction}`
}

/** @param attributes of SIPp's own. */
function send(message: readonly string[], attributes = ''): string {
  return `<send${attributes}><![CDATA[\n${message.join('\n')}\n\n]]></send>`
}

/** A transaction's branch is made of its name, so that its CANCEL and the ACK of a refusal are known to be of it. */
function request(method: string, uri: string, transaction: string): string[] {
  const branch = `branch=z9hG4bK-[pid]-[call_number]-${transaction}`
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/[transport] [local_ip]:[local_port];${branch}`,
    'Max-Forwards: 70',
    contact,
  ]
}

/** An answer to the request that came last, unless `sequence` names another one of its transaction. */
function answer(status: number, more = [noBody], { toTag = '', sequence = '[last_CSeq:]' } = {}) {
  const echoed = ['[last_Via:]', '[last_From:]', `[last_To:]${toTag}`, '[last_Call-ID:]', sequence]
  return [`SIP/2.0 ${status} Of A Test`, ...echoed, '[last_Record-Route:]', ...more]
}

function within(milliseconds: number | undefined, otherwise: string): string {
  return milliseconds === undefined ? '' : ` timeout="${milliseconds}" ontimeout="${otherwise}"`
}

function receiveFinal(attributes = ''): string[] {
  const optional = (status: number, more = '') =>
    `<recv response="${status}" optional="true"${attributes}${more}/>`
  return [
    ...[100, 180, 181, 183].map((status) => optional(status)),
    ...refusals.map((status) => optional(status, ' next="refused"')),
    `<recv response="200" rrs="true"${attributes}/>`,
  ]
}

/** Waits for a BYE, and sends one itself when none has come. */
function untilBye(bye: readonly string[], hangUpAfterMilliseconds: number | undefined): string[] {
  const wait = within(hangUpAfterMilliseconds, 'hangUp')
  const hangUp = ['<label id="hangUp"/>', send(bye, ' retrans="500"'), '<recv response="200"/>']
  return [
    `<recv request="BYE"${wait}/>`,
    send(answer(200), ' next="end"'),
    ...(wait === '' ? [] : hangUp),
    '<nop next="end"/>',
  ]
}

function scenario(steps: readonly string[]): string {
  const all = [...steps, '<label id="end"/>', '<nop/>'].join('\n')
  return `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="test">\n${all}\n</scenario>\n`
}

/** What SIPp is to do as a caller. */
export function callerScenario(script: CallerScript, audio: Address): string {
  const { dial, domain = '[remote_ip]:[remote_port]', headers = [] } = script
  const { from = '<sip:+4179000[call_number]@[local_ip]>', cancelAfterMilliseconds } = script
  const uri = `sip:${dial}@${domain}`
  // SIPp knows its calls by what stands behind the three slashes.
  const callId = script.callId === undefined ? '[call_id]' : `${script.callId}///[call_id]`
  const own = [`From: ${from}${tag}`, `Call-ID: ${callId}`]
  const first = [...own, `To: <${uri}>`]
  const later = [...own, `To: <${uri}>[peer_tag_param]`]
  const invite = [...request('INVITE', uri, 'invite'), ...first, 'CSeq: 1 INVITE', ...headers]
  // By the way that the answer came; SIPp leaves the line out where there was no proxy.
  const inDialog = [...later, '[routes]']
  const acknowledge = [...request('ACK', '[next_url]', 'ack'), ...inDialog, 'CSeq: 1 ACK', noBody]
  const bye = [...request('BYE', '[next_url]', 'bye'), ...inDialog, 'CSeq: 2 BYE', noBody]
  const cancel = [...request('CANCEL', uri, 'invite'), ...first, 'CSeq: 1 CANCEL', noBody]
  const refused = [...request('ACK', uri, 'invite'), ...later, 'CSeq: 1 ACK', noBody]
  return scenario([
    send([...invite, sdp(audio)], ' retrans="500"'),
    ...receiveFinal(within(cancelAfterMilliseconds, 'cancel')),
    send(acknowledge),
    ...untilBye(bye, script.hangUpAfterMilliseconds),
    ...(cancelAfterMilliseconds === undefined
      ? []
      : ['<label id="cancel"/>', send(cancel), '<recv response="200"/>', '<recv response="487"/>']),
    '<label id="refused"/>',
    send(refused),
  ])
}

/** What SIPp is to do as a phone that tells where it is, and knows its password. */
export function registrationScenario(user: string, password: string, at: Address): string {
  const uri = 'sip:[remote_ip]:[remote_port]'
  const who = `<sip:${user}@[remote_ip]>`
  const register = (transaction: string, sequence: number, ...more: readonly string[]) => [
    ...request('REGISTER', uri, transaction).filter((line) => line !== contact),
    ...[`From: ${who}${tag}`, `To: ${who}`, 'Call-ID: [call_id]', `CSeq: ${sequence} REGISTER`],
    ...[`Contact: <sip:${user}@${at.host}:${at.port}>`, 'Expires: 300', ...more, noBody],
  ]
  const proof = `[authentication username=${user} password=${password}]`
  return scenario([
    send(register('stranger', 1), ' retrans="500"'),
    '<recv response="401" auth="true"/>',
    send(register('known', 2, proof), ' retrans="500"'),
    '<recv response="200"/>',
  ])
}

const remember = (header: string, expression: string, name: string) =>
  `<ereg regexp="${expression}" search_in="hdr" header="${header}:" assign_to="${name}"/>`

/** What is remembered of the INVITE; SIPp refuses what is never used unless it is told. */
const receiveInvite = [
  '<recv request="INVITE" rrs="true"><action>',
  remember('CSeq', '[0-9]+', 'sequence'),
  remember('From', '.*', 'caller'),
  remember('To', '.*', 'callee'),
  '</action></recv>',
  '<Reference variables="sequence,caller,callee"/>',
]

/** Rings until the final answer is due; is given up by a CANCEL. */
function ring(ringMilliseconds: number | undefined): string[] {
  if (ringMilliseconds === 0) return []
  return [
    send(answer(180, [contact, noBody], { toTag: tag })),
    `<recv request="CANCEL"${within(ringMilliseconds, 'final')}/>`,
    send(answer(200, [noBody], { toTag: tag })),
    send(answer(487, [noBody], { toTag: tag, sequence: 'CSeq: [$sequence] INVITE' })),
    '<recv request="ACK" next="end"/>',
    ...(ringMilliseconds === undefined ? [] : ['<label id="final"/>']),
  ]
}

type Wish = NonNullable<AnswererScript['wish']>

function ask(
  { afterMilliseconds, wants }: Wish,
  dialog: readonly string[],
  audio: Address,
): string[] {
  const isHold = wants === 'hold'
  const method = isHold ? 'INVITE' : 'REFER'
  const more = isHold ? sdp(audio, 'sendonly') : `Refer-To: <${wants.transferTo}>\n${noBody}`
  const asked = [...request(method, '[next_url]', 'wish'), ...dialog, `CSeq: 10 ${method}`, more]
  const acknowledge = [...request('ACK', '[next_url]', 'ack'), ...dialog, 'CSeq: 10 ACK', noBody]
  return [
    `<recv request="BYE"${within(afterMilliseconds, 'wish')}/>`,
    send(answer(200), ' next="end"'),
    '<label id="wish"/>',
    send(asked, ' retrans="500"'),
    ...receiveFinal(),
    ...(isHold ? [send(acknowledge)] : []),
    '<label id="refused"/>',
  ]
}

/** What SIPp is to do as somebody who is called. */
export function answererScenario(script: AnswererScript, audio: Address): string {
  const { isSilent, ringMilliseconds, status = 200, headers = [], hangUpAfterMilliseconds } = script
  if (isSilent) return scenario(['<recv request="INVITE"/>', '<pause milliseconds="600000"/>'])
  const alerting = [...receiveInvite, ...ring(ringMilliseconds)]
  if (ringMilliseconds === undefined) return scenario(alerting)

  const content = status === 200 ? sdp(audio) : noBody
  const own = status === 200 ? [contact] : []
  const final = answer(status, [...own, ...headers, content], { toTag: tag })
  const answered = [...alerting, send(final, ' retrans="500"'), '<recv request="ACK"/>']
  if (status !== 200) return scenario([...answered, '<nop next="end"/>'])

  const dialog = [`From: [$callee]${tag}`, 'To: [$caller]', 'Call-ID: [call_id]', '[routes]']
  const bye = [...request('BYE', '[next_url]', 'bye'), ...dialog, 'CSeq: 20 BYE', noBody]
  return scenario([
    ...answered,
    ...(script.wish === undefined ? [] : ask(script.wish, dialog, audio)),
    ...untilBye(bye, hangUpAfterMilliseconds),
  ])
}
