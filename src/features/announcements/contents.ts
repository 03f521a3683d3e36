import { randomUUIDv7 } from 'node:crypto'
import { type Reader, sql } from '../../database/database.ts'
import type { Upload } from '../../documents/upload.ts'
import { DatabaseUnavailable } from '../../errors.ts'
import type { ByteRange } from '../../http/bytes.ts'
import type { Work } from '../../writes/door.ts'

const insertContent = sql(
  `INSERT INTO announcement_contents (tenant_key, group_key, announcement_name, content_id, bytes)
   VALUES (?, ?, ?, ?, ?)`,
)
const removeContent = sql(
  `DELETE FROM announcement_contents
   WHERE tenant_key = ? AND group_key = ? AND announcement_name = ?`,
)
const insertChunk = sql(
  'INSERT INTO announcement_chunks (tenant_key, content_id, first_byte, bytes) VALUES (?, ?, ?, ?)',
)
const selectContent = sql<{ content_id: string; bytes: number }>(
  `SELECT content_id, bytes FROM announcement_contents
   WHERE tenant_key = ? AND group_key = ? AND announcement_name = ?`,
)
const selectTotal = sql<{ bytes: number }>(
  `SELECT coalesce(sum(bytes), 0) AS bytes FROM announcement_contents
   WHERE tenant_key = ? AND group_key = ?`,
)
const selectChunk = sql<{ first_byte: number; bytes: Uint8Array }>(
  `SELECT first_byte, bytes FROM announcement_chunks
   WHERE tenant_key = ? AND content_id = ? AND first_byte <= ? ORDER BY first_byte DESC LIMIT 1`,
)

/** Keeps the audio of the announcement under `key`, in place of what it had. */
export async function saveContent(
  { transaction }: Work,
  key: readonly string[],
  { pieces, size }: Upload,
): Promise<void> {
  const [tenantKey = ''] = key
  const contentId = randomUUIDv7()
  await transaction.run(removeContent, ...key)
  await transaction.run(insertContent, ...key, contentId, size)
  let firstByte = 0
  for (const piece of pieces) {
    await transaction.run(insertChunk, tenantKey, contentId, firstByte, piece)
    firstByte += piece.length
  }
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

/**
 * Reads audio chunk by chunk, so that never more than one is in memory. Chunks are never changed: a reader gets the
 * content that it began with, or fails when that was replaced or deleted meanwhile.
 *
 * @throws DatabaseUnavailable when a chunk is gone.
 */
export async function* readContent(
  reader: Reader,
  tenantKey: string,
  { contentId, first, last }: { contentId: string } & ByteRange,
): AsyncGenerator<Uint8Array> {
  for (let at = first; at <= last; ) {
    const row = await reader.get(selectChunk, tenantKey, contentId, at)
    const chunk = row?.bytes.subarray(at - row.first_byte, last + 1 - row.first_byte)
    if (!chunk?.length) {
      throw new DatabaseUnavailable(new Error('The content was replaced while it was read.'))
    }
    yield chunk
    at += chunk.length
  }
}

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
  if (row) yield* readContent(reader, tenantKey, { contentId, first: 0, last: row.bytes - 1 })
}
