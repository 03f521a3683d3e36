import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../../../../database/database.ts'
import { DatabaseUnavailable } from '../../../../errors.ts'
import type { RoutePointKey } from '../../../route-points/route-point.ts'
import { countWaitingElsewhere } from '../../rows.ts'
import type { Post, Station } from '../station.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { createReach, type Reach } from './reach.ts'
import {
  beatNode,
  enterNode,
  giveAllBack,
  giveLeaseBack,
  isNamed,
  type LeaseRow,
  leaveNode,
  type NodeRow,
  readLeases,
  takeLease,
} from './rows.ts'
import { createSightings, type Sightings } from './sightings.ts'

/** Milliseconds that a lease holds after the beat that last renewed it was sent. */
export const holdMilliseconds = 4_000

/**
 * Milliseconds without a beat after which others take a lease: it is over by then, and so is what was asked of the engine at its
 * end (`lateMilliseconds` of `src/asterisk/requests.ts`).
 */
export const takeoverMilliseconds = 7_500

/** How often a node beats and looks at the others. */
const beatMilliseconds = 1_000

/** How often it is looked whether the leases are over, whatever the database does. */
const watchMilliseconds = 250

/** Milliseconds that are not a matter of safety; tests have less patience. */
const patienceDefault = {
  /** Between two leases that are given to others who have fewer. */
  balance: 60_000,
  /** That another node must have been there before it is given any. */
  settled: 10_000,
  /** After which the calls of an engine end that nobody treats and that this node does not know. */
  forsaken: 60_000,
  /** After which an engine that is not reached from here is left to another node. */
  unreached: 15_000,
}

/** Who has a node's calls, and what it is told of them. */
export interface DutyBoard {
  attach(station: Station): void
  /** Leaves its calls as they are, for whoever takes them over. */
  detach(station: Station): Promise<void>
  /** Ends the calls of an engine that nobody treats any more. */
  end(engine: string, generation: number): Promise<void>
}

export interface DutyOptions {
  database: Database
  board: DutyBoard
  /** The engines that may be treated here. */
  posts: readonly Post[]
  node: { name: string; url: string | undefined }
  logger: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>
  patience?: Partial<typeof patienceDefault>
}

/** A lease that is held here. */
interface Tenure {
  generation: number
  station: Station
  isOver: boolean
}

/** Holds the leases of engines, and has their calls treated as long as it does. */
export class Duty {
  readonly #options: DutyOptions
  readonly #patience: typeof patienceDefault
  /** One for each start. */
  readonly session = randomUUID()
  readonly #tenures = new Map<string, Tenure>()
  readonly #sightings: Sightings = createSightings()
  readonly #reach: Reach = createReach()
  /** By `performance.now()`. */
  #validUntil = 0
  #hasEntered = false
  /** Which engines others have been told that this node could treat. */
  #toldEngines = ''
  #balancedAt = Number.NEGATIVE_INFINITY
  #isClosing = false
  #timers: NodeJS.Timeout[] = []
  /** Apart from each other: what is found at a look may last, and the beat must go on. */
  readonly #beats = oneAtATime(() => this.#try(() => this.#beatOnce()))
  readonly #looks = oneAtATime(() => this.#try(() => this.#lookOnce()))
  /** Stations that are being left. */
  readonly #endings = new Set<Promise<void>>()
  /** Engines that are given away, or whose calls are being ended. */
  readonly #leaving = new Map<string, Promise<void>>()
  /** All engines are treated here. */
  #isOnlyOne = false
  readonly #draining = new Set<string>()

  constructor(options: DutyOptions) {
    this.#options = options
    this.#patience = { ...patienceDefault, ...options.patience }
  }

