/**
 * A written, dated exception in the file it concerns:
 *
 *   # holdfast-allow: rollback-time reason="old fleet until March" owner="platform team" approver="J. Doe" expires=2027-01-31
 *
 * It covers the line it stands on and the first line of content after it; above all content it covers the file.
 */
import type { Source } from './formats/node.ts'

export interface Allowance {
  readonly rule: string
  readonly file: string
  readonly line: number
  /** Lines that are covered, from 1; undefined for the whole file. */
  readonly covers?: { readonly from: number; readonly to: number }
  readonly reason: string
  readonly owner: string
  readonly approver: string
  /** ISO date of the last day it holds, as written. */
  readonly expires: string
}

/** Exceptions are promises to come back: 90 days, so that every quarter somebody looks again. */
export const ALLOWANCE_DAYS_MAX = 90

const MARK = /holdfast-allow:\s*([\w-]+)([^\n]{0,600})/g

export function allowancesOf(src: Source): readonly Allowance[] {
  if (!src.text.includes('holdfast-allow:')) return []
  return [...src.text.matchAll(MARK)].slice(0, 200).map((match) => {
    const { line } = src.lines.placeOf(match.index)
    const rest = match[2]!
    const value = (name: string) => new RegExp(`\\b${name}=(?:"([^"]*)"|(\\S+))`).exec(rest)
    const read = (name: string) => (value(name)?.[1] ?? value(name)?.[2] ?? '').replace(/(?:\*\/|-->)$/, '').trim()
    const covers = coveredLines(src, line)
    return {
      rule: match[1]!,
      file: src.file,
      line,
      reason: read('reason'),
      owner: read('owner'),
      approver: read('approver'),
      expires: read('expires'),
      ...(covers ? { covers } : {}),
    }
  })
}

function coveredLines(src: Source, line: number): { from: number; to: number } | undefined {
  const all = src.text.split('\n', line + 50)
  const isRemark = (words: string) => /^\s*(#|\/\/|--|\/\*|\*|<!--|$|---\s*$)/.test(words)
  if (all.slice(0, line).every(isRemark)) return undefined
  let to = line
  while (to < all.length && isRemark(all[to - 1]!)) to++
  return { from: line, to }
}

/** Why an allowance does not hold on this day, or undefined when it does. `today` is epoch milliseconds. */
export function flawOf(allowance: Allowance, today: number): string | undefined {
  if (allowance.reason === '') return 'It gives no reason.'
  if (allowance.owner === '') return 'It names no owner.'
  if (allowance.approver !== '' && allowance.approver.toLowerCase() === allowance.owner.toLowerCase())
    return 'Its owner approved it.'
  const end = /^\d{4}-\d{2}-\d{2}$/.test(allowance.expires) ? Date.parse(`${allowance.expires}T23:59:59Z`) : Number.NaN
  if (Number.isNaN(end)) return 'It has no date of expiry (expires=YYYY-MM-DD).'
  if (end < today) return `It expired on ${allowance.expires}.`
  const days = Math.floor((end - today) / 86_400_000)
  if (days > ALLOWANCE_DAYS_MAX) return `It runs for ${days} more days; ${ALLOWANCE_DAYS_MAX} is the most.`
  return undefined
}

/** The allowance that covers a finding, valid or not. */
export function allowanceFor(
  allowances: readonly Allowance[],
  rule: string,
  file: string,
  line: number,
): Allowance | undefined {
  return allowances.find(
    (allowance) =>
      allowance.rule === rule &&
      allowance.file === file &&
      (!allowance.covers || (line >= allowance.covers.from && line <= allowance.covers.to)),
  )
}
