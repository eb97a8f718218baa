/** What survives a round trip through JSON: all that is ever stored or sent. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** JSON with keys in code-point order, so that the same value always has the same bytes (for hashing and golden files). */
export function canonicalJson(value: unknown): string {
  // A copy in order, written in one go: a replacer that is called for every value takes nearly twice as long.
  return JSON.stringify(sorted(value, ''))
}

function sorted(value: unknown, key: string): unknown {
  if (value === null || typeof value !== 'object') return value
  const { toJSON } = value as { readonly toJSON?: unknown }
  const told: unknown = typeof toJSON === 'function' ? toJSON.call(value, key) : value
  if (told === null || typeof told !== 'object') return told
  if (Array.isArray(told)) return told.map((one, i) => sorted(one, String(i)))
  const copy: Record<string, unknown> = {}
  for (const name of Object.keys(told).sort()) {
    const inner = (told as Record<string, unknown>)[name]
    // JSON knows no functions, and one that is called toJSON would be asked a second time.
    if (typeof inner !== 'function') copy[name] = sorted(inner, name)
  }
  return copy
}
