import type { Value } from '../database/database.ts'
import { fold } from '../documents/normalise.ts'
import type { ListField } from './query-sql.ts'

/** What a document puts into a column. */
export type Stored<Document> = (document: Document) => Value

/** A member by which a list is filtered and sorted. What is absent is the empty text, which both engines sort alike. */
export interface Listed<Document> {
  /** The columns that are kept for it. */
  columns: Readonly<Record<string, Stored<Document>>>
  /** The field in a list of `source`: the table, or a view with the same columns. */
  fieldIn(source: string): ListField
}

function comparedBy(column: string, folded: string): Listed<never>['fieldIn'] {
  return (source) => ({ column: `${source}.${column}`, folded: `${source}.${folded}` })
}

/** A text that is compared with and without case. */
export function words<Document>(
  column: string,
  read: (document: Document) => string | undefined,
): Listed<Document> {
  return {
    columns: {
      [column]: (document) => read(document) ?? '',
      [`${column}_key`]: (document) => fold(read(document) ?? ''),
    },
    fieldIn: comparedBy(column, `${column}_key`),
  }
}

/** A text without letters. */
export function digits<Document>(
  column: string,
  read: (document: Document) => string | undefined,
): Listed<Document> {
  return {
    columns: { [column]: (document) => read(document) ?? '' },
    fieldIn: comparedBy(column, column),
  }
}

/** One of a few words of ASCII, of which both engines know the small letters. */
export function choice<Document>(
  column: string,
  read: (document: Document) => string,
): Listed<Document> {
  return {
    columns: { [column]: read },
    fieldIn: (source) => ({
      column: `${source}.${column}`,
      folded: `lower(${source}.${column})`,
    }),
  }
}

/** The id as it was given; without case it is `key`, the last column of the table's key. */
export function foldedId<Document>(
  column: string,
  key: string,
  read: (document: Document) => string,
): Listed<Document> {
  return { columns: { [column]: read }, fieldIn: comparedBy(column, key) }
}

/** The name that is itself `key`, the last column of the table's key. */
export function exactName<Document>(
  key: string,
  read: (document: Document) => string,
): Listed<Document> {
  return {
    columns: { [`${key}_key`]: (document) => fold(read(document)) },
    fieldIn: comparedBy(key, `${key}_key`),
  }
}
