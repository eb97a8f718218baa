/** Small pieces of plain English, so that every sentence we print reads as one a person wrote. */

/** `plural(1, 'citizen')` is "1 citizen", `plural(1200, 'citizen')` is "1,200 citizens". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${countOf(n)} ${n === 1 ? one : many}`
}

// Made once, and only when a number needs it: a formatter for every number took a third of a deployment's time, and the first one
// alone takes longer than a whole check at a save.
let thousands: Intl.NumberFormat | undefined

/** 1200 is "1,200". */
export function countOf(n: number): string {
  if (Number.isInteger(n) && Math.abs(n) < 1_000) return String(n)
  thousands ??= new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 })
  return thousands.format(n)
}

/** 0.0512 is "5.1 %"; small shares keep one significant digit, so that 0.0004 is not shown as nothing. */
export function percentOf(share: number): string {
  const percent = share * 100
  if (percent === 0 || percent >= 10) return `${percent.toFixed(0)} %`
  if (percent >= 1) return `${Number(percent.toFixed(1))} %`
  return `${Number(percent.toPrecision(1))} %`
}

/** "a", "a and b", "a, b and c". */
export function listOf(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`
}

/** The known word nearest to what was typed, or undefined when nothing is near enough to be helpful. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const word of known) {
    const distance = editDistance(typed.toLowerCase(), word.toLowerCase())
    if (distance < bestDistance) {
      best = word
      bestDistance = distance
    }
  }
  return best
}

/** Edits from one word to the other, two exchanged neighbours counting as one ("nmae"); inputs are cut at 80 characters, because they come from outside. */
export function editDistance(a: string, b: string): number {
  const from = a.slice(0, 80)
  const to = b.slice(0, 80)
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const swap = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      const exchanged = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      const best = Math.min(swap, row[j]! + 1, next[j - 1]! + 1)
      next.push(exchanged ? Math.min(best, before[j - 2]! + 1) : best)
    }
    before = row
    row = next
  }
  return row[to.length]!
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Safe in the text of a page and in a quoted attribute. The one escape for every page we write. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]!)
}
