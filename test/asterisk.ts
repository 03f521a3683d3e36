import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePort } from './postgres-server.ts'
import { findProgram } from './programs.ts'
import { freeUdpPort } from './sip.ts'
import { holdTone, tone } from './tones.ts'

/** Asterisk as operators configure it by `deploy/asterisk`, seen from outside. All of it listens on 127.0.0.1 only. */
export interface Asterisk {
  ari: { url: string; username: string; password: string }
  /** Where callers send their calls: who comes from 127.0.0.1 is the endpoint `trunk`, anybody else a stranger. */
  sip: { host: string; port: number }
  /** Where calls to `PJSIP/NUMBER@trunk` go. Agents are dialled by `PJSIP/agents/sip:USER@HOST:PORT`. */
  world: { host: string; port: number }
  /** Sound files for `play`, as `sound:FOLDER/NAME`; it is kept over restarts. */
  mediaFolder: string
  /** What it has written so far. */
  output(): string
  /** Asks its REST interface; `path` with its query, without `/ari`. */
  ask(method: string, path: string, body?: object): Promise<Response>
  /** The channels that there are, and the bridges. */
  channels(): Promise<{ id: string; name: string; state: string }[]>
  bridges(): Promise<{ id: string; channels: string[] }[]>
  /** Ends and starts it on the same ports: `stop` hangs up first, `kill` is a crash. */
  restart(way: 'stop' | 'kill'): Promise<void>
  /** A crash; `restart` brings it back. */
  kill(): Promise<void>
  stop(): Promise<void>
}

const host = '127.0.0.1'
const username = 'pointsman'
const password = 'secret of tests'

interface Ports {
  ari: number
  sip: number
  world: number
}

/** Lines for the ends of files of its `installation`. */
interface More {
  pjsip?: string
  dialplan?: string
}

/**
 * What an installation says of itself in `deploy/asterisk/installation`. All instances share the ports for audio: Asterisk
 * tries others where one is taken.
 */
function installation(folder: string, ports: Ports, more: More): Record<string, string> {
  return {
    'http.conf': `bindaddr=${host}\nbindport=${ports.ari}\n`,
    'ari.conf': `[${username}]\ntype=user\nread_only=no\npassword=${password}\n`,
    'rtp.conf': 'rtpstart=20000\nrtpend=29999\n',
    'musiconhold.conf': `directory=${join(folder, 'hold')}\n`,
    'extensions.conf': `[fallback]
exten => s,1,Set(TIMEOUT(absolute)=0)
 same => n,Hangup(34)
${more.dialplan ?? ''}`,
    'pjsip.conf': `
[udp]
type=transport
protocol=udp
bind=${host}:${ports.sip}
[trunk](trunk)
aors=trunk
[trunk]
type=identify
endpoint=trunk
match=${host}
[trunk]
type=aor
contact=sip:${host}:${ports.world}
[agents](agent)
${more.pjsip ?? ''}`,
  }
}

/** The sample's agent whose phone registers here, alice, which stands there as a comment, or one of another name: lines for `pjsip`. */
export function registeringAgent(password: string, name = 'alice'): string {
  const file = readFileSync(join(sample, 'installation', 'pjsip.conf'), 'utf8')
  const [, commented = ''] = /^(; \[alice\].*)/ms.exec(file) ?? []
  const text = commented.replaceAll(/^; /gm, '').replace('password=', `password=${password}`)
  return text.replaceAll('alice', name)
}

/** What its folders are; those of the program are told by `scripts/asterisk`, where they are not where it looks by itself. */
function asteriskConf(folder: string, command: string): string {
  const own = {
    astetcdir: 'etc',
    astvarlibdir: 'lib',
    astdbdir: 'lib',
    astkeydir: 'lib',
    astagidir: 'lib',
    astcachedir: 'cache',
    astspooldir: 'spool',
    astrundir: 'run',
    astlogdir: 'log',
  }
  for (const name of Object.values(own)) mkdirSync(join(folder, name), { recursive: true })
  const lines = Object.entries(own).map(([key, name]) => `${key} => ${join(folder, name)}`)
  return `[directories]\n${lines.join('\n')}\n#tryinclude ${command}.directories.conf\n`
}

