import { type ChildProcess, spawn } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../test/postgres-server.ts'
import type { Installation } from './play.ts'

/** Whom the servers run as where we are root, which PostgreSQL refuses. */
const nobody = 65_534
const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}

const membersCount = 3

/** Milliseconds in which members find each other, start or catch up; longer means that they do not. */
const patience = 60_000

interface Programs {
  patroni: string
  etcd: string
  /** Folder of PostgreSQL's programs; Patroni needs those that servers alone do not have. */
  postgres: string
}

function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** The newest of Debian's PostgreSQL versions that is whole. */
function findPostgres(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).map(Number) : []
  return versions
    .sort((a, b) => b - a)
    .map((version) => join(root, String(version), 'bin'))
    .find((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'pg_rewind')))
}

/** @throws Error that tells which packages are missing. */
function findPrograms(): Programs {
  const patroni = findProgram('patroni')
  const etcd = findProgram('etcd')
  const postgres = findPostgres()
  if (patroni && etcd && postgres) return { patroni, etcd, postgres }
  throw new Error(
    'This scenario needs Patroni, etcd and PostgreSQL: ' +
      'apt-get install --no-install-recommends patroni python3-etcd etcd-server postgresql',
  )
}

interface Member {
  name: string
  folder: string
  port: number
  restPort: number
  process: ChildProcess | undefined
}

/** What Patroni reads; JSON is YAML. */
function configure({ name, folder, port, restPort }: Member, etcdPort: number, binaries: string) {
  const rest = `127.0.0.1:${restPort}`
  const address = `127.0.0.1:${port}`
  const superuser = { username: 'postgres' }
  return {
    scope: 'pointsman',
    name,
    restapi: { listen: rest, connect_address: rest },
    etcd3: { host: `127.0.0.1:${etcdPort}` },
    bootstrap: {
      dcs: {
        ttl: 10,
        loop_wait: 2,
        retry_timeout: 3,
        synchronous_mode: true,
        postgresql: { use_pg_rewind: true, use_slots: true },
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'data-checksums'],
    },
    postgresql: {
      listen: address,
      connect_address: address,
      data_dir: join(folder, 'data'),
      bin_dir: binaries,
      pgpass: join(folder, 'pgpass'),
      authentication: { superuser, replication: superuser, rewind: superuser },
      pg_hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
      parameters: { unix_socket_directories: '' },
    },
  }
}

function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return list === '' ? [] : list.split(' ').map(Number)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The postmaster that runs on a member's data, if any. */
function postmasterOf({ folder }: Member): number | undefined {
  const file = join(folder, 'data', 'postmaster.pid')
  if (!existsSync(file)) return undefined
  const pid = Number(readFileSync(file, 'utf8').split('\n', 1)[0])
  // The file outlives a crash, and its number may be somebody else's by now.
  if (!existsSync(`/proc/${pid}/cmdline`)) return undefined
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder) ? pid : undefined
}

/** As if the machine had lost its power: Patroni, the postmaster and each of its processes, none has time for a word. */
function killMember(member: Member): void {
  member.process?.kill('SIGKILL')
  member.process = undefined
  const postmaster = postmasterOf(member)
  if (postmaster === undefined) return
  const backends = childrenOf(postmaster)
  for (const pid of [postmaster, ...backends]) kill(pid)
}

interface ClusterMember {
  name: string
  role: string
  state: string
}

async function clusterOf(members: readonly Member[]): Promise<ClusterMember[]> {
  for (const { restPort } of members) {
    try {
      const answer = await fetch(`http://127.0.0.1:${restPort}/cluster`, {
        signal: AbortSignal.timeout(2_000),
      })
      return ((await answer.json()) as { members: ClusterMember[] }).members
    } catch {
      // It does not run yet, or not any more.
    }
  }
  return []
}

/** Whether each member is there and one is the standby that every commit waits for. */
function isWhole(cluster: readonly ClusterMember[]): boolean {
  const count = (role: string) => cluster.filter((member) => member.role === role).length
  const isUp = cluster.every(({ state }) => state === 'running' || state === 'streaming')
  return cluster.length === membersCount && isUp && count('leader') + count('sync_standby') === 2
}

/** Waits until the cluster is whole, and answers its primary. */
async function waitForPrimary(members: readonly Member[]): Promise<Member> {
  const deadline = Date.now() + patience
  for (;;) {
    const cluster = await clusterOf(members)
    const leader = cluster.find(({ role }) => role === 'leader')
    const primary = members.find(({ name }) => name === leader?.name)
    if (primary && isWhole(cluster)) return primary
    if (Date.now() > deadline) {
      throw new Error(`Patroni's cluster is not whole: ${JSON.stringify(cluster)}`)
    }
    await delay(200)
  }
}

/** A folder in which the servers may write, and nobody else. */
function makeFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (user.uid !== undefined) chownSync(path, user.uid, user.gid)
  return path
}

function run(program: string, parameters: readonly string[], folder: string): ChildProcess {
  const { PATH, LANG } = process.env
  return spawn(program, parameters, {
    ...user,
    cwd: folder,
    env: { PATH, LANG, HOME: folder },
    stdio: 'ignore',
  })
}

function startEtcd(program: string, folder: string, ports: { client: number; peer: number }) {
  const client = `http://127.0.0.1:${ports.client}`
  const peer = `http://127.0.0.1:${ports.peer}`
  const parameters = [
    ['--name', 'etcd'],
    ['--data-dir', join(folder, 'data')],
    ['--listen-client-urls', client],
    ['--advertise-client-urls', client],
    ['--listen-peer-urls', peer],
    ['--initial-advertise-peer-urls', peer],
    ['--initial-cluster', `etcd=${peer}`],
  ]
  return run(program, parameters.flat(), makeFolder(folder))
}

/**
 * Starts three PostgreSQL servers under Patroni, of which one is the primary and one the synchronous standby; a strike kills
 * the primary, and its machine is back once the load has gone on without it.
 *
 * @throws Error that tells which packages are missing.
 */
export async function installPatroni(): Promise<Installation> {
  const programs = findPrograms()
  const root = mkdtempSync(join(tmpdir(), 'pointsman-patroni-'))
  makeFolder(root)
  const etcdPort = await freePort()
  const etcd = startEtcd(programs.etcd, join(root, 'etcd'), {
    client: etcdPort,
    peer: await freePort(),
  })
  const members: Member[] = []

  function startMember(member: Member): void {
    const { folder } = member
    member.process = run(programs.patroni, [join(folder, 'patroni.json')], folder)
  }

  function abandon(): void {
    for (const member of members) killMember(member)
    etcd.kill('SIGKILL')
  }

  async function stop(): Promise<void> {
    process.off('exit', abandon)
    abandon()
    // Processes that were killed may still be writing what they had begun.
    rmSync(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }

  process.once('exit', abandon)
  try {
    for (let index = 1; index <= membersCount; index += 1) {
      const folder = makeFolder(join(root, `member${index}`))
      const [port, restPort] = [await freePort(), await freePort()]
      const member = { name: `member${index}`, folder, port, restPort, process: undefined }
      const config = configure(member, etcdPort, programs.postgres)
      writeFileSync(join(folder, 'patroni.json'), JSON.stringify(config))
      members.push(member)
      startMember(member)
    }
    await waitForPrimary(members)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    databaseUrl: `postgres://postgres@${members.map(({ port }) => `127.0.0.1:${port}`)}/postgres`,
    async strike({ progress }) {
      const primary = await waitForPrimary(members)
      killMember(primary)
      await progress(100)
      startMember(primary)
    },
    stop,
  }
}
