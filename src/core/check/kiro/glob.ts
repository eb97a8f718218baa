/**
 * Globs and regular expressions on paths. Steering files take globs (minimatch, dot files included), hooks take regular expressions:
 * one written for the other fails without a word.
 */

const LENGTH_MAX = 1_000

/** The body of a regular expression for one glob, without anchors; undefined for a glob that is too long or unbalanced. */
function bodyOf(glob: string): string | undefined {
  if (glob.length > LENGTH_MAX) return undefined
  let out = ''
  let depth = 0
  for (let i = 0; i < glob.length; i++) {
    const rest = glob.slice(i)
    const char = glob[i]!
    if (rest.startsWith('**/')) {
      out += '(?:[^/]+/)*'
      i += 2
    } else if (rest.startsWith('**')) {
      out += '.*'
      i += 1
    } else if (char === '*') out += '[^/]*'
    else if (char === '?') out += '[^/]'
    else if (char === '{' && glob.indexOf('}', i) > i) {
      out += '(?:'
      depth++
    } else if (char === '}' && depth > 0) {
      out += ')'
      depth--
    } else if (char === ',' && depth > 0) out += '|'
    else if (char === '[' && /^\[!?[\w.-]+\]/.test(rest)) {
      const set = /^\[(!?)([\w.-]+)\]/.exec(rest)!
      out += `[${set[1] ? '^' : ''}${set[2]!.replace(/\./g, '\\.')}]`
      i += set[0].length - 1
    } else out += char.replace(/[.+^$()|[\]\\{}]/g, '\\$&')
  }
  return depth === 0 ? out : undefined
}

/**
 * The matcher of a hook that stands for these globs; `!` before a glob excludes. Paths may be absolute, so each may begin at any
 * folder: a rooted glob gains depth (`appspec.yml` also hits `docs/appspec.yml`).
 */
export function matcherFor(globs: readonly string[]): string | undefined {
  const clean = globs.map((glob) => glob.trim()).filter(Boolean)
  const bodies = (list: readonly string[]) =>
    list.map((glob) => bodyOf(glob.replace(/^\.?\/+/, '').replace(/^\*\*\//, '')))
  const wanted = bodies(clean.filter((glob) => !glob.startsWith('!')))
  const excluded = bodies(clean.filter((glob) => glob.startsWith('!')).map((glob) => glob.slice(1)))
  if (wanted.length === 0 || [...wanted, ...excluded].includes(undefined)) return undefined
  const [only] = wanted
  const body = wanted.length === 1 ? only! : `(?:${wanted.join('|')})`
  if (excluded.length === 0) return `(^|/)${body}$`
  return `^${excluded.map((one) => `(?!(?:.*/)?${one}$)`).join('')}(?:.*/)?${body}$`
}

/** Does a path, relative to the root, match the glob as minimatch with `dot: true` reads it? */
export function globMatches(glob: string, path: string): boolean {
  const body = bodyOf(glob.replace(/^\.\//, ''))
  return body !== undefined && path.length <= LENGTH_MAX && new RegExp(`^${body}$`).test(path)
}

/**
 * A stranger's regular expression, when it is one that cannot run for ever: no back-references, and nothing repeated that itself
 * repeats, apart from the path forms that globs become. Undefined for any other, which is then not run at all.
 */
export function safeMatcher(source: string): RegExp | undefined {
  if (source.length > LENGTH_MAX || /\\[1-9k]/.test(source)) return undefined
  const plain = source
    // "Any number of folders", in its usual spellings, is linear: its parts cannot match the same text twice.
    .replaceAll('(?:[^/]+/)*', '')
    .replaceAll('(?:.*/)?', '')
    .replaceAll('(?:.+/)?', '')
    .replaceAll('(.*/)?', '')
    .replaceAll('([^/]+/)*', '')
    .replace(/\\./g, 'x')
    .replace(/\[[^\]]*\]/g, 'x')
  // A repeated group that holds a repetition or an alternative may try every way to divide a text.
  if (/\([^()]*[*+{|][^()]*\)[*+{]|\)[^()]{0,40}\)[*+{]/.test(plain)) return undefined
  if ((plain.match(/[*+]/g)?.length ?? 0) > 8) return undefined
  try {
    return new RegExp(source)
  } catch {
    return undefined
  }
}