/** How agents are dialled whose phones are all at one port of 127.0.0.1. */
export const agentsAt = (port: number) => `PJSIP/agents/sip:{user}@${host}:${port}`

/**
 * Writes a file for POINTSMAN_ENGINES with these Asterisks alone, and answers its path.
 *
 * @param members of each that differ from what all need, or are to be told besides: how agents are dialled.
 */
export function writeAllEngines(
  folder: string,
  engines: readonly { asterisk: Asterisk; members: { agents: string } }[],
  name = 'engines',
): string {
  writeFileSync(join(folder, 'password'), `${password}\n`)
  const entries = engines.map(({ asterisk: { ari, mediaFolder }, members }) => ({
    name: 'asterisk',
    url: ari.url,
    username: ari.username,
    passwordFile: 'password',
    country: 'BE',
    peers: ['trunk'],
    numbers: 'PJSIP/{number}@trunk',
    media: { folder: mediaFolder },
    ...members,
  }))
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(entries))
  return file
}

/** The same with one. */
export function writeEngines(
  folder: string,
  asterisk: Asterisk,
  members: { agents: string },
): string {
  return writeAllEngines(folder, [{ asterisk, members }])
}

const sample = join(import.meta.dirname, '..', 'deploy', 'asterisk')

/** A folder with all that one Asterisk needs; its configuration is the sample's but for the folder `installation`. */
function writeFolder(command: string, ports: Ports, more: More): string {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-asterisk-'))
  for (const name of ['hold', 'media']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'hold', 'music.sln'), tone(holdTone, 2))
  cpSync(sample, join(folder, 'etc'), { recursive: true })
  writeFileSync(join(folder, 'etc', 'asterisk.conf'), asteriskConf(folder, command))
  for (const [name, content] of Object.entries(installation(folder, ports, more))) {
    writeFileSync(join(folder, 'etc', 'installation', name), content)
  }
  return folder
}

/** Starts the process; it is up when its REST interface answers. */
async function run(command: string, folder: string, isUp: () => Promise<boolean>) {
  const child = spawn(command, ['-f', '-n', '-C', join(folder, 'etc', 'asterisk.conf')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written = { text: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      written.text += text
    })
  }
  while (!(await isUp())) {
    if (hasEnded(child)) throw new Error(`Asterisk did not start: ${written.text}`)
    await setTimeout(50)
  }
  return { child, written }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode !== null || signalCode !== null

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

/**
 * Starts an Asterisk of our own on free ports.
 *
 * @throws Error with what it wrote when it ends instead, or when this machine has none.
 */
export async function startAsterisk(more: More = {}): Promise<Asterisk> {
  const command = findProgram('asterisk')
  if (command === undefined) throw new Error('There is no Asterisk: see scripts/asterisk.')
  const ports = { ari: await freePort(), sip: await freeUdpPort(), world: await freeUdpPort() }
  const folder = writeFolder(command, ports, more)
  const url = `http://${host}:${ports.ari}/ari`
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

  function ask(method: string, path: string, body?: object): Promise<Response> {
    return fetch(url + path, {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
  }

  async function list<Item>(path: string): Promise<Item[]> {
    return (await (await ask('GET', path)).json()) as Item[]
  }

  const isUp = () =>
    ask('GET', '/asterisk/info').then(
      (answer) => answer.ok,
      () => false,
    )
  let { child, written } = await run(command, folder, isUp).catch((error) => {
    rmSync(folder, { recursive: true, force: true })
    throw error
  })
  // A run that is broken off leaves none behind.
  const abandon = () => child.kill('SIGKILL')
  process.once('exit', abandon)

  return {
    ari: { url, username, password },
    sip: { host, port: ports.sip },
    world: { host, port: ports.world },
    mediaFolder: join(folder, 'media'),
    output: () => written.text,
    ask,
    channels: () => list('/channels'),
    bridges: () => list('/bridges'),
    kill: () => end(child, 'SIGKILL'),
    async restart(way) {
      await end(child, way === 'kill' ? 'SIGKILL' : 'SIGTERM')
      ;({ child, written } = await run(command, folder, isUp))
    },
    async stop() {
      process.off('exit', abandon)
      await end(child, 'SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
