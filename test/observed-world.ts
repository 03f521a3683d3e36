import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, RouteOptions } from 'fastify'
import type { Engine } from './engines.ts'
import { Exchange } from './exchange.ts'
import { createWorld, type World } from './world.ts'

/** A route as it is registered: also aliases and pages, which no document tells of. */
export interface Route {
  method: string
  url: string
  options: RouteOptions
}

/** A world that tells every route of its application. */
export interface ObservedWorld extends World {
  routes: readonly Route[]
}

export async function createObservedWorld(engine: Engine): Promise<ObservedWorld> {
  const routes: Route[] = []
  const observe = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', (options) => {
      for (const method of [options.method].flat())
        routes.push({ method, url: options.url, options })
    })
  }
  subscribe('fastify.initialization', observe)
  try {
    return Object.assign(await createWorld(engine, {}, new Exchange()), { routes })
  } finally {
    unsubscribe('fastify.initialization', observe)
  }
}
