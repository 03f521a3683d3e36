import { randomUUIDv7 } from 'node:crypto'
import { type Database, type Reader, sql, type Transaction } from '../../database/database.ts'
import type { GroupKey } from '../../http/place.ts'
import { defineChunks } from '../announcements/chunks.ts'
import type { Fetched, Validators } from './fetch-audio.ts'

/** An address that settings of a group name. */
export interface AudioAddress {
  tenantKey: string
  groupKey: string
  url: string
}

/** What was fetched from an address. */
export interface Copy extends Validators {
  contentId: string
  sha256: string
  bytes: number
  /** When the server last said that it is so, in milliseconds since 1970. */
  checkedAt: number
}

/** What the copies of one group may be. */
export interface CopyLimits {
  /** Bytes of all together; -1 for no limit. */
  groupBytesMax: number
  groupCopiesMax: number
}

interface CopyRow {
  content_id: string
  sha256: string
  bytes: number
  etag: string | null
  last_modified: string | null
  checked_at: number
}

const chunks = defineChunks('audio_copy_chunks')
const isOfAddress = 'tenant_key = ? AND group_key = ? AND url = ?'

const selectCopy = sql<CopyRow>(
  `SELECT content_id, sha256, bytes, etag, last_modified, checked_at
   FROM audio_copies WHERE ${isOfAddress}`,
)
const selectOthers = sql<{ copies: number; bytes: number }>(
  `SELECT count(*) AS copies, coalesce(sum(bytes), 0) AS bytes FROM audio_copies
   WHERE tenant_key = ? AND group_key = ? AND url <> ?`,
)
const insertCopy = sql(
  `INSERT INTO audio_copies
     (tenant_key, group_key, url, content_id, sha256, bytes, etag, last_modified, checked_at)
   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
)
const updateChecked = sql(`UPDATE audio_copies SET checked_at = ? WHERE ${isOfAddress}`)
const deleteCopy = sql(`DELETE FROM audio_copies WHERE ${isOfAddress}`)
const selectUrls = sql<{ url: string }>(
  'SELECT url FROM audio_copies WHERE tenant_key = ? AND group_key = ? ORDER BY url',
)
const selectNextGroup = sql<{ tenant_key: string; group_key: string }>(
  `SELECT tenant_key, group_key FROM audio_copies WHERE (tenant_key, group_key) > (?, ?)
   ORDER BY tenant_key, group_key LIMIT 1`,
)

const keyOf = ({ tenantKey, groupKey, url }: AudioAddress) => [tenantKey, groupKey, url]

export async function findCopy(reader: Reader, address: AudioAddress): Promise<Copy | undefined> {
  const row = await reader.get(selectCopy, ...keyOf(address))
  if (!row) return undefined
  const { content_id, last_modified, checked_at, ...rest } = row
  return { ...rest, contentId: content_id, lastModified: last_modified, checkedAt: checked_at }
}

/** What a group has no room for. */
export class NoRoom extends Error {}

/** @throws NoRoom for so many bytes. */
async function requireRoom(
  transaction: Transaction,
  { tenantKey, groupKey, url }: AudioAddress,
  { size, groupBytesMax, groupCopiesMax }: CopyLimits & { size: number },
): Promise<void> {
  const others = await transaction.get(selectOthers, tenantKey, groupKey, url)
  const { copies = 0, bytes = 0 } = others ?? {}
  const isFull = groupBytesMax !== -1 && bytes + size > groupBytesMax
  if (copies < groupCopiesMax && !isFull) return
  throw new NoRoom(`The group's other ${copies} addresses already take ${bytes} bytes.`)
}

/**
 * Keeps what was fetched, in place of what was fetched from there before.
 *
 * @throws NoRoom; Error when the group is gone.
 */
export async function saveCopy(
  database: Database,
  address: AudioAddress,
  { fetched, limits }: { fetched: Fetched; limits: CopyLimits },
): Promise<void> {
  const { recording, etag, lastModified } = fetched
  const { sha256, size } = recording
  const contentId = randomUUIDv7()
  await database.write(async (transaction) => {
    await requireRoom(transaction, address, { ...limits, size })
    await transaction.run(deleteCopy, ...keyOf(address))
    const facts = [contentId, sha256, size, etag, lastModified, Date.now()]
    await transaction.run(insertCopy, ...keyOf(address), ...facts)
    await chunks.save(transaction, address.tenantKey, contentId, recording)
  })
}

/** Notes that what is kept is what is there now. */
export async function noteUnchanged(database: Database, address: AudioAddress): Promise<void> {
  const now = Date.now()
  await database.write(
    (transaction) => transaction.run(updateChecked, now, ...keyOf(address)),
    'keys',
  )
}

export function readCopy(
  reader: Reader,
  tenantKey: string,
  { contentId, bytes }: Pick<Copy, 'contentId' | 'bytes'>,
): AsyncIterable<Uint8Array> {
  return chunks.read(reader, tenantKey, { contentId, first: 0, last: bytes - 1 })
}

/** Groups that have copies, one after the other. */
export async function* groupsWithCopies(reader: Reader): AsyncGenerator<GroupKey, void> {
  let after: GroupKey = ['', '']
  for (;;) {
    const row = await reader.get(selectNextGroup, ...after)
    if (!row) return
    after = [row.tenant_key, row.group_key]
    yield after
  }
}

/** Removes a group's copies but for those of some addresses. */
export async function removeOthers(
  database: Database,
  group: GroupKey,
  kept: ReadonlySet<string>,
): Promise<void> {
  const urls = await database.all(selectUrls, ...group)
  for (const { url } of urls.filter((one) => !kept.has(one.url))) {
    await database.write((transaction) => transaction.run(deleteCopy, ...group, url), 'keys')
  }
}
