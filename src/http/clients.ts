import type { FastifyRequest } from 'fastify'
import { networkOf } from './addresses.ts'
import type { Caller } from './permissions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Canonical address of the client; set before anything else looks at the request. */
    address: string
  }
}

/** For whom work is done that is so dear that turns are taken. */
export interface Client {
  /** Those who share it take their turns as one. */
  payer: string
  /** Whether nobody is left to be answered. */
  isGone(): boolean
}

/** Other tenants must not suffer from one tenant's work, by however many of its people it is asked for. */
export function payerOf({ tenantKey, identityKey }: Caller): string {
  return tenantKey === null ? `identity ${identityKey}` : `tenant ${tenantKey}`
}

/** Somebody who is signed in takes turns as themselves, anybody else with all others of the same network. */
export function clientOf(request: FastifyRequest): Client {
  const { caller, address, raw } = request
  return {
    payer: caller ? `identity ${caller.identityKey}` : `network ${networkOf(address)}`,
    isGone: () => raw.socket.destroyed,
  }
}
