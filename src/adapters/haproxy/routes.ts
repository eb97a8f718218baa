/**
 * Journey steps as HAProxy recognises them: one regular expression a step over "METHOD:/path", tried in order, the most particular
 * first. Finds the step that the gateway's own tree of routes (src/gateway/routes.ts) finds.
 */
import type { StepMatch } from '../../ports/traffic.ts'

export interface StepPattern {
  readonly pattern: string
  /** Place of the step in the configuration's list. */
  readonly index: number
}

/** The patterns in the order in which they are to be tried. */
export function stepPatterns(steps: readonly StepMatch[]): readonly StepPattern[] {
  const ranked = steps.map((step, index) => ({ index, rank: rankOf(step.route), pattern: patternOf(step) }))
  return ranked
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.index - b.index))
    .map(({ pattern, index }) => ({ pattern, index }))
}

/** Literal before `:name` before `*`, segment by segment; a route that ends where another has a `*` comes first. */
function rankOf(route: string): string {
  const ranks = segmentsOf(route).map((segment) => (segment === '*' ? '3' : segment.startsWith(':') ? '2' : '1'))
  return ranks.join('')
}

function patternOf({ method, route }: StepMatch): string {
  const segments = segmentsOf(route)
  const open = segments.at(-1) === '*'
  const parts = (open ? segments.slice(0, -1) : segments).map((segment) =>
    segment.startsWith(':') ? '/+[^/]+' : `/+${escaped(segment)}`,
  )
  // "/a//b/" is "/a/b": services treat these alike, and so does the count.
  return `^${method}:${parts.join('')}${open ? '(/.*)?' : '/*'}$`
}

function segmentsOf(route: string): string[] {
  return route.split('/').filter((segment) => segment !== '')
}

/** Everything that is not plainly itself by its code, so that neither the expression nor the map file can be broken. */
export function escaped(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const letter = String.fromCharCode(byte)
      return /[A-Za-z0-9_-]/.test(letter) ? letter : `\\x${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
}

const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  '&': ['&amp;'],
  '<': ['&lt;'],
  '>': ['&gt;'],
  '"': ['&quot;', '&#34;'],
  "'": ['&#39;', '&#x27;', '&apos;'],
}

/** A success marker as a page may spell it: entities for characters, any run of blanks for a blank. */
export function markerPattern(marker: string): string {
  const words = marker.split(/\s+/).map((word) =>
    [...word]
      .map((letter) => {
        const spellings = SPELLINGS[letter]
        return spellings ? `(?:${[escaped(letter), ...spellings.map(escaped)].join('|')})` : escaped(letter)
      })
      .join(''),
  )
  return words.join('(?:\\s|&nbsp;)+')
}
