import Sqlite from 'better-sqlite3'
import { post, signIn, startProgram } from './program.ts'

/** One acknowledged write: where it went and what was answered. */
interface Acknowledged {
  target: string
  answer: string
}

export interface Durability {
  acknowledged: number
  /** Of those, the ones that the restarted program still knows. */
  found: number
  lost: number
}

export const password = 'correct horse battery'
const groupPath = '/api/v1/tenants/loadtenant/groups/loadgroup/'

/** A token and the paths of `count` route points, made through the API. */
async function furnish(url: string, count: number) {
  const cookie = (await signIn(url, 'admin', password)) ?? ''
  const create = async (path: string, body: object) => {
    const answer = await post(url + path, body, { cookie })
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as { token?: string }
  }
  await create('/api/v1/tenants/', {
    tenantId: 'loadtenant',
    type: 'Enterprise',
    defaultDomain: 'load.example',
  })
  await create('/api/v1/tenants/loadtenant/groups/', { groupId: 'loadgroup' })
  const ids = Array.from({ length: count }, (_, index) => `rp${index}@load.example`)
  for (const serviceUserId of ids) {
    await create(`${groupPath}services/route_points/`, {
      serviceUserId,
      serviceInstanceProfile: { name: 'Load' },
    })
  }
  const { token = '' } = await create('/api/v1/tokens/', { name: 'load' })
  return {
    cookie,
    token,
    paths: ids.map((id) => `${groupPath}services/route_points/${encodeURIComponent(id)}/`),
  }
}

/**
 * Lets `clients` write at once, kills the program without warning after `writes` answers, starts it anew on the same
 * file, and looks for every write that was acknowledged: in the record of changes, and each client's last one where GET
 * shows it.
 */
export async function provokeLoss(
  databasePath: string,
  { clients, writes }: { clients: number; writes: number },
): Promise<Durability> {
  const settings = {
    DATABASE_URL: `sqlite:${databasePath}`,
    ADMIN_PASSWORD: password,
    LOG_LEVEL: 'info',
  }
  const program = await startProgram(settings)
  const { token, paths } = await furnish(program.url, clients)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const acknowledged: Acknowledged[] = []
  const last = new Map<string, number>()

  async function write(target: string): Promise<void> {
    for (let count = 1; ; count += 1) {
      const body = JSON.stringify({ forwardToPhoneNumber: `${count}`.padStart(6, '1') })
      let answer: string
      try {
        const response = await fetch(program.url + target, { method: 'PUT', headers, body })
        if (response.status !== 200) throw new Error(`${response.status}`)
        answer = await response.text()
      } catch (error) {
        // After the kill nothing answers; whether this last write was made is not known and not promised.
        if (acknowledged.length >= writes) return
        throw error
      }
      acknowledged.push({ target, answer })
      last.set(target, count)
      if (acknowledged.length === writes) program.signal('SIGKILL')
    }
  }
  await Promise.all(paths.map((path) => write(`${path}forced_forwarding/`)))
  await program.ended

  const restarted = await startProgram(settings)
  let visible = true
  for (const [target, count] of last) {
    const response = await fetch(restarted.url + target, { headers })
    const { forwardToPhoneNumber } = (await response.json()) as { forwardToPhoneNumber?: string }
    // The write that was under way at the kill may have been made.
    const possible = [count, count + 1].map((value) => `${value}`.padStart(6, '1'))
    visible &&= possible.includes(String(forwardToPhoneNumber))
  }
  restarted.signal('SIGTERM')
  await restarted.ended
  if (!visible) throw new Error('A setting is older than its last acknowledged write.')
  const found = countKept(databasePath, acknowledged)
  return { acknowledged: acknowledged.length, found, lost: acknowledged.length - found }
}

function countKept(databasePath: string, acknowledged: readonly Acknowledged[]): number {
  const connection = new Sqlite(databasePath, { readonly: true })
  const rows = connection
    .prepare<[], { target: string; after_value: string }>('SELECT target, after_value FROM changes')
    .all()
  connection.close()
  const kept = new Set(rows.map(({ target, after_value }) => `${target} ${after_value}`))
  return acknowledged.filter(({ target, answer }) => kept.has(`${target} ${answer}`)).length
}
