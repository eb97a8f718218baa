/** The report that the save hook keeps, one small file for each file that was judged, and what is said about them. */
import type { Finding } from '../../errors.ts'
import { plural } from '../../words.ts'

export interface HookReport {
  readonly version: 1
  /** Path of the judged file, relative to the folder of the event. */
  readonly file: string
  /** SHA-256 of the content that was judged, hex. */
  readonly hash: string
  /** When, epoch milliseconds. */
  readonly at: number
  readonly findings: readonly Finding[]
}

/** Reads a report back, or undefined when it is not one of ours. */
export function readReport(text: string): HookReport | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const report = value as Partial<HookReport> | null
    if (report?.version !== 1 || typeof report.file !== 'string' || typeof report.hash !== 'string') return undefined
    if (typeof report.at !== 'number' || !Array.isArray(report.findings)) return undefined
    return {
      ...(report as HookReport),
      findings: report.findings.filter((finding) => finding && typeof finding === 'object'),
    }
  } catch {
    return undefined
  }
}

/** A save within this time of the last look at the same file waits for the next event, in milliseconds: editors save in bursts. */
export const DEBOUNCE_MS = 2_000

/**
 * Does a save need a new look? Not when the content is what was judged, and not in a burst: what the burst leaves unjudged is
 * looked at by the next save, or when the reports are asked for.
 */
export function needsLook(known: HookReport | undefined, hash: string, now: number): boolean {
  if (!known) return true
  if (known.hash === hash) return false
  return now - known.at >= DEBOUNCE_MS || now < known.at
}

const MAX_SAID = 10

/** For the agent's context: what stands, worst first, short. Empty when nothing does. */
export function saidToAgent(reports: readonly HookReport[]): string {
  const open = reports.flatMap((report) => report.findings).filter(counts)
  if (open.length === 0) return ''
  const sorted = [...open].sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'))
  const lines = sorted.slice(0, MAX_SAID).map((finding) => `- ${lineOf(finding)}`)
  const more = sorted.length > MAX_SAID ? [`- and ${sorted.length - MAX_SAID} more: holdfast check .`] : []
  return [`holdfast check: ${plural(open.length, 'finding')} in files saved lately.`, ...lines, ...more].join('\n')
}

/** Why a deployment is stopped, or undefined when no error stands. */
export function whyNot(reports: readonly HookReport[]): string | undefined {
  const errors = reports
    .flatMap((report) => report.findings)
    .filter((finding) => counts(finding) && finding.severity === 'error')
  const [first] = errors
  if (!first) return undefined
  const rest = errors.length > 1 ? ` And ${errors.length - 1} more: holdfast check .` : ''
  return `holdfast: not while this would hurt citizens. ${lineOf(first)}${rest}`
}

function counts(finding: Finding): boolean {
  return finding.verdict === 'fail' && finding.severity !== 'info' && !finding.suppressed
}

/** One line, cut: it goes into an agent's context. */
function lineOf(finding: Finding): string {
  const words = `${finding.file}:${finding.line} ${finding.rule}: ${finding.says} ${finding.fix}`
  return words.replace(/\s+/g, ' ').slice(0, 400)
}
