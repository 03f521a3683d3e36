import { type Reader, sql, type Transaction } from '../../database/database.ts'
import type { Upload } from '../../documents/upload.ts'
import { DatabaseUnavailable } from '../../errors.ts'
import type { ByteRange } from '../../http/bytes.ts'

/** How audio lies in a table, in chunks under the id of their content. */
export function defineChunks(table: string) {
  const insertChunk = sql(
    `INSERT INTO ${table} (tenant_key, content_id, first_byte, bytes) VALUES (?, ?, ?, ?)`,
  )
  const selectChunk = sql<{ first_byte: number; bytes: Uint8Array }>(
    `SELECT first_byte, bytes FROM ${table}
     WHERE tenant_key = ? AND content_id = ? AND first_byte <= ? ORDER BY first_byte DESC LIMIT 1`,
  )
  return {
    async save(
      transaction: Transaction,
      tenantKey: string,
      contentId: string,
      { pieces }: Upload,
    ): Promise<void> {
      let firstByte = 0
      for (const piece of pieces) {
        await transaction.run(insertChunk, tenantKey, contentId, firstByte, piece)
        firstByte += piece.length
      }
    },

    /**
     * Reads audio chunk by chunk, so that never more than one is in memory. Chunks are never changed: a reader gets the
     * content that it began with, or fails when that was replaced or deleted meanwhile.
     *
     * @throws DatabaseUnavailable when a chunk is gone.
     */
    async *read(
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
    },
  }
}
