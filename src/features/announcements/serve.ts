import type { Api } from '../../api.ts'
import { notFound } from '../../errors.ts'
import { acceptFiles, bodyBytesFor } from '../../http/form.ts'
import { boundLargeBodies } from '../../http/large-bodies.ts'
import { addOperation } from '../../http/operation.ts'
import { nameKeyOf } from '../../http/place.ts'
import { addResource } from '../../resources/serve.ts'
import { groupScope } from '../groups/groups.ts'
import { announcements, announcementsTag } from './announcements.ts'
import { findContent, readContent } from './contents.ts'
import type { AnnouncementHolder } from './holders.ts'
import { examine } from './wave.ts'

const audioType = 'audio/wav'

/** A name in a Content-Disposition header (RFC 8187); `encodeURIComponent` leaves a few characters that it does not allow. */
function fileNameOf(name: string): string {
  const file = name.toLowerCase().endsWith('.wav') ? name : `${name}.wav`
  const encoded = encodeURIComponent(file).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  )
  return `inline; filename*=UTF-8''${encoded}`
}

/** A browser that opens the address shows a player, which loads the audio from there once more. */
const playerPolicy = "default-src 'none'; media-src 'self'; frame-ancestors 'none'"

/** Plays an announcement. */
function addContent({ app, database }: Api, path: string): void {
  addOperation(app, {
    method: 'GET',
    path: `${path}:instance_name/content/`,
    id: 'getAnnouncementContent',
    summary: 'Get an announcement’s audio, or the range of it that is asked for',
    tag: announcementsTag,
    permission: 'group.administer',
    produces: audioType,
    answerHeaders: ['Content-Disposition'],
    async handler(request) {
      const scope = groupScope(request)
      const name = nameKeyOf(request)
      const content = await findContent(database, [...scope, name])
      if (!content) throw notFound()
      const { contentId, size } = content
      return {
        headers: {
          'content-type': audioType,
          'content-disposition': fileNameOf(name),
          'content-security-policy': playerPolicy,
        },
        content: {
          etag: `"${contentId}"`,
          size,
          read: (range) => readContent(database, scope[0], { contentId, ...range }),
        },
      }
    },
  })
}

/** Serves the announcement repositories of groups. */
export async function addAnnouncements(
  api: Api,
  holders: readonly AnnouncementHolder[],
): Promise<void> {
  const { app, config } = api
  const { ANNOUNCEMENT_BYTES_MAX: fileBytesMax, GROUP_ANNOUNCEMENT_BYTES_MAX: groupBytesMax } =
    config
  const resource = announcements({ fileBytesMax, groupBytesMax }, holders)
  // Only in here a body may be a form.
  await app.register(async (scope) => {
    boundLargeBodies(scope, bodyBytesFor(fileBytesMax))
    await acceptFiles(scope, { member: 'content', bytesMax: fileBytesMax, examine })
    addResource({ ...api, app: scope }, resource)
    addContent({ ...api, app: scope }, resource.path)
  })
}
