import Type from 'typebox'
import { AudioSelection, audioFiles, audioRules } from './audio.ts'
import { defineSetting } from './define.ts'

export const announcements = defineSetting({
  name: 'announcements',
  summary: 'announcement settings',
  schema: Type.Object({
    mediaOnHoldForQueuedCalls: Type.Object(AudioSelection, {
      description: 'What callers hear while they wait.',
    }),
  }),
  default: { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Default' } },
  rules: ({ mediaOnHoldForQueuedCalls }) =>
    audioRules(mediaOnHoldForQueuedCalls, 'mediaOnHoldForQueuedCalls.'),
  references: [audioFiles('mediaOnHoldForQueuedCalls')],
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
