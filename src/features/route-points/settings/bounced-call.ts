import Type from 'typebox'
import { needs } from '../../../documents/document.ts'
import { clearable } from '../../../documents/vocabulary.ts'
import { Destination } from '../../numbers/members.ts'
import { defineSetting } from './define.ts'

const response = {
  active: true,
  numberOfRingsBeforeBouncingCall: 5,
  enableTransfer: false,
  bounceCallWhenAgentUnavailable: false,
}

export const bouncedCall = defineSetting({
  name: 'bounced_call',
  summary: 'bounced call settings',
  schema: Type.Object({
    active: Type.Boolean({ description: 'Take back calls that an agent does not answer.' }),
    numberOfRingsBeforeBouncingCall: Type.Integer({
      minimum: 1,
      maximum: 20,
      description: 'Rings at an agent until the call is taken back.',
    }),
    enableTransfer: Type.Boolean({ description: 'Send bounced calls to `transferPhoneNumber`.' }),
    transferPhoneNumber: clearable(Destination),
    bounceCallWhenAgentUnavailable: Type.Boolean({
      description: 'Take a call back too when its agent becomes unavailable.',
    }),
  }),
  default: {
    active: false,
    numberOfRingsBeforeBouncingCall: 5,
    enableTransfer: false,
    bounceCallWhenAgentUnavailable: false,
  },
  *rules(value) {
    const message = "The 'transferPhoneNumber' must be set when 'enableTransfer' is true."
    yield needs(value, value.enableTransfer, 'transferPhoneNumber', message)
  },
  example: {
    get: response,
    put: {
      request: {
        active: true,
        numberOfRingsBeforeBouncingCall: 5,
        bounceCallWhenAgentUnavailable: false,
      },
      response,
    },
  },
})
