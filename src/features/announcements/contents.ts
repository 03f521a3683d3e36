import { randomUUIDv7 } from 'node:crypto'
import { type Reader, sql } from '../../database/database.ts'
import type { Upload } from '../../documents/upload.ts'
import type { Work } from '../../writes/door.ts'
import { defineChunks } from './chunks.ts'

const insertContent = sql(
  `INSERT INTO announcement_contents (tenant_key, group_key, announcement_name, content_id, bytes)
   VALUES (?, ?, ?, ?, ?)`,
)
const removeContent = sql(
  `DELETE FROM announcement_contents
   WHERE tenant_key = ? AND group_key = ? AND announcement_name = ?`,
)
const chunks = defineChunks('announcement_chunks')

const selectContent = sql<{ content_id: string; bytes: number }>(
  `SELECT content_id, bytes FROM announcement_contents
   WHERE tenant_key = ? AND group_key = ? AND announcement_name = ?`,
)
const selectTotal = sql<{ bytes: number }>(
  `SELECT coalesce(sum(bytes), 0) AS bytes FROM announcement_contents
   WHERE tenant_key = ? AND group_key = ?`,
)

/** Keeps the audio of the announcement under `key`, in place of what it had. */
export async function saveContent(
  { transaction }: Work,
  key: readonly string[],
  content: Upload,
): Promise<void> {
  const [tenantKey = ''] = key
  const contentId = randomUUIDv7()
  await transaction.run(removeContent, ...key)
  await transaction.run(insertContent, ...key, contentId, content.size)
  await chunks.save(transaction, tenantKey, contentId, content)
}

export interface StoredContent {
  contentId: string
  /** Bytes. */
  size: number
}

/** What the announcement under `key` plays; undefined when there is no such announcement. */
export async function findContent(
  reader: Reader,
  key: readonly string[],
): Promise<StoredContent | undefined> {
  const row = await reader.get(selectContent, ...key)
  return row && { contentId: row.content_id, size: row.bytes }
}

/** Bytes that the announcements of a group take together. */
export async function totalSize(reader: Reader, group: readonly string[]): Promise<number> {
  return (await reader.get(selectTotal, ...group))?.bytes ?? 0
}

/** As `read` of chunks. */
export const readContent = chunks.read

const selectSize = sql<{ bytes: number }>(
  'SELECT bytes FROM announcement_contents WHERE tenant_key = ? AND content_id = ?',
)

/**
 * Reads the whole audio of an id; nothing when it was replaced or deleted.
 *
 * @throws DatabaseUnavailable when that happens meanwhile.
 */
export async function* readWholeContent(
  reader: Reader,
  tenantKey: string,
  contentId: string,
): AsyncGenerator<Uint8Array> {
  const row = await reader.get(selectSize, tenantKey, contentId)
  if (row) yield* chunks.read(reader, tenantKey, { contentId, first: 0, last: row.bytes - 1 })
}
