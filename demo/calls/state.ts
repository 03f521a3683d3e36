import { group, password, type Step } from '../state.ts'

export const routePoint = `${group}services/route_points/hotline@sip.netaxis.be/`

/** The numbers that callers dial: the route point's own, and that of its DNIS. */
export const hotline = { name: 'Hotline', phoneNumber: '+3225126780' }
export const sales = { name: 'Sales', phoneNumber: '+3225126790' }

/** Outside: whoever answers there is no agent. */
export const outsideNumber = '+3225550199'

/** What an agent's telephone does with each call, in milliseconds; whoever has no `talks` never takes one. */
export interface AgentScript {
  id: string
  firstName: string
  lastName: string
  rings?: number
  talks?: number
  /** The routing system does not know them: they take only what somebody else offers. */
  isOnDemand?: boolean
}

export const agents: readonly AgentScript[] = [
  { id: 'anna', firstName: 'Anna', lastName: 'Maes', rings: 1_500, talks: 6_000 },
  { id: 'ben', firstName: 'Ben', lastName: 'Claes', rings: 3_000, talks: 9_000 },
  { id: 'carla', firstName: 'Carla', lastName: 'Wouters' },
  {
    id: 'dora',
    firstName: 'Dora',
    lastName: 'Jacobs',
    rings: 1_000,
    talks: 15_000,
    isOnDemand: true,
  },
]

export const idOf = ({ id }: AgentScript) => `${id}@sip.netaxis.be`

/** What the demo of calls holds besides. */
export const steps: readonly Step[] = [
  ...agents.map(({ id, firstName, lastName }): Step => {
    return ['POST', `${group}users/`, { userId: id, firstName, lastName, password }]
  }),
  [
    'POST',
    `${group}services/route_points/`,
    { serviceUserId: 'hotline', serviceInstanceProfile: hotline, queueLength: 4 },
  ],
  ['POST', `${routePoint}dnis/`, sales],
  ['PUT', `${routePoint}dnis_config/`, { displayDNISName: true, displayDNISNumber: false }],
  // Carla's calls come back after one ring, 6 s.
  ['PUT', `${routePoint}bounced_call/`, { active: true, numberOfRingsBeforeBouncingCall: 1 }],
]
