import Type from 'typebox'
import { defineSetting } from './define.ts'

const RingPattern = Type.Enum(['Normal', 'Long-Long', 'Short-Short-Long', 'Short-Long-Short'])

const example = {
  distinctiveRinging: false,
  ringPatternForRoutePoint: 'Short-Long-Short',
  forceDeliveryRingPattern: 'Short-Long-Short',
}

export const distinctiveRinging = defineSetting({
  name: 'distinctive_ringing',
  summary: 'distinctive ringing configuration',
  schema: Type.Object({
    distinctiveRinging: Type.Boolean(),
    ringPatternForRoutePoint: RingPattern,
    forceDeliveryRingPattern: RingPattern,
  }),
  default: {
    distinctiveRinging: false,
    ringPatternForRoutePoint: 'Normal',
    forceDeliveryRingPattern: 'Normal',
  },
  example: { get: example, put: { request: example, response: example } },
})
