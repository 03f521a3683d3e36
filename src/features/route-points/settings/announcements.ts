import Type from 'typebox'
import { AudioSelection, audioRules } from './audio.ts'
import { defineSetting } from './define.ts'

/** What waiting callers hear, as the setting that is called `name` in paths. */
export function defineAnnouncements<const Name extends string>(name: Name, summary: string) {
  return defineSetting({
    name,
    summary,
    schema: Type.Object({
      mediaOnHoldForQueuedCalls: Type.Object(AudioSelection, {
        description: 'What callers hear while they wait.',
      }),
    }),
    default: { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Default' } },
    rules: ({ mediaOnHoldForQueuedCalls }) =>
      audioRules(mediaOnHoldForQueuedCalls, 'mediaOnHoldForQueuedCalls.'),
    example: {
      get: { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Default' } },
      put: {
        request: {
          mediaOnHoldForQueuedCalls: {
            audioMessageSelection: 'File',
            audioFileList: [{ name: 'APIO Test Announcement' }],
          },
        },
        response: {
          mediaOnHoldForQueuedCalls: {
            audioMessageSelection: 'File',
            audioFileList: [{ name: 'APIO Test Announcement' }],
          },
        },
      },
    },
  })
}

export const announcements = defineAnnouncements('announcements', 'announcement settings')
