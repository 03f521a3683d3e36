/** Columns of a line, as everywhere here. */
const columnsMax = 100

function flat(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flat).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${flat(one)}`)
  return members.length > 0 ? `{ ${members.join(', ')} }` : '{}'
}

/** One space a level: descriptions of APIs nest deeply. */
const step = ' '

/** JSON in which whatever fits a line stands on one, so that a change of one fact is a change of one line. */
export function formatJson(value: unknown, indent = '', columns = columnsMax): string {
  const line = flat(value)
  if (typeof value !== 'object' || value === null || line.length <= columns) return line
  const inner = indent + step
  const parts = Array.isArray(value)
    ? value.map((one) => `${inner}${formatJson(one, inner, columnsMax - inner.length - 1)}`)
    : Object.entries(value).map(([key, one]) => {
        const start = `${inner}${JSON.stringify(key)}: `
        return `${start}${formatJson(one, inner, columnsMax - start.length - 1)}`
      })
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return `${open}\n${parts.join(',\n')}\n${indent}${close}`
}
