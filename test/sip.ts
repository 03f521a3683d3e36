import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { on, once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { findProgram } from './programs.ts'
import {
  type Address,
  type AnswererScript,
  answererScenario,
  type CallerScript,
  callerScenario,
  registrationScenario,
} from './sip-scenarios.ts'

const host = '127.0.0.1'

/** A message as a party saw it on the wire. */
export interface SipMessage {
  /** Milliseconds since 1970, with parts of one. */
  at: number
  isSent: boolean
  /** Of a request. */
  method?: string
  uri?: string
  /** Of an answer. */
  status?: number
  /** With names in small letters; of several lines of one name the first. */
  headers: Record<string, string>
  body: string
}

/** What a message must be like. */
export interface Wanted {
  isSent?: boolean
  /** A request of this method. */
  request?: string
  /** An answer to this method. */
  answerTo?: string
  status?: number
  /** Of the call of this number, in the order in which a party came to know of them, from 0. */
  call?: number
}

/** SIPp as one party of calls, seen from outside. */
export interface SipParty {
  host: string
  port: number
  /** What it has seen and said, in order; retransmissions too. */
  messages(wanted?: Wanted): SipMessage[]
  /** Waits for the first message like this. @throws Error with all messages when the party ends without one. */
  message(wanted: Wanted): Promise<SipMessage>
  /** Waits for how a call is answered at last: 200, or a refusal. */
  finalAnswer(call?: number): Promise<SipMessage>
  /** Resolves when it has ended: whether each call went as its script says. */
  ended: Promise<{ isAsScripted: boolean; errors: string }>
  /** Ends it at once, calls or not: nothing more is heard from it. */
  stop(): Promise<void>
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, host)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

/** Whether nobody has a UDP port of an address. */
async function isFree(address: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4').bind(port, address)
  try {
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}

/** A port for SIPp's audio, which has one for pictures two above: below those that systems give to whoever asks for any, and Asterisk's. */
async function freeAudioPort(address: string): Promise<number> {
  for (;;) {
    const port = 10_000 + 4 * randomInt(2_400)
    if ((await isFree(address, port)) && (await isFree(address, port + 2))) return port
  }
}

function parse(at: number, kind: string, text: string): SipMessage {
  const [head = '', ...rest] = text.split('\n\n')
  const [first = '', ...lines] = head.split('\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] ??= line.slice(colon + 1).trim()
  }
  const [one = '', two = ''] = first.split(' ')
  const start = one === 'SIP/2.0' ? { status: Number(two) } : { method: one, uri: two }
  return { at, isSent: kind === 'sent', ...start, headers, body: rest.join('\n\n') }
}

/** Where a message's SDP says that its sender wants to hear. */
export function audioOf({ body }: SipMessage): Address {
  const audioHost = /^c=IN IP4 (\S+)/m.exec(body)?.[1] ?? ''
  return { host: audioHost, port: Number(/^m=audio (\d+)/m.exec(body)?.[1]) }
}

/** SIPp's local time, with microseconds. */
function timeOf(date: string, time: string): number {
  return Date.parse(`${date}T${time.slice(0, 12)}`) + Number(time.slice(12)) / 1_000
}

/** Reads SIPp's log of messages: a ruler with the time, a line that says which way one went, and the message. */
function parseLog(log: string): SipMessage[] {
  return log
    .replaceAll('\r', '')
    .split(/^-{40,} (?=\d)/m)
    .flatMap((entry) => {
      const [, date = '', time = '', kind = '', text = ''] =
        /^(\S+) (\S+)\nUDP message (sent|received) [^\n]*\n\n(.+)/s.exec(entry) ?? []
      return text === '' ? [] : [parse(timeOf(date, time), kind, text)]
    })
}

function select(messages: readonly SipMessage[], wanted: Wanted): SipMessage[] {
  const calls = [...new Set(messages.map(({ headers }) => headers['call-id']))]
  return messages.filter(({ isSent, method, status, headers }) => {
    const asked = status === undefined ? undefined : headers.cseq?.split(' ').at(-1)
    return (
      (wanted.isSent ?? isSent) === isSent &&
      (wanted.request ?? method) === method &&
      (wanted.answerTo ?? asked) === asked &&
      (wanted.status ?? status) === status &&
      (wanted.call === undefined || headers['call-id'] === calls[wanted.call])
    )
  })
}

/** Whether something listens on a UDP port: a socket that is connected to it learns when nothing does. */
async function listens({ host, port }: Address): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.connect(port, host)
  await once(socket, 'connect')
  const refused = once(socket, 'error').then(() => true)
  socket.send('\r\n\r\n')
  const isRefused = await Promise.race([refused, setTimeout(20, false)])
  socket.close()
  return !isRefused
}

/** Everything that was started and may still run; a run that is broken off leaves none behind. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

interface Place {
  host?: string | undefined
  port?: number | undefined
  /** A party that neither ends nor is stopped ends by itself after so long; 900 unless told. */
  lifeSeconds?: number | undefined
}

