import type { FastifyRequest } from 'fastify'
import { networkOf, siteNetworkOf } from '../addresses.ts'
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
  /** What payers have in common who may be one; they are the first to make room for others. The payer, unless told. */
  site?: string
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
  const isGone = () => raw.socket.destroyed
  if (!caller) {
    return { payer: `network ${networkOf(address)}`, site: siteNetworkOf(address), isGone }
  }
  return { payer: `identity ${caller.identityKey}`, isGone }
}
