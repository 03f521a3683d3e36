import Type from 'typebox'
import { needs } from '../../../documents/document.ts'
import { clearable } from '../../../documents/vocabulary.ts'
import { Destination } from '../../numbers/members.ts'
import { defineSetting } from './define.ts'

const off = {
  enableFailoverSupport: false,
  perCallEnableFailoverSupport: false,
  perCallCallFailureTimeoutSeconds: 10,
}

const response = {
  enableFailoverSupport: true,
  failoverPhoneNumber: '+3225126779',
  perCallEnableFailoverSupport: false,
  perCallCallFailureTimeoutSeconds: 10,
}

/** Where calls go while nothing routes them. Our own: the reference has no such setting. */
export const failoverPolicy = defineSetting({
  name: 'failover_policy',
  summary: 'failover policy',
  schema: Type.Object({
    enableFailoverSupport: Type.Boolean({
      description:
        'While no routing system is connected, new and waiting calls go to `failoverPhoneNumber`.',
    }),
    failoverPhoneNumber: clearable(Destination),
    perCallEnableFailoverSupport: Type.Boolean({
      description:
        'A call that no routing system says anything about for `perCallCallFailureTimeoutSeconds` goes to `perCallFailoverPhoneNumber`.',
    }),
    perCallCallFailureTimeoutSeconds: Type.Integer({
      minimum: 1,
      maximum: 60,
      description:
        'Seconds that a call waits for a routing system, with `perCallEnableFailoverSupport`.',
    }),
    perCallFailoverPhoneNumber: clearable(Destination),
  }),
  default: off,
  *rules(value) {
    const { enableFailoverSupport, perCallEnableFailoverSupport } = value
    const message = "The 'failoverPhoneNumber' must be set when 'enableFailoverSupport' is true."
    yield needs(value, enableFailoverSupport, 'failoverPhoneNumber', message)
    const perCallMessage =
      "The 'perCallFailoverPhoneNumber' must be set when 'perCallEnableFailoverSupport' is true."
    yield needs(value, perCallEnableFailoverSupport, 'perCallFailoverPhoneNumber', perCallMessage)
  },
  example: {
    get: off,
    put: {
      request: { enableFailoverSupport: true, failoverPhoneNumber: '+3225126779' },
      response,
    },
  },
})
