import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'

/** The started program, seen from outside. */
export interface Program {
  /** Without a trailing slash. */
  url: string
  metricsUrl: string
  /** What it has written so far. */
  output(): string
  signal(name: NodeJS.Signals): void
  /** Resolves when it has ended. */
  ended: Promise<Ending>
}

export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

const main = join(import.meta.dirname, '..', 'src', 'main.ts')

/** Its only settings are `settings`; free ports unless they tell otherwise. */
function launch(
  settings: Record<string, string>,
  { flags = [], parameters = [] }: { flags?: readonly string[]; parameters?: readonly string[] },
) {
  const named = Object.entries({ PORT: '0', METRICS_ADDRESS: '127.0.0.1:0', ...settings })
  const environment = Object.fromEntries(named.map(([name, value]) => [`POINTSMAN_${name}`, value]))
  const child = spawn(process.execPath, [...flags, main, ...parameters], { env: environment })
  const written = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      written[stream] += text
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...written }))
  return { child, written, ended }
}

/** Runs the program until it ends by itself. */
export function runProgram(
  settings: Record<string, string>,
  ...parameters: string[]
): Promise<Ending> {
  return launch(settings, { parameters }).ended
}

/**
 * Starts the program and answers when it listens.
 *
 * @param flags of Node.js.
 * @throws Error with its output when it ends instead.
 */
export async function startProgram(
  settings: Record<string, string>,
  flags: readonly string[] = [],
): Promise<Program> {
  const { child, written, ended } = launch(settings, { flags })
  const url = await addressIn(child, written, /Server listening at (http:[^"]+)"/)
  return {
    url,
    metricsUrl: /Metrics at (http:[^"]+)"/.exec(written.stdout)?.[1] ?? '',
    output: () => written.stdout + written.stderr,
    signal: (name) => child.kill(name),
    ended,
  }
}

async function addressIn(
  child: ChildProcess,
  written: { stdout: string; stderr: string },
  line: RegExp,
): Promise<string> {
  for (;;) {
    const url = line.exec(written.stdout)?.[1]
    if (url) return url
    const news = await Promise.race([
      child.stdout && once(child.stdout, 'data'),
      once(child, 'close').then(() => undefined),
    ])
    if (!news) throw new Error(`The program ended: ${written.stdout}${written.stderr}`)
  }
}

/** Signs in and answers the `sessionid` cookie; undefined when it is refused. */
export async function signIn(url: string, username: string, password: string) {
  const answer = await post(`${url}/api/v1/login/`, { username, password })
  return answer.headers.get('set-cookie')?.split(';', 1)[0]
}

export function post(url: string, body: object, headers: Record<string, string> = {}) {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** Sends the head and the first byte of a sign-in; the answer to `Expect` shows that the program has the request. */
export async function beginSignIn(url: string, body: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).setEncoding('utf8')
  socket.write(
    `POST /api/v1/login/ HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
  )
  const [interim] = await once(socket, 'data')
  if (!String(interim).includes('100 Continue')) throw new Error(`Not taken: ${interim}`)
  socket.write(body.slice(0, 1))
  return socket
}
