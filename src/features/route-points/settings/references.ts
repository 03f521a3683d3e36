import { hasMarked, type MarkedMember, mapMarked, markedMembers } from '../../../documents/marks.ts'
import type { Members } from '../../../documents/normalise.ts'
import type { ReferenceKind, Schema } from '../../../documents/vocabulary.ts'
import type { Setting } from './define.ts'

function isOf(kind: ReferenceKind): (schema: Schema) => boolean {
  return ({ refersTo }) => refersTo === kind
}

/** Whether documents of a schema can name things of a kind. */
export function canName(schema: Schema, kind: ReferenceKind): boolean {
  return hasMarked(schema, isOf(kind))
}

/** What of a kind a setting names, such as the files in its slots. */
export function namedBy(
  { document }: Setting,
  value: Members,
  kind: ReferenceKind,
): Iterable<MarkedMember> {
  return markedMembers(document.schemas.shown, value, isOf(kind))
}

/** A setting whose names of a kind were changed. */
export function mapNamed(
  { document }: Setting,
  value: Members,
  kind: ReferenceKind,
  change: (name: unknown) => unknown,
): Members {
  return mapMarked(document.schemas.shown, value, isOf(kind), change)
}
