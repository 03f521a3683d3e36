import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { type Answer, domain, group, password, type Target } from './target.ts'

export interface Attack {
  name: string
  /** Makes it, and tells what was seen besides the witness. */
  make(target: Target): Promise<string>
}

const login = '/api/v1/login/'
const announcements = `${group}announcements/`
const routePoint = `${group}services/route_points/hotline/`

/** Nobody is signed in who sends these. */
const stranger = { authorization: '' }

function tell({ status, text, milliseconds }: Answer): string {
  return `${status} after ${milliseconds} ms, ${text.length} bytes`
}

/** One body from a stranger. */
function signInWith(name: string, body: unknown): Attack {
  return { name, make: async ({ ask }) => tell(await ask('POST', login, body, stranger)) }
}

/** One body from somebody who may upload announcements, whose bodies may be large. */
function uploadWith(name: string, body: () => unknown): Attack {
  return { name, make: async ({ ask }) => tell(await ask('POST', announcements, body())) }
}

function valuesUnder(keyLength: number) {
  return { provide_basic_profile: { ['k'.repeat(keyLength)]: Array(4_900).fill(0) } }
}

/** Sends the same request again and again on each of some connections, and reads nothing. */
function pipeline(name: string, path: string): Attack {
  return {
    name,
    async make(target) {
      const line = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${target.token}\r\n\r\n`
      const sockets = Array.from({ length: 16 }, () => target.open().pause())
      for (const socket of sockets) socket.write(line.repeat(1_400))
      await delay(20_000)
      for (const socket of sockets) socket.destroy()
      return target.isAlive() ? 'alive' : 'DEAD'
    },
  }
}

/** Lists of 1,000 route points, by pipelining clients who take a byte a second, which keeps simple time limits waiting. */
const trickledLists: Attack = {
  name: '64 connections that ask for 20 lists of 1,000 route points each and take a byte a second',
  async make(target) {
    const url = `${group}services/route_points/`
    for (let index = 0; index < 1_000; index += 1) {
      const serviceInstanceProfile = { name: 'n'.repeat(30), cliFirstName: 'f'.repeat(30) }
      await target.ask('POST', url, { serviceUserId: `point${index}`, serviceInstanceProfile })
    }
    const line = `GET ${url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${target.token}\r\n\r\n`
    const sockets = Array.from({ length: 64 }, () => target.open().pause())
    for (const socket of sockets) socket.write(line.repeat(20))
    for (let second = 0; second < 20; second += 1) {
      await delay(1_000)
      for (const socket of sockets) socket.read(1)
    }
    for (const socket of sockets) socket.destroy()
    return target.isAlive() ? 'alive' : 'DEAD'
  },
}

/** Connections that are held: what was begun on each is never ended. */
function hold(name: string, begun: string): Attack {
  return {
    name,
    async make(target) {
      const sockets = Array.from({ length: 5_000 }, () => target.open())
      for (const socket of sockets) if (begun !== '') socket.write(begun)
      await delay(15_000)
      const meanwhile = await target.ask('GET', '/healthz')
      const ended = sockets.filter((socket) => socket.closed).length
      for (const socket of sockets) socket.destroy()
      return `${ended} ended; a new client meanwhile: ${tell(meanwhile)}`
    },
  }
}

const wrongSignIns: Attack = {
  name: '400 wrong sign-ins at once, and a right one from elsewhere',
  async make({ ask }) {
    const signIn = (username: string, secret: string, address: string) =>
      ask(
        'POST',
        login,
        { username, password: secret },
        { ...stranger, 'x-forwarded-for': address },
      )
    const wrong = Array.from({ length: 400 }, (_, index) =>
      signIn(`guess${index}@${domain}`, 'wrong guess', '192.0.2.1'),
    )
    await delay(300)
    const right = await signIn('admin', password, '198.51.100.1')
    const statuses = (await Promise.all(wrong)).map(({ status }) => status)
    const refused = statuses.filter((status) => status === 503).length
    return `right: ${tell(right)}; of the wrong ones ${refused} were sent away unheard`
  },
}

const spellings: Attack = {
  name: '60 guesses from one host in many spellings of its address',
  async make({ ask }) {
    const addresses = Array.from({ length: 20 }, (_, index) => [
      `192.0.2.9:${10_000 + index}`,
      `::ffff:192.0.2.9`,
      `[::FFFF:c000:209]:${10_000 + index}`,
    ]).flat()
    let heard = 0
    for (const address of addresses) {
      const body = { username: `owner@${domain}`, password: 'wrong guess' }
      const { status } = await ask('POST', login, body, { ...stranger, 'x-forwarded-for': address })
      if (status === 401) heard += 1
    }
    return `${heard} were tried`
  },
}

const uploads: Attack = {
  name: '300 uploads of 5 MB at once',
  async make({ ask }) {
    const content = Buffer.alloc(5_000_000, 'A').toString()
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        ask('POST', announcements, { name: `upload ${index}`, content }),
      ),
    )
    const counts = Object.groupBy(answers, ({ status }) => String(status))
    const told = Object.entries(counts).map(([status, ones]) => `${ones?.length} × ${status}`)
    return told.join(', ')
  },
}

/** Departments each below the one before, with an agent in each, as deep as the service lets them be. */
const chain: Attack = {
  name: 'a chain of 400 departments, and the agents of a DNIS',
  async make({ ask }) {
    let depth = 0
    for (; depth < 400; depth += 1) {
      const parent = depth > 0 && {
        parentDepartment: { departmentName: `${'d'.repeat(40)}${depth}` },
      }
      const body = { departmentName: `${'d'.repeat(40)}${depth + 1}`, ...parent }
      if ((await ask('POST', `${group}departments/`, body)).status !== 201) break
      const department = { departmentName: body.departmentName }
      const user = { userId: `agent${depth}`, firstName: 'A', lastName: 'B', department }
      await ask('POST', `${group}users/`, user)
      const outgoingCallDNIS = { serviceUserId: 'hotline', name: 'main' }
      const setting = `${group}users/agent${depth}/services/call_centers/`
      await ask('PUT', setting, { outgoingCallDNIS })
    }
    return `${depth} deep; ${tell(await ask('GET', `${routePoint}dnis/main/agents/`))}`
  },
}

const lock: Attack = {
  name: 'another process holds SQLite’s lock for 4 s',
  async make({ ask, databaseUrl }) {
    if (!databaseUrl.startsWith('sqlite:')) return 'only on SQLite'
    const other = new Sqlite(databaseUrl.slice('sqlite:'.length))
    other.exec('BEGIN IMMEDIATE')
    const write = ask('PUT', `${routePoint}forced_forwarding/`, { active: false })
    await delay(4_000)
    other.exec('ROLLBACK')
    other.close()
    return `a write meanwhile: ${tell(await write)}`
  },
}

const nothing: Attack = {
  name: 'nothing',
  async make() {
    await delay(2_000)
    return ''
  },
}

export const attacks: readonly Attack[] = [
  nothing,
  signInWith('4,900 values under a key of 20,000 characters', valuesUnder(20_000)),
  signInWith('4,900 values under a key of 245,000 characters', valuesUnder(245_000)),
  signInWith('a name of 130,000 combining marks', {
    username: `a${'\u0301\u0316'.repeat(65_000)}`,
    password,
  }),
  signInWith('a key of 250,000 characters over 100 bad values', {
    ['k'.repeat(250_000)]: Array(100).fill('\u0001'),
  }),
  uploadWith('a key of 2,000,000 characters over 100 bad values', () => ({
    ['k'.repeat(2_000_000)]: Array(100).fill('\u0001'),
  })),
  uploadWith('7 MB of escaped quotes', () => ({ name: 'x', content: '"'.repeat(3_400_000) })),
  uploadWith('7 MB of backslashes', () => ({ name: 'x', content: '\\'.repeat(3_400_000) })),
  uploadWith('7 MB of spaces before an object', () => ' '.repeat(6_900_000).concat('{}')),
  uploadWith('7 MB of base64 with a space after each character', () => ({
    name: 'x',
    content: 'A '.repeat(3_400_000),
  })),
  pipeline(
    '16 connections that pipeline 1,400 GET /openapi.json and read nothing',
    '/openapi.json',
  ),
  pipeline(
    '16 connections that pipeline 1,400 lists and read nothing',
    `${group}services/route_points/`,
  ),
  pipeline(
    '16 connections that pipeline 1,400 GET of the documentation’s largest file and read nothing',
    '/docs/static/swagger-ui-bundle.js',
  ),
  trickledLists,
  hold('5,000 connections that say nothing', ''),
  hold('5,000 requests without the end of their headers', 'GET / HTTP/1.1\r\nHost: x\r\n'),
  hold(
    '5,000 sign-ins without the end of their body',
    `POST ${login} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`,
  ),
  wrongSignIns,
  spellings,
  uploads,
  chain,
  lock,
]
