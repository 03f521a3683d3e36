import Type from 'typebox'
import { needs } from '../../../documents/document.ts'
import { clearable } from '../../../documents/vocabulary.ts'
import { Destination } from '../../numbers/members.ts'
import { AudioSelection, audioRules } from './audio.ts'
import { defineSetting } from './define.ts'

const example = {
  active: true,
  forwardToPhoneNumber: '+3225126779',
  playAnnouncementBeforeForwarding: true,
  audioMessageSelection: 'File',
  audioFileList: [{ name: 'APIO Group Test Announcement' }],
}

export const forcedForwarding = defineSetting({
  name: 'forced_forwarding',
  summary: 'forced forwarding configuration',
  schema: Type.Object({
    active: Type.Boolean({ description: 'Divert new calls. Calls already in the queue stay.' }),
    forwardToPhoneNumber: clearable(Destination),
    playAnnouncementBeforeForwarding: Type.Boolean({
      description: 'Play the chosen audio before a call is forwarded.',
    }),
    ...AudioSelection,
  }),
  default: {
    active: false,
    playAnnouncementBeforeForwarding: false,
    audioMessageSelection: 'Default',
  },
  *rules(value) {
    const message =
      "The 'forwardToPhoneNumber' must be set in order to enable forwarding of the call."
    yield needs(value, value.active, 'forwardToPhoneNumber', message)
    yield* audioRules(value)
  },
  example: { get: example, put: { request: example, response: example } },
})
