import Type, { type Static } from 'typebox'
import { sql } from '../../../database/database.ts'
import { isObject, type Members } from '../../../documents/normalise.ts'
import { slots, text, unmodified } from '../../../documents/vocabulary.ts'
import { type Fault, invalid, missing } from '../../../errors.ts'
import { hasAnnouncement } from '../../announcements/announcements.ts'
import type { OwnerTables, Reference } from './define.ts'

const File = Type.Object(
  {
    name: text(80, {
      refers: true,
      description: 'Name in the group’s announcement repository.',
    }),
  },
  { additionalProperties: false },
)

const Url = Type.Object(
  {
    url: text(256, {
      pattern: `^(?:${unmodified}|https?://[^\\s/?#]+(?:[/?#]\\S*)?)$`,
      expects: 'an http or https URL',
    }),
  },
  { additionalProperties: false },
)

const positions =
  `Up to four positions. In a PUT \`null\` clears a position, \`${unmodified}\` keeps it, ` +
  'and positions past the end stay as they are.'

/** What is played: the switch's own audio, files of the group, or audio from the web. */
export const AudioSelection = {
  audioMessageSelection: Type.Enum(['Default', 'File', 'URL']),
  audioFileList: slots(File, 'name', { description: positions }),
  audioUrlList: slots(Url, 'url', { description: positions }),
}

const selection = Type.Object(AudioSelection)
export type AudioSelection = Static<typeof selection>

/** `File` needs a file and `URL` a URL; `path` leads from the document to the selection. */
export function* audioRules(value: AudioSelection, path = ''): Iterable<Fault> {
  const { audioMessageSelection, audioFileList, audioUrlList } = value
  const needed = { File: audioFileList, URL: audioUrlList, Default: [] }[audioMessageSelection]
  if (needed !== undefined) return
  const member = `${path}${audioMessageSelection === 'File' ? 'audioFileList' : 'audioUrlList'}`
  const message = `The '${member}' must hold an item when '${audioMessageSelection}' is selected.`
  yield missing(member, message)
}

function filesOf(value: Members, member: string | undefined) {
  const selected = (member === undefined ? value : value[member]) as AudioSelection
  return (selected.audioFileList ?? []).flatMap((file, position) =>
    file ? [{ position, name: file.name }] : [],
  )
}

function renameInSlot(slot: unknown, { before, after }: { before: string; after: string }) {
  return isObject(slot) && slot.name === before ? { ...slot, name: after } : slot
}

/** A setting with a file under its new name, wherever the selection stands. */
export function renameFile(value: Members, rename: { before: string; after: string }): Members {
  const members = Object.entries(value).map(([key, member]) => {
    if (key === 'audioFileList' && Array.isArray(member)) {
      return [key, member.map((slot) => renameInSlot(slot, rename))]
    }
    return [key, isObject(member) ? renameFile(member, rename) : member]
  })
  return Object.fromEntries(members)
}

/** The files in a setting's slots; the selection is the whole document or one `member` of it. */
export function audioFiles(member?: string): Reference {
  const path = member === undefined ? '' : `${member}.`
  return {
    isKeptByKeys: true,
    async check(reader, { key: [tenantKey, groupKey] }, value) {
      const faults: Fault[] = []
      for (const { position, name } of filesOf(value, member)) {
        if (await hasAnnouncement(reader, [tenantKey, groupKey], name)) continue
        const message = `There is no announcement '${name}' in the group.`
        faults.push(invalid(`${path}audioFileList[${position}].name`, message))
      }
      return faults
    },
    async save(transaction, { tables, key }, { setting, value }) {
      const statements = fileStatements(tables)
      await transaction.run(statements.remove, ...key, setting)
      for (const { position, name } of filesOf(value, member)) {
        await transaction.run(statements.insert, ...key, setting, position, name)
      }
    },
  }
}

function fileStatements({ files, key }: OwnerTables) {
  const where = [...key, 'setting'].map((column) => `${column} = ?`).join(' AND ')
  const columns = [...key, 'setting', 'position', 'announcement_name']
  return {
    remove: sql(`DELETE FROM ${files} WHERE ${where}`),
    insert: sql(
      `INSERT INTO ${files} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    ),
  }
}
