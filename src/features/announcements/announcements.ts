import Type, { type Static } from 'typebox'
import { type Reader, sql } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { clearable, readOnly, text, unmodified, upload } from '../../documents/vocabulary.ts'
import { type Fault, invalid } from '../../errors.ts'
import { bodyBytesFor, formType } from '../../http/form.ts'
import type { Tag } from '../../http/operation.ts'
import { type GroupKey, groupKeyIn } from '../../http/place.ts'
import { exactName, words } from '../../resources/listed.ts'
import type { Part } from '../../resources/part.ts'
import {
  all,
  type Computed,
  type Documentation,
  type List,
  type Resource,
  type Write,
} from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import { inGroup } from '../groups/groups.ts'
import { findContent, saveContent, totalSize } from './contents.ts'
import { type AnnouncementHolder, findUsages, type Usage } from './holders.ts'
import { expectedAudio, Recording } from './wave.ts'

const Usages = Type.Array(
  Type.Object({
    serviceUserId: Type.String({ description: 'The route point.' }),
    dnisName: Type.Optional(Type.String({ description: 'Where it is a setting of a DNIS.' })),
    setting: Type.String({ description: 'As in the path of the setting.' }),
  }),
  { description: 'Where it is played. While there is any it cannot be deleted.' },
)

const Announcement = Type.Object({
  name: text(80, {
    pattern: `^(?!(?:\\.{1,2}|${unmodified})$)`,
    expects: `a name other than '.', '..' and '${unmodified}'`,
    description: 'Unique in the group. A new name is taken over by the settings that use it.',
  }),
  content: upload<Recording>({
    description: `The audio: ${expectedAudio}. Base64 in JSON, or the one file of a form.`,
  }),
  description: clearable(text(256, { description: 'What is heard, for people.' })),
  mediaType: readOnly(Type.Literal('WAV', { description: 'Kind of the file.' })),
  fileSize: readOnly(Type.String({ description: 'Kilobytes, rounded up.' })),
  sha256: readOnly(Type.String({ description: 'Of the content, in hexadecimal.' })),
  usages: readOnly(Usages),
})

type Announcement = Static<typeof Announcement>

const table = defineTable<Announcement>({
  name: 'announcements',
  key: ['tenant_key', 'group_key', 'name'],
  listed: {
    Name: exactName('name', ({ name }) => name),
    Description: words('description', ({ description }) => description),
  },
})

const selectAnnouncement = sql<{ name: string }>(
  'SELECT name FROM announcements WHERE tenant_key = ? AND group_key = ? AND name = ?',
)

/** Whether a group has an announcement of this very name. */
export async function hasAnnouncement(
  reader: Reader,
  group: GroupKey,
  name: string,
): Promise<boolean> {
  return (await reader.get(selectAnnouncement, ...group, name)) !== undefined
}

function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1_024)
}

/** What a group may take, rounded down: so much fits for certain. */
function quotaKilobytes(bytes: number): number {
  return Math.floor(bytes / 1_024)
}

/** What is told of audio that was brought; nothing of a partial update without any. */
function factsOf(content: unknown): Partial<Announcement> {
  if (!(content instanceof Recording)) return {}
  const { size, sha256 } = content
  return { mediaType: 'WAV', fileSize: String(kilobytes(size)), sha256 }
}

function* rules({ content }: Announcement): Iterable<Fault> {
  if (!(content instanceof Recording) || content.flaw === undefined) return
  yield invalid('content', `The 'content' field is not valid: ${content.flaw}.`)
}

/** How announcements are kept. */
export const announcementDocument = defineDocument({
  schema: Announcement,
  derive: ({ content }) => factsOf(content),
  rules,
})

const example = {
  name: 'APIO Group Test Announcement',
  description: 'Welcome',
  mediaType: 'WAV',
  fileSize: '1',
  sha256: '64e904dc09e34a1988eabbadc52b910dcffc6f886ae7fd41760a97eb4606019a',
  usages: [{ serviceUserId: 'APIOTestRP@sip.netaxis.be', setting: 'forced_forwarding' }],
}

/** Eight samples of audio. */
const exampleContent =
  'UklGRjQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YRAAAAAAAEAf+CpAHwAAwOAI1cDg'

export const announcementsTag: Tag = {
  name: 'Announcements',
  description: 'Audio files of a group, which the settings of its route points name.',
}

const examples: Documentation['examples'] = {
  list: { response: { announcements: [example], totalFileSize: 1, maxFileSize: -1 } },
  create: {
    request: {
      name: example.name,
      description: example.description,
      content: exampleContent,
    },
    response: { ...example, usages: [] },
  },
  read: { response: example },
  change: {
    request: { description: 'Welcome, in Dutch' },
    response: { ...example, description: 'Welcome, in Dutch' },
  },
}

