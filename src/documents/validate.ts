import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { type Fault, invalid, itemPath, memberPath } from '../errors.ts'
import { Upload } from './upload.ts'
import { type Schema, vocabularyWords } from './vocabulary.ts'

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  allowUnionTypes: true,
  strictRequired: false,
  // Moments are read-only in documents: they are told, and only compared with what is there.
  formats: { 'date-time': true },
})
ajv.addVocabulary(vocabularyWords.filter((word) => word !== 'upload'))
ajv.addKeyword({
  keyword: 'upload',
  validate: (_: true, value: unknown) => value instanceof Upload,
})

/** `/a/0/b` as `a[0].b`. Our schemas have no member whose name is a number. */
function parameterOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(
      (path, segment) =>
        /^\d+$/.test(segment) ? itemPath(path, segment) : memberPath(path, segment),
      '',
    )
}

const typeNames: Record<string, string> = {
  string: 'a text',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  object: 'an object',
  array: 'a list',
  'object,null': 'an object or null',
}

/** What a schema's bounds ask for, both ends where it has both. */
export function range(least: number | undefined, most: number | undefined): string {
  if (least !== undefined && most !== undefined) return `${least} to ${most}`
  return least !== undefined ? `at least ${least}` : `at most ${most}`
}

function requirement({ keyword, params, parentSchema, data }: ErrorObject): string {
  const schema = parentSchema ?? {}
  switch (keyword) {
    case 'type':
      if (data === null) return 'cannot be cleared'
      return `must be ${typeNames[String(params.type)] ?? params.type}`
    case 'enum':
      return `must be one of ${params.allowedValues.map((value: string) => `'${value}'`).join(', ')}`
    case 'minLength':
    case 'maxLength':
      return `must have ${range(schema.minLength, schema.maxLength)} characters`
    case 'minimum':
    case 'maximum':
      return `must be ${range(schema.minimum, schema.maximum)}`
    case 'upload':
      return 'must be a file: base64 in JSON, or the file of a form'
    case 'pattern':
      return `must be ${schema.expects ?? `of the form ${params.pattern}`}`
    default:
      return 'is not valid'
  }
}

function toFault(error: ErrorObject): Fault {
  const { keyword, instancePath, params } = error
  if (keyword === 'additionalProperties') {
    const parameter = memberPath(parameterOf(instancePath), params.additionalProperty)
    return invalid(parameter, `The '${parameter}' field is unknown.`)
  }
  if (keyword === 'required') {
    const parameter = memberPath(parameterOf(instancePath), params.missingProperty)
    return invalid(parameter, `The '${parameter}' field is required.`)
  }
  const parameter = parameterOf(instancePath)
  return invalid(parameter, `The '${parameter}' field ${requirement(error)}.`)
}

/** Compiles a schema once; the function answers every fault of a value, each field at most once. */
export function compileSchema(schema: Schema): (value: unknown) => Fault[] {
  let validate: ValidateFunction | undefined
  return (value) => {
    validate ??= ajv.compile(schema)
    if (validate(value)) return []
    const faults = new Map<string, Fault>()
    for (const error of validate.errors ?? []) {
      const fault = toFault(error)
      const parameter = fault.parameter ?? ''
      if (!faults.has(parameter)) faults.set(parameter, fault)
    }
    return [...faults.values()]
  }
}
