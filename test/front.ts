import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { request as requestPlain } from 'node:http'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './postgres-server.ts'
import { findProgram } from './programs.ts'

/** The name in the deployment files. */
const host = 'calls.example.org'

export interface Response {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
}

export interface Question {
  headers?: OutgoingHttpHeaders
  body?: Buffer | object | undefined
  /** Address of the client; all of 127.0.0.0/8 is this machine. */
  from?: string
  /** Of an answer that has no end: what came when it holds this is all of it. */
  enough?: string
}

/** A proxy that ends TLS before the program. */
export interface Front {
  /** What a browser shows of it: scheme, name, port. */
  origin: string
  /** Asks there by TLS, with the certificate checked. */
  ask(method: string, path: string, question?: Question): Promise<Response>
  /** Asks the port without TLS. */
  askPlain(path: string): Promise<Response>
  stop(): Promise<void>
}

/** One of the files in `deploy/`, and the program that reads it. */
export interface FrontKind {
  program: 'nginx' | 'caddy' | 'haproxy'
  /** What an operator changes in the file; each must be there. */
  changes?: readonly (readonly [from: string, to: string])[]
}

interface Place {
  folder: string
  httpPort: number
  httpsPort: number
  upstream: string
}

type Change = readonly [from: string, to: string]

/** The bytes of an answer, or of its beginning. */
async function receive(answer: IncomingMessage, enough: string | undefined): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of answer) {
    pieces.push(piece)
    if (enough !== undefined && Buffer.concat(pieces).includes(enough)) break
  }
  return Buffer.concat(pieces)
}

/** Puts the file into a folder of its own, with ports that are free. */
const adaptations: Record<FrontKind['program'], (place: Place) => Change[]> = {
  nginx: ({ folder, httpPort, httpsPort, upstream }) => [
    ['server 127.0.0.1:8080;', `server ${upstream};`],
    ['listen 80;', `listen 127.0.0.1:${httpPort};`],
    ['listen 443 ssl;', `listen 127.0.0.1:${httpsPort} ssl;`],
    ['/etc/ssl/certs/calls.example.org.pem', `${folder}/certificate.pem`],
    ['/etc/ssl/private/calls.example.org.key', `${folder}/key.pem`],
    [
      'http {\n',
      `pid ${folder}/pid;\nhttp {\n  access_log off;\n${[
        'client_body',
        'proxy',
        'fastcgi',
        'uwsgi',
        'scgi',
      ]
        .map((name) => `  ${name}_temp_path ${folder}/${name};\n`)
        .join('')}`,
    ],
  ],
  caddy: ({ folder, httpPort, httpsPort, upstream }) => [
    [
      '# Caddy before',
      `{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\thttp_port ${httpPort}\n\thttps_port ${httpsPort}\n}\n# Caddy before`,
    ],
    ['reverse_proxy 127.0.0.1:8080', `reverse_proxy ${upstream}`],
    [`\n${host} {`, `\n${host} {\n\ttls ${folder}/certificate.pem ${folder}/key.pem`],
  ],
  haproxy: ({ folder, httpPort, httpsPort, upstream }) => [
    ['ipv4@127.0.0.1:9999', `${folder}/stats`],
    ['bind :8080', `bind 127.0.0.1:${httpPort}`],
    [
      '# With TLS: bind :8443 ssl crt /usr/local/etc/haproxy/pointsman.pem',
      `bind 127.0.0.1:${httpsPort} ssl crt ${folder}/both.pem`,
    ],
    ['server node1 node1:8080', `server node1 ${upstream}`],
    ['  server node2 node2:8080\n', ''],
  ],
}

const files = { nginx: 'nginx.conf', caddy: 'Caddyfile', haproxy: 'haproxy.cfg' }

function change(text: string, [from, to]: Change): string {
  if (!text.includes(from)) throw new Error(`The file has no '${from}'.`)
  return text.replace(from, () => to)
}

function makeCertificate(openssl: string, folder: string): Buffer {
  const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const out = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')]
  execFileSync(openssl, ['req', '-x509', '-days', '2', ...key, ...names, ...out], { stdio: 'pipe' })
  const certificate = readFileSync(join(folder, 'certificate.pem'))
  writeFileSync(
    join(folder, 'both.pem'),
    [certificate, readFileSync(join(folder, 'key.pem'))].join(''),
  )
  return certificate
}

const commandLines = {
  nginx: (file: string) => ['-c', file, '-e', 'stderr', '-g', 'daemon off; master_process off;'],
  caddy: (file: string) => ['run', '--config', file, '--adapter', 'caddyfile'],
  haproxy: (file: string) => ['-db', '-f', file],
}

/** Waits until somebody listens on the port. */
async function untilOpen(port: number, child: ChildProcess, output: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The proxy ended: ${output()}`)
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await delay(20)
  }
}

/** Whether this machine has what `startFront` needs. */
export function canStart({ program }: FrontKind): boolean {
  return findProgram(program) !== undefined && findProgram('openssl') !== undefined
}

/** Answers the ports of a proxy before it is started, since the program is told its address first. */
export async function reserveFront(): Promise<{
  origin: string
  httpPort: number
  httpsPort: number
}> {
  const [httpPort, httpsPort] = [await freePort(), await freePort()]
  return { origin: `https://${host}:${httpsPort}`, httpPort, httpsPort }
}

/** Starts the proxy with its file from `deploy/`, in a temporary folder. */
export async function startFront(
  { program, changes = [] }: FrontKind,
  { origin, httpPort, httpsPort }: Awaited<ReturnType<typeof reserveFront>>,
  upstream: string,
): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), `pointsman-${program}-`))
  const certificate = makeCertificate(findProgram('openssl') ?? '', folder)
  const original = readFileSync(join(import.meta.dirname, '..', 'deploy', files[program]), 'utf8')
  const all = [...changes, ...adaptations[program]({ folder, httpPort, httpsPort, upstream })]
  const file = join(folder, files[program])
  writeFileSync(file, all.reduce(change, original))
  const environment = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const child = spawn(findProgram(program) ?? '', commandLines[program](file), { env: environment })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  await untilOpen(httpsPort, child, () => output)

  function send(
    ask: typeof request,
    options: { port: number; method: string; path: string },
    { headers = {}, body, from = '127.0.0.2', enough }: Question,
  ): Promise<Response> {
    const content = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    const type = content !== body && { 'content-type': 'application/json' }
    const sent = { host: new URL(origin).host, ...type, ...headers }
    return new Promise((resolve, reject) => {
      const asked = ask({
        ...options,
        host: '127.0.0.1',
        servername: host,
        ca: certificate,
        localAddress: from,
        headers: {
          ...sent,
          ...(content !== undefined && { 'content-length': Buffer.byteLength(content) }),
        },
        agent: false,
      })
      asked.on('error', reject)
      asked.on('response', async (answer) => {
        const bytes = await receive(answer, enough)
        const isJson = answer.headers['content-type']?.includes('json')
        const { statusCode: status = 0, headers } = answer
        resolve({ status, headers, bytes, body: isJson ? JSON.parse(String(bytes)) : undefined })
      })
      asked.end(content)
    })
  }

  return {
    origin,
    ask: (method, path, question = {}) =>
      send(request, { port: httpsPort, method, path }, question),
    askPlain: (path) => send(requestPlain, { port: httpPort, method: 'GET', path }, {}),
    async stop() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true })
    },
  }
}
