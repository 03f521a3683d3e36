import type { Api } from '../../api.ts'
import { listOf } from '../../config.ts'
import { notFound } from '../../errors.ts'
import { addOperation } from '../../http/operation.ts'
import { parametersIn } from '../../http/place.ts'
import { countFetches, exposeMedia } from '../../metrics/media.ts'
import { reachableAddresses } from '../../outbound/reachable.ts'
import type { RoutePointBackend } from '../route-points/backend.ts'
import { openCopies } from './copies.ts'
import { type Media, mediaPath, openMedia } from './media.ts'

const day = 86_400

/** Addresses of a group from which audio is kept. */
const groupCopiesMax = 200

/** Engines that share no folder with us fetch from here; who does not know a file's content cannot know its address. */
function addFiles({ app }: Api, { files }: Media): void {
  addOperation(app, {
    method: 'GET',
    path: `${mediaPath}:file_name/`,
    names: {
      component: 'FileName',
      description:
        'SHA-256 of what the file was made of, whose it is where it is a tenant’s, and `.sln` (8 kHz) or `.sln16` (16 kHz).',
      schema: { type: 'string', pattern: '^[0-9a-f]{64}(?:-[0-9a-f]{16})?\\.sln(?:16)?$' },
      example: '64e904dc09e34a1988eabbadc52b910dcffc6f886ae7fd41760a97eb4606019a.sln',
    },
    id: 'getMediaFile',
    summary: 'Get audio as telephone engines play it: signed linear samples of 16 bits',
    description: 'For engines. What is under an address never changes.',
    tag: {
      name: 'Media',
      description: 'Audio for telephone engines that share no folder with the service.',
    },
    permission: 'public',
    produces: 'application/octet-stream',
    answerHeaders: ['Cache-Control'],
    refusals: [404],
    async handler(request) {
      const { file_name: name = '' } = parametersIn(request)
      const file = await files.find(name)
      if (!file) throw notFound()
      return {
        headers: {
          'content-type': 'application/octet-stream',
          'cache-control': `public, max-age=${365 * day}, immutable`,
        },
        content: {
          etag: `"${file.name}"`,
          size: file.bytes,
          read: (range) => files.read(file, range),
        },
      }
    },
  })
}

/** Makes media ready for engines, and serves those that are fetched. */
export async function addMedia(
  api: Api,
  { namedUrls }: Pick<RoutePointBackend, 'namedUrls'>,
): Promise<Media> {
  const { app, config, database, registry } = api
  const copies = openCopies({
    database,
    logger: app.log,
    namedUrls,
    groupCopiesMax,
    groupBytesMax: config.GROUP_ANNOUNCEMENT_BYTES_MAX,
    fetching: {
      isReachable: reachableAddresses(listOf(config.FETCH_PRIVATE_ADDRESSES)),
      bytesMax: config.ANNOUNCEMENT_BYTES_MAX,
    },
    ...(registry && { count: countFetches(registry) }),
  })
  const media = await openMedia({
    database,
    copies,
    logger: app.log,
    folder: config.MEDIA_FOLDER,
    limits: { bytesMax: config.MEDIA_BYTES_MAX, days: config.MEDIA_DAYS },
  })
  app.addHook('onClose', () => media.close())
  if (registry) exposeMedia(registry, media.bytes)
  addFiles(api, media)
  return media
}
