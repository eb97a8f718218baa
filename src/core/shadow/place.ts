/**
 * Where in an answer something stands: `$.award.amount`, `$.lines[0].sum`, `$.lines[*].sum`, or `text` for an answer that is no
 * JSON. A small part of JSONPath (RFC 9535): names, indices and the wildcard, nothing that could run long.
 */
export type Part = string | number | typeof ANY

export const ANY = Symbol('any')

const PARTS_MAX = 20
const PATH_MAX = 300

/** Undefined when the text is no such place. */
export function parsePlace(text: string): readonly Part[] | undefined {
  if (text.length > PATH_MAX || !text.startsWith('$')) return undefined
  const parts: Part[] = []
  const token = /\.([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\[\*\]|\.\*|\["((?:[^"\\])+)"\]/y
  token.lastIndex = 1
  while (token.lastIndex < text.length) {
    const found = token.exec(text)
    if (!found || parts.length >= PARTS_MAX) return undefined
    const [, name, index, quoted] = found
    if (name !== undefined) parts.push(name)
    else if (index !== undefined) parts.push(Number(index))
    else if (quoted !== undefined) parts.push(quoted)
    else parts.push(ANY)
  }
  return parts
}

/** True when `place` is at or below what `pattern` names. */
export function isWithin(pattern: readonly Part[], place: readonly (string | number)[]): boolean {
  return pattern.length <= place.length && pattern.every((part, i) => part === ANY || part === place[i])
}

export function textOfPlace(place: readonly (string | number)[]): string {
  return place.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return /^[A-Za-z_][\w-]*$/.test(part) ? `${text}.${part}` : `${text}["${part.slice(0, 60)}"]`
  }, '$')
}