export interface AnnouncementLimits {
  /** Bytes of one announcement. */
  fileBytesMax: number
  /** Bytes of a group's announcements together; -1 for no limit. */
  groupBytesMax: number
}

/** What stands against the audio of a write: a group has only so much room. */
async function checkRoom(write: Write<Announcement>, bytesMax: number): Promise<Fault[]> {
  const { transaction, key, before, uploads } = write
  const { content } = uploads
  if (!content || bytesMax === -1) return []
  const replaced = before ? await findContent(transaction, key) : undefined
  const others = (await totalSize(transaction, groupKeyIn(key))) - (replaced?.size ?? 0)
  if (others + content.size <= bytesMax) return []
  const message =
    `The 'content' field is not valid: the group's announcements may take ${quotaKilobytes(bytesMax)} KB together; ` +
    `the others take ${kilobytes(others)} KB, and this one has ${kilobytes(content.size)} KB.`
  return [invalid('content', message)]
}

/** The most usages that a refusal names; a GET shows them all. */
const namedMax = 10

function describeUse({ serviceUserId, dnisName, setting }: Usage): string {
  return `${setting} of ${dnisName === undefined ? '' : `DNIS ${dnisName} of `}${serviceUserId}`
}

function checkUnused(usages: readonly Usage[]): Fault[] {
  if (usages.length === 0) return []
  const named = usages.slice(0, namedMax).map(describeUse)
  const others = usages.length - named.length
  const all = [...named, ...(others > 0 ? [`${others} others`] : [])].join(', ')
  return [{ code: 21, message: `Cannot delete the announcement. It is used by ${all}.` }]
}

/** Its audio is kept beside it. */
function carriesAudio(groupBytesMax: number): Part<Announcement> {
  return {
    check: (write) => checkRoom(write, groupBytesMax),
    async afterRow(write) {
      const { content } = write.uploads
      if (content) await saveContent(write, [...groupKeyIn(write.key), write.value.name], content)
    },
  }
}

/** A new name is taken over by whatever plays it; nothing may play it when it is deleted. */
function isPlayedBy(holders: readonly AnnouncementHolder[]): Part<Announcement> {
  return {
    async carry(write) {
      const rename = { before: write.before?.name ?? '', after: write.value.name }
      for (const holder of holders) await holder.carry(write, groupKeyIn(write.key), rename)
    },
    checkRemoval: async ({ value }) => checkUnused(value.usages ?? []),
  }
}

/** What the announcements of a group take, and what they may. */
function sizesUpTo(groupBytesMax: number): NonNullable<List['totals']> {
  return {
    schema: {
      totalFileSize: Type.Integer({ description: 'Kilobytes, rounded up.' }),
      maxFileSize: Type.Integer({
        description: 'What the group’s announcements may take, in kilobytes; -1 for no limit.',
      }),
    },
    async read(reader, scope) {
      return {
        totalFileSize: kilobytes(await totalSize(reader, groupKeyIn(scope))),
        maxFileSize: groupBytesMax === -1 ? -1 : quotaKilobytes(groupBytesMax),
      }
    },
  }
}

/** Where it is played, which the settings say. */
function usagesBy(holders: readonly AnnouncementHolder[]): Computed<Announcement> {
  return {
    members: ['usages'],
    async read(reader, key, { name }) {
      const usages = await findUsages(reader, { holders, group: groupKeyIn(key) }, name)
      return { usages: usages.get(name) ?? [] }
    },
    async readPage(reader, scope, values) {
      const usages = await findUsages(reader, { holders, group: groupKeyIn(scope) })
      return values.map(({ name }) => ({ usages: usages.get(name) ?? [] }))
    },
  }
}

/**
 * The announcement repository of a group.
 *
 * @param holders whatever names announcements in its documents.
 */
export function announcements(
  { fileBytesMax, groupBytesMax }: AnnouncementLimits,
  holders: readonly AnnouncementHolder[],
): Resource<Announcement> {
  return {
    noun: 'announcement',
    path: '/api/v1/tenants/:tenant_id/groups/:group_id/announcements/',
    id: { member: 'name', parameter: 'instance_name' },
    permissions: all('group.administer'),
    document: announcementDocument,
    table,
    collection: inGroup,
    list: {
      member: 'announcements',
      totals: sizesUpTo(groupBytesMax),
    },
    parts: [carriesAudio(groupBytesMax), isPlayedBy(holders)],
    computed: usagesBy(holders),
    body: { bytesMax: bodyBytesFor(fileBytesMax), consumes: ['application/json', formType] },
    documentation: {
      tag: announcementsTag,
      examples,
    },
  }
}