  /** Takes what is free, now and always; ends when it has looked once. */
  async start(): Promise<void> {
    if (this.#options.posts.length === 0) return
    await this.#beats.run()
    await this.#looks.run()
    this.#timers = [
      setInterval(() => this.#beats.run(), beatMilliseconds),
      setInterval(() => this.#looks.run(), beatMilliseconds),
      setInterval(() => this.#expire(), watchMilliseconds),
    ]
  }

  /** Whether each engine that may be treated here is, and is ready. */
  get engines(): { name: string; isHeld: boolean; isReady: boolean }[] {
    return this.#options.posts.map(({ name }) => {
      const tenure = this.#tenures.get(name)
      return {
        name,
        isHeld: tenure !== undefined,
        isReady: tenure?.station.engine.isReady === true,
      }
    })
  }

  /** Whether an engine takes no new calls. */
  isDraining(engine: string): boolean {
    return this.#draining.has(engine)
  }

  /** How many calls wait at a route point that are treated elsewhere; a moment ago. */
  async waitingElsewhere(routePoint: RoutePointKey): Promise<number> {
    if (this.#isOnlyOne) return 0
    const held = [...this.#tenures.keys()]
    return countWaitingElsewhere(this.#options.database, routePoint, held)
  }

  /** Gives all leases back, once the calls are left as they are. */
  async close(): Promise<void> {
    this.#isClosing = true
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all([this.#beats.settled(), this.#looks.settled()])
    const { database, node } = this.#options
    this.#endAll()
    await Promise.all([...this.#endings, ...this.#leaving.values()])
    if (!this.#hasEntered) return
    try {
      await giveAllBack(database, this.session)
      await leaveNode(database, { name: node.name, session: this.session })
    } catch (error) {
      // Others take them when their time is over.
      this.#options.logger.warn({ err: error }, 'the leases of engines were not given back')
    }
  }

  /** What fails is tried again in a second. */
  async #try(task: () => Promise<void>): Promise<void> {
    try {
      await task()
    } catch (error) {
      const level = error instanceof DatabaseUnavailable ? 'warn' : 'error'
      this.#options.logger[level]({ err: error }, 'the leases of engines were not looked after')
    }
  }

  async #beatOnce(): Promise<void> {
    const began = performance.now()
    if (await this.#beat()) this.#validUntil = began + holdMilliseconds
  }

  async #lookOnce(): Promise<void> {
    if (this.#isClosing || performance.now() >= this.#validUntil) return
    const { leases, nodes } = await readLeases(this.#options.database)
    this.#sightings.see(nodes)
    this.#note(leases)
    this.#endLost(leases)
    await this.#takeFree(leases, nodes)
    await this.#leaveUnreached(nodes)
    this.#balance(leases, nodes)
    this.#endForsaken(leases, nodes)
  }

  /** @returns false where another program has this node's name, and lives. */
  async #beat(): Promise<boolean> {
    const { database, node, logger } = this.#options
    const own = { name: node.name, session: this.session }
    if (this.#hasEntered) {
      if (await beatNode(database, own, Date.now())) {
        if (this.#enginesHere() !== this.#toldEngines) await this.#enter()
        return true
      }
      this.#hasEntered = false
      logger.error({ node: node.name }, 'another program has the name of this node')
      this.#endAll()
    }
    const { nodes } = await readLeases(database)
    this.#sightings.see(nodes)
    const namesake = nodes.find(({ name }) => name === node.name)
    // A program that has just been started is the one that is wanted; one that was replaced waits until the other is gone.
    const isWanted = this.#validUntil === 0 || !namesake || this.#isDead(namesake)
    if (!isWanted) return false
    await this.#enter()
    return true
  }

  /** Names of the engines that can be treated here, as JSON: who has left one to others is given none, as more may be out of reach. */
  #enginesHere(): string {
    const names = this.#options.posts.map(({ name }) => name)
    const hasLeft = names.some((name) => this.#reach.isLeft(name))
    const isFit = (name: string) => this.#tenures.has(name) && !this.#reach.isLeft(name)
    return JSON.stringify(hasLeft ? names.filter(isFit) : names)
  }

  async #enter(): Promise<void> {
    const { database, node } = this.#options
    const { name, url = null } = node
    const engines = this.#enginesHere()
    await enterNode(database, { name, url, session: this.session, engines, beat: Date.now() })
    this.#hasEntered = true
    this.#toldEngines = engines
  }

  #isDead({ session }: Pick<NodeRow, 'session'>): boolean {
    return this.#sightings.silentMilliseconds(session) > takeoverMilliseconds
  }

  #note(leases: readonly LeaseRow[]): void {
    this.#isOnlyOne = leases.every(({ engine }) => this.#tenures.has(engine))
    this.#draining.clear()
    for (const { engine, is_draining } of leases) if (is_draining === 1) this.#draining.add(engine)
  }

  /** Somebody has taken a lease while it was over. */
  #endLost(leases: readonly LeaseRow[]): void {
    for (const [engine, tenure] of this.#tenures) {
      const lease = leases.find((one) => one.engine === engine)
      if (lease?.generation === tenure.generation && lease.session === this.session) continue
      this.#options.logger.warn({ engine }, 'another node treats the calls of the engine')
      void this.#end(engine, tenure)
    }
  }

  #expire(): void {
    if (performance.now() < this.#validUntil || this.#tenures.size === 0) return
    this.#options.logger.warn('the leases of engines are over: they could not be renewed')
    this.#endAll()
  }

  #endAll(): void {
    for (const [engine, tenure] of this.#tenures) void this.#end(engine, tenure)
  }

  /** What may last of it is not waited for: the beat must go on. */
  #end(engine: string, tenure: Tenure): Promise<void> {
    tenure.isOver = true
    if (this.#tenures.get(engine) === tenure) this.#tenures.delete(engine)
    const ending = this.#options.board
      .detach(tenure.station)
      .catch((error) =>
        this.#options.logger.error({ err: error, engine }, 'an engine was not left'),
      )
      .finally(() => this.#endings.delete(ending))
    this.#endings.add(ending)
    return ending
  }

  /** How a lease stands: whether it can be taken, and at once. */
  #freedom(lease: LeaseRow | undefined, nodes: readonly NodeRow[]): 'held' | 'free' | 'orphaned' {
    if (!lease || lease.session === null) return 'free'
    // What this program had and lost is its own still.
    if (lease.session === this.session) return 'orphaned'
    const holder = nodes.find(({ session }) => session === lease.session)
    return !holder || this.#isDead(holder) ? 'orphaned' : 'held'
  }

  #others(nodes: readonly NodeRow[]): NodeRow[] {
    return nodes.filter((node) => node.session !== this.session && !this.#isDead(node))
  }

  /** Whether another node could treat an engine. */
  #isKnownElsewhere(engine: string, nodes: readonly NodeRow[]): boolean {
    return this.#others(nodes).some(({ engines }) => engines.includes(JSON.stringify(engine)))
  }

  async #takeFree(leases: readonly LeaseRow[], nodes: readonly NodeRow[]): Promise<void> {
    const { posts } = this.#options
    for (const post of posts) {
      const lease = leases.find(({ engine }) => engine === post.name)
      const freedom = this.#freedom(lease, nodes)
      // Also of one that is held: when it is given away, its time begins anew.
      const freeMilliseconds = this.#sightings.freeMilliseconds(post.name, freedom === 'free')
      const isOurs = this.#tenures.has(post.name) || this.#leaving.has(post.name)
      if (freedom === 'held' || isOurs) continue
      if (this.#reach.isLeft(post.name) && this.#isKnownElsewhere(post.name, nodes)) {
        // Giving it away may have failed.
        if (lease?.session === this.session) await this.#giveBack(lease)
        continue
      }
      const isAlone = this.#others(nodes).length === 0
      // Whoever has fewer comes first.
      const waits = isAlone || freedom === 'orphaned' ? 0 : this.#tenures.size * beatMilliseconds
      if (freeMilliseconds >= waits) await this.#take(post, lease)
    }
  }

  async #take(post: Post, lease: LeaseRow | undefined): Promise<void> {
    const { database, board, logger, node } = this.#options
    const session = this.session
    const generation = await takeLease(database, { engine: post.name, session }, lease)
    if (generation === undefined || this.#isClosing) return
    this.#reach.begin(post.name)
    const tenure: Omit<Tenure, 'station'> = { generation, isOver: false }
    const station = post.open({
      generation,
      leftMilliseconds: () =>
        tenure.isOver ? 0 : Math.max(this.#validUntil - performance.now(), 0),
    })
    const begun: Tenure = Object.assign(tenure, { station })
    this.#tenures.set(post.name, begun)
    logger.info({ engine: post.name, node: node.name, generation }, 'the engine is treated here')
    board.attach(station)
  }

  /** Leaves an engine that is not reached from here to a node that may: where it is dead, it comes to each once. */
  async #leaveUnreached(nodes: readonly NodeRow[]): Promise<void> {
    for (const [engine, tenure] of this.#tenures) {
      const missed = this.#reach.missedMilliseconds(engine, tenure.station.engine.isReady)
      if (missed <= this.#patience.unreached || !this.#isKnownElsewhere(engine, nodes)) continue
      this.#reach.leave(engine)
      this.#options.logger.warn({ engine }, 'the engine is not reached, and left to another node')
      // First, so that nobody who has more then gives one here.
      await this.#enter()
      this.#giveAway(engine, tenure)
    }
  }

  async #giveBack({ engine, generation }: Pick<LeaseRow, 'engine' | 'generation'>): Promise<void> {
    const lease = { engine, session: this.session, generation }
    await giveLeaseBack(this.#options.database, lease)
  }

  #giveAway(engine: string, tenure: Tenure): void {
    const { logger } = this.#options
    const { generation } = tenure
    const leaving = this.#end(engine, tenure)
      .then(() => this.#giveBack({ engine, generation }))
      .catch((error) => logger.warn({ err: error, engine }, 'the lease was not given back'))
      .finally(() => this.#leaving.delete(engine))
    this.#leaving.set(engine, leaving)
  }

  /** Gives an engine to a node that has two fewer, and could treat it. */
  #balance(leases: readonly LeaseRow[], nodes: readonly NodeRow[]): void {
    const now = performance.now()
    if (now - this.#balancedAt < this.#patience.balance) return
    const counts = (session: string) => leases.filter((one) => one.session === session).length
    const idle = this.#others(nodes).filter(
      ({ session }) =>
        counts(session) <= this.#tenures.size - 2 &&
        this.#sightings.knownMilliseconds(session) > this.#patience.settled,
    )
    const [given] = [...this.#tenures].filter(([engine]) =>
      idle.some(({ engines }) => engines.includes(JSON.stringify(engine))),
    )
    if (!given) return
    this.#balancedAt = now
    const [engine, tenure] = given
    this.#options.logger.info({ engine }, 'the engine is given to a node that has fewer')
    this.#giveAway(engine, tenure)
  }

  /** An engine that is in no node's file any more treats no calls: they would lock their agents for ever. */
  #endForsaken(leases: readonly LeaseRow[], nodes: readonly NodeRow[]): void {
    const { posts, board, logger } = this.#options
    for (const lease of leases) {
      if (posts.some(({ name }) => name === lease.engine)) continue
      const isFree = this.#freedom(lease, nodes) !== 'held' && !isNamed(lease.engine, nodes)
      const free = this.#sightings.freeMilliseconds(lease.engine, isFree)
      if (!isFree || free <= this.#patience.forsaken || this.#leaving.has(lease.engine)) continue
      const ending = board
        .end(lease.engine, lease.generation)
        .catch((error) => logger.warn({ err: error }, 'calls of an engine that is no more go on'))
        .finally(() => this.#leaving.delete(lease.engine))
      this.#leaving.set(lease.engine, ending)
    }
  }
}
