import Type from 'typebox'
import { needs } from '../../../documents/document.ts'
import { clearable } from '../../../documents/vocabulary.ts'
import { Destination } from '../../numbers/members.ts'
import { AudioSelection, audioRules } from './audio.ts'
import { defineSetting } from './define.ts'

export const overflow = defineSetting({
  name: 'overflow',
  summary: 'overflow settings',
  schema: Type.Object({
    action: Type.Enum(['Busy', 'Transfer', 'Ringing'], {
      description: 'What happens to a call that finds the queue full.',
    }),
    transferPhoneNumber: clearable(Destination),
    playAnnouncementBeforeOverflowProcessing: Type.Boolean({
      description: 'Play the chosen audio before a call overflows.',
    }),
    overflowAfterTimeout: Type.Boolean({
      description: 'Calls that wait longer than `timeoutSeconds` overflow too.',
    }),
    timeoutSeconds: Type.Integer({
      minimum: 0,
      maximum: 7_200,
      description: 'Seconds that a call waits at most, with `overflowAfterTimeout`.',
    }),
    ...AudioSelection,
  }),
  default: {
    action: 'Busy',
    playAnnouncementBeforeOverflowProcessing: false,
    overflowAfterTimeout: false,
    timeoutSeconds: 30,
    audioMessageSelection: 'Default',
  },
  *rules(value) {
    const message = "The 'transferPhoneNumber' must be set when 'action' is 'Transfer'."
    yield needs(value, value.action === 'Transfer', 'transferPhoneNumber', message)
    yield* audioRules(value)
  },
  example: {
    get: {
      action: 'Busy',
      playAnnouncementBeforeOverflowProcessing: false,
      overflowAfterTimeout: false,
      timeoutSeconds: 30,
      audioMessageSelection: 'Default',
    },
    put: {
      request: {
        action: 'Busy',
        playAnnouncementBeforeOverflowProcessing: false,
        overflowAfterTimeout: false,
        timeoutSeconds: 30,
        audioMessageSelection: 'File',
        audioFileList: [{ name: 'APIO Group Test Announcement' }, { name: 'Unmodify' }, null, null],
      },
      response: {
        action: 'Busy',
        playAnnouncementBeforeOverflowProcessing: false,
        overflowAfterTimeout: false,
        timeoutSeconds: 30,
        audioMessageSelection: 'File',
        audioFileList: [{ name: 'APIO Group Test Announcement' }],
      },
    },
  },
})
