import Type from 'typebox'
import { defineSetting } from './define.ts'

const ringPatterns = ['Normal', 'Long-Long', 'Short-Short-Long', 'Short-Long-Short'] as const

const example = {
  distinctiveRinging: false,
  ringPatternForRoutePoint: 'Short-Long-Short',
  forceDeliveryRingPattern: 'Short-Long-Short',
}

export const distinctiveRinging = defineSetting({
  name: 'distinctive_ringing',
  summary: 'distinctive ringing configuration',
  schema: Type.Object({
    distinctiveRinging: Type.Boolean({
      description: 'Agents’ phones ring for calls of the route point in patterns of their own.',
    }),
    ringPatternForRoutePoint: Type.Enum(ringPatterns, {
      description: 'Pattern for calls of the route point.',
    }),
    forceDeliveryRingPattern: Type.Enum(ringPatterns, {
      description: 'Pattern for calls whose delivery is forced.',
    }),
  }),
  default: {
    distinctiveRinging: false,
    ringPatternForRoutePoint: 'Normal',
    forceDeliveryRingPattern: 'Normal',
  },
  example: { get: example, put: { request: example, response: example } },
})
