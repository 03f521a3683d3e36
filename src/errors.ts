/** Every code that an answer can carry, with its name and HTTP status. `docs/errors.md` has a line for each. */
export const errorCodes = {
  2: { name: 'INVALID_PARAMETERS', status: 400 },
  9: { name: 'MISSING_CONDITIONAL_PARAMETERS', status: 400 },
  11: { name: 'ALREADY_EXISTS', status: 400 },
  21: { name: 'NOT_DELETED', status: 400 },
  42: { name: 'NOT_AVAILABLE_IN_SP_MODE', status: 400 },
  401: { name: 'UNAUTHORIZED', status: 401 },
  403: { name: 'FORBIDDEN', status: 403 },
  404: { name: 'NOT_FOUND', status: 404 },
  405: { name: 'METHOD_NOT_ALLOWED', status: 405 },
  406: { name: 'NOT_ACCEPTABLE', status: 406 },
  408: { name: 'REQUEST_TIMEOUT', status: 408 },
  409: { name: 'CONFLICT', status: 409 },
  412: { name: 'PRECONDITION_FAILED', status: 412 },
  413: { name: 'CONTENT_TOO_LARGE', status: 413 },
  415: { name: 'UNSUPPORTED_MEDIA_TYPE', status: 415 },
  416: { name: 'RANGE_NOT_SATISFIABLE', status: 416 },
  417: { name: 'EXPECTATION_FAILED', status: 417 },
  422: { name: 'UNPROCESSABLE_CONTENT', status: 422 },
  429: { name: 'TOO_MANY_REQUESTS', status: 429 },
  431: { name: 'REQUEST_HEADER_FIELDS_TOO_LARGE', status: 431 },
  500: { name: 'INTERNAL_SERVER_ERROR', status: 500 },
  503: { name: 'SERVICE_UNAVAILABLE', status: 503 },
} as const

export type ErrorCode = keyof typeof errorCodes

export function isErrorCode(code: number): code is ErrorCode {
  return code in errorCodes
}

/** One thing wrong with a request. `parameter` is the path of the field, as in `audioFileList[0].name`. */
export interface Fault {
  code: ErrorCode
  message: string
  parameter?: string
}

/** A body can be wrong in thousands of places; nobody reads more than this. */
export const faultsMax = 100

/** Where a member stands, as faults name it: `audioFileList[0].name`, the way a programmer would write it. */
export function memberPath(path: string, member: string): string {
  return path ? `${path}.${member}` : member
}

/** The fault of what is inside a member, as it is named from outside. */
export function faultWithin(member: string, fault: Fault): Fault {
  return { ...fault, parameter: fault.parameter ? memberPath(member, fault.parameter) : member }
}

/** Where an item of a list stands. */
export function itemPath(path: string, index: number | string): string {
  return `${path}[${index}]`
}

/** The request cannot be done; the error handler answers with all of `faults` and the status of the first. */
export class Refusal extends Error {
  readonly faults: readonly [Fault, ...Fault[]]
  readonly headers: Readonly<Record<string, string>>

  constructor(faults: readonly [Fault, ...Fault[]], headers: Record<string, string> = {}) {
    super(faults[0].message)
    this.name = 'Refusal'
    this.faults = faults
    this.headers = headers
  }

  get status(): number {
    return errorCodes[this.faults[0].code].status
  }
}

/** @throws Refusal when there is at least one fault; of many it tells the first. */
export function refuseIfAny(faults: readonly Fault[]): void {
  const [first, ...others] = faults.slice(0, faultsMax)
  if (first) throw new Refusal([first, ...others])
}

export function invalid(parameter: string, message: string): Fault {
  return { code: 2, message, parameter }
}

export function missing(parameter: string, message: string): Fault {
  return { code: 9, message, parameter }
}

export function taken(parameter: string, message: string): Fault {
  return { code: 11, message, parameter }
}

/** The one 404: for what does not exist and for what lies outside the caller's scope, word for word the same. */
export function notFound(): Refusal {
  return new Refusal([{ code: 404, message: 'There is no such resource.' }])
}

export function unauthorized(): Refusal {
  return new Refusal([{ code: 401, message: 'Sign in first, or send a valid token.' }], {
    'www-authenticate': 'Bearer',
  })
}

export function forbidden(): Refusal {
  return new Refusal([{ code: 403, message: 'Your level does not allow this operation.' }])
}

/** More than is taken at once; the same request may succeed in `retryAfterSeconds`. */
export function busy(
  message: string,
  retryAfterSeconds: number,
  headers: Record<string, string> = {},
): Refusal {
  return new Refusal([{ code: 503, message }], {
    'retry-after': String(retryAfterSeconds),
    ...headers,
  })
}

/** The database cannot serve now (busy, full, unreachable); the same request may succeed in a moment. */
export class DatabaseUnavailable extends Error {
  constructor(cause: unknown) {
    super('The database is not available.', { cause })
    this.name = 'DatabaseUnavailable'
  }
}
