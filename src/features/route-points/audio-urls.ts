import { type Marks, marksIn } from '../../documents/marks.ts'
import { isObject } from '../../documents/normalise.ts'
import { dnisSettings } from './dnis/announcements.ts'
import { settings } from './settings/index.ts'

/** Where each setting names audio from the web. */
const places = new Map<string, Marks>(
  [...settings, ...dnisSettings].map(({ name, document }) => [
    name,
    marksIn(document.schemas.shown, ({ slots }) => slots === 'url'),
  ]),
)

function urlOf(item: unknown): string[] {
  return isObject(item) && typeof item.url === 'string' ? [item.url] : []
}

/** The URLs of audio in a setting as it is stored, whether they are selected or not; none in anything else. */
export function audioUrlsIn(setting: string, text: string): string[] {
  const place = places.get(setting)
  // Most have none, and need not be parsed for that.
  if (!place || place.isEmpty || !text.includes('"url":')) return []
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) return []
  return place
    .find(value)
    .flatMap((list) => (Array.isArray(list.value) ? list.value : []).flatMap(urlOf))
}
