import { isDeepStrictEqual } from 'node:util'
import { isObject } from '../../documents/normalise.ts'
import type { Schema } from '../../documents/vocabulary.ts'

/** Stands for a component where it is used. */
export interface Reference {
  $ref: string
}

export type ComponentKind = 'schemas' | 'responses' | 'parameters' | 'headers'

/** `X-Total-Count` as `XTotalCount`, `startIndex` as `StartIndex`, `forced_forwarding` as `ForcedForwarding`. */
export function componentName(words: string): string {
  return words.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, first) => first.toUpperCase())
}

/** The parts that OpenAPI says once and that others refer to. */
export class Components {
  readonly #kinds: Record<ComponentKind, Record<string, object>> = {
    schemas: {},
    responses: {},
    parameters: {},
    headers: {},
  }

  /** @throws Error when the name already stands for something else, of whatever kind: many generators have one space for all. */
  add(kind: ComponentKind, name: string, content: object): Reference {
    for (const [other, contents] of Object.entries(this.#kinds)) {
      const known = contents[name]
      if (known === undefined || (other === kind && isDeepStrictEqual(known, content))) continue
      throw new Error(`OpenAPI has two different components called ${name}.`)
    }
    this.#kinds[kind][name] = content
    return { $ref: `#/components/${kind}/${name}` }
  }

  /** A schema in which every part that has a name stands for itself no more, but refers to the component of that name. */
  schema(part: Schema): object {
    const { component, ...rest } = part
    // A member may be called so too.
    const isNamed = typeof component === 'string'
    const copy = Object.fromEntries(
      Object.entries(isNamed ? rest : part).map(([key, one]) => [key, this.#withReferences(one)]),
    )
    return isNamed ? this.add('schemas', component, copy) : copy
  }

  #withReferences(part: unknown): unknown {
    if (Array.isArray(part)) return part.map((item) => this.#withReferences(item))
    return isObject(part) ? this.schema(part) : part
  }

  /** All of them, each kind by name, so that a new one stands in one place of the document. */
  all(): Record<ComponentKind, Record<string, object>> {
    const { schemas, responses, parameters, headers } = this.#kinds
    return {
      schemas: byName(schemas),
      responses: byName(responses),
      parameters: byName(parameters),
      headers: byName(headers),
    }
  }
}

function byName(contents: Record<string, object>): Record<string, object> {
  const entries = Object.entries(contents).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries)
}