async function start(
  scenario: string,
  parameters: readonly string[],
  { host: address = host, port: given, lifeSeconds = 900 }: Place,
): Promise<SipParty> {
  const command = findProgram('sipp')
  if (command === undefined) throw new Error('There is no SIPp: see scripts/fetch-programs.')
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-sip-'))
  const log = join(folder, 'messages')
  writeFileSync(log, '')
  writeFileSync(join(folder, 'scenario.xml'), scenario)
  const port = given ?? (await freeUdpPort())
  // Each has one, used or not; left alone SIPp tries the same hundred, which so many parties may have.
  const audioPort = await freeAudioPort(address)
  const child = spawn(
    command,
    [
      ...['-sf', 'scenario.xml', '-i', address, '-p', String(port), '-nostdin', '-aa'],
      ...['-mp', String(audioPort)],
      ...['-trace_msg', '-message_file', log, '-trace_err', '-error_file', join(folder, 'errors')],
      ...['-timeout', `${lifeSeconds}s`, ...parameters],
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  running.add(child)
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  let finalLog: string | undefined
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child)
    finalLog = readFileSync(log, 'utf8')
    rmSync(folder, { recursive: true, force: true })
    return { isAsScripted: code === 0, errors }
  })
  const messages = (wanted: Wanted = {}) =>
    select(parseLog(finalLog ?? readFileSync(log, 'utf8')), wanted)
  async function first(wanted: Wanted, suits: (message: SipMessage) => boolean) {
    for (;;) {
      const isOver = finalLog !== undefined
      const found = messages(wanted).find(suits)
      if (found) return found
      if (isOver) throw new Error(`No ${JSON.stringify(wanted)} among ${finalLog}${errors}`)
      await setTimeout(20)
    }
  }
  return {
    host: address,
    port,
    messages,
    ended,
    message: (wanted) => first(wanted, () => true),
    finalAnswer: (call = 0) =>
      first({ answerTo: 'INVITE', call }, ({ status = 0 }) => status >= 200),
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Nobody listens there. */
const nowhere: Address = { host, port: 9 }

/**
 * Calls once, or several times at a rate. It ends when its calls have.
 *
 * @param script with the address from which it calls, 127.0.0.1 by default.
 */
export function startCaller(
  called: Address,
  script: CallerScript & {
    host?: string
    audio?: Address
    calls?: number
    callsPerSecond?: number
  },
): Promise<SipParty> {
  const { audio = nowhere, calls = 1, callsPerSecond = 10 } = script
  const parameters = ['-m', String(calls), '-l', String(calls), '-r', String(callsPerSecond)]
  const place = { host: script.host }
  return start(
    callerScenario(script, audio),
    [`${called.host}:${called.port}`, ...parameters],
    place,
  )
}

/**
 * Listens on a free port, or on the one told, and answers each call alike until it is stopped.
 *
 * @throws Error when it ends before it listens.
 */
export async function startAnswerer(
  script: AnswererScript & Place & { audio?: Address },
): Promise<SipParty> {
  const { audio = nowhere } = script
  const party = await start(answererScenario(script, audio), [], script)
  const failed = party.ended.then(({ errors }) => {
    throw new Error(`SIPp ended before it listened: ${errors}`)
  })
  while (!(await Promise.race([listens(party), failed]))) await setTimeout(10)
  // From now on it may end as it likes.
  failed.catch(() => {})
  return party
}

/** Registers a phone that is called at `at`, from that host; resolves when it has been taken. */
export async function register(
  registrar: Address,
  { user, password, at }: { user: string; password: string; at: Address },
): Promise<void> {
  const party = await start(
    registrationScenario(user, password, at),
    [`${registrar.host}:${registrar.port}`, '-m', '1'],
    { host: at.host },
  )
  const { isAsScripted } = await party.ended
  if (!isAsScripted) throw new Error(`${user} cannot register: ${JSON.stringify(party.messages())}`)
}

/** What SIPp cannot write, or would not: each character is one byte. */
interface Invitation {
  /** Where it comes from; 127.0.0.1 unless told. */
  host?: string
  uri?: string
  callId?: string
  /** Parameters of To, with their semicolon: a tag makes it belong to a call. */
  toParameters?: string
  headers?: readonly string[]
}

/** Sends one INVITE as it is told, and answers with the status of its final answer. */
export async function statusOfInvitation(
  called: Address,
  { host: from = host, uri = 'sip:1@127.0.0.1', toParameters = '', ...more }: Invitation,
): Promise<number> {
  const socket = createSocket('udp4').bind(0, from)
  try {
    await once(socket, 'listening')
    const us = `${from}:${socket.address().port}`
    const body = `v=0\r\no=- 1 1 IN IP4 ${from}\r\ns=-\r\nc=IN IP4 ${from}\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n`
    const lines = [
      `INVITE ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${us};branch=z9hG4bK-${randomUUID()}`,
      'Max-Forwards: 70',
      'From: <sip:caller@127.0.0.1>;tag=1',
      `To: <${uri}>${toParameters}`,
      `Call-ID: ${more.callId ?? randomUUID()}`,
      'CSeq: 1 INVITE',
      `Contact: <sip:${us}>`,
      ...(more.headers ?? []),
      'Content-Type: application/sdp',
      `Content-Length: ${body.length}`,
    ]
    socket.send(
      Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'),
      called.port,
      called.host,
    )
    for await (const [answer] of on(socket, 'message')) {
      const status = Number(/^SIP\/2\.0 (\d{3})/.exec(String(answer))?.[1])
      if (status >= 200) return status
    }
    throw new Error('The socket has been closed.')
  } finally {
    socket.close()
  }
}
