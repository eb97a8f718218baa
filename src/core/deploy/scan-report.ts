/**
 * What a scanner or an accessibility check left behind, judged: SARIF 2.1.0 (Trivy, Gitleaks, CodeQL, OSV-Scanner …), `npm audit --json`
 * and axe. The file comes from outside. A report that does not say what was looked at, or says that the tool failed, proves nothing.
 */
import { type Instant, isoOf } from '../time.ts'
import { listOf, plural } from '../words.ts'

export type Judged =
  | {
      readonly read: true
      readonly tool: string
      /** Findings that fail the gate. */
      readonly serious: number
      readonly all: number
      /** The first of the serious ones, for people. */
      readonly worst: readonly string[]
      /** When the tool says that it ran; null: it does not say. */
      readonly ranAt: Instant | null
      /** Digests or revisions of what was scanned, as the report names them. */
      readonly scanned: readonly string[]
    }
  | { readonly read: false; readonly why: string }

type Fields = Readonly<Record<string, unknown>>

/** CVSS from which a finding is of high severity (FIRST, CVSS v3.1 specification, table 14). */
const HIGH = 7
const WORST_MAX = 5
const RESULTS_MAX = 100_000

export function judgeReport(text: string): Judged {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { read: false, why: 'it is not JSON.' }
  }
  if (Array.isArray(json)) return axe(json)
  if (!isFields(json)) return { read: false, why: 'it holds no report.' }
  if (Array.isArray(json.runs)) return sarif(json)
  if ('auditReportVersion' in json || 'error' in json || 'statusCode' in json) return npmAudit(json)
  if ('violations' in json) return axe([json])
  return { read: false, why: 'it is neither SARIF, nor npm audit, nor axe.' }
}

function sarif(report: Fields): Judged {
  if (report.version !== '2.1.0')
    return { read: false, why: `it is SARIF ${words(report.version) || 'without a version'}, not 2.1.0.` }
  const runs = (report.runs as unknown[]).filter(isFields)
  if (runs.length === 0) return { read: false, why: 'it holds no run of any tool.' }
  const invocations = runs.flatMap((run) => listIn(run.invocations))
  const broken = invocations.find(({ executionSuccessful }) => executionSuccessful === false)
  if (broken)
    return {
      read: false,
      why: `the tool says that it failed: ${words(broken.exitCodeDescription) || 'no reason given'}.`,
    }
  const rules = new Map(
    runs.flatMap((run) => {
      const driver = at(at(run, 'tool'), 'driver')
      return listIn(driver?.rules).map((rule) => [words(rule.id), rule] as const)
    }),
  )
  const results = runs.flatMap((run) => listIn(run.results)).slice(0, RESULTS_MAX)
  const open = results.filter((result) => !isSuppressed(result))
  const serious = open.filter((result) => isSerious(result, rules.get(words(result.ruleId))))
  return {
    read: true,
    tool: listOf([...new Set(runs.map(toolOf))]),
    serious: serious.length,
    all: open.length,
    worst: serious.slice(0, WORST_MAX).map((result) => words(result.ruleId) || words(at(result, 'message')?.text)),
    ranAt: latest(invocations.map(({ endTimeUtc }) => endTimeUtc)),
    scanned: runs.flatMap(scannedBy).slice(0, 20),
  }
}

function toolOf(run: Fields): string {
  const driver = at(at(run, 'tool'), 'driver')
  return [words(driver?.name) || 'an unnamed tool', words(driver?.version)].filter(Boolean).join(' ')
}

function isSuppressed(result: Fields): boolean {
  return listIn(result.suppressions).some(({ status }) => status === undefined || status === 'accepted')
}

function isSerious(result: Fields, rule: Fields | undefined): boolean {
  const score = Number(at(result, 'properties')?.['security-severity'] ?? at(rule, 'properties')?.['security-severity'])
  if (Number.isFinite(score)) return score >= HIGH
  // SARIF 2.1.0, 3.27.10: a result without a level takes its rule's, and that is "warning" when it says none.
  const level = result.level ?? at(rule, 'defaultConfiguration')?.level ?? 'warning'
  return level === 'error'
}

function scannedBy(run: Fields): string[] {
  const hashes = listIn(run.artifacts).map((artifact) => words(at(artifact, 'hashes')?.['sha-256']))
  const revisions = listIn(run.versionControlProvenance).map(({ revisionId }) => words(revisionId))
  return [...hashes.filter(Boolean).map((hex) => `sha256:${hex}`), ...revisions.filter(Boolean)]
}

function npmAudit(report: Fields): Judged {
  const error = at(report, 'error')
  if (error || report.statusCode !== undefined) {
    const why =
      words(error?.summary) || words(error?.code) || words(report.message) || `status ${words(report.statusCode)}`
    return { read: false, why: `npm audit could not run: ${why}.` }
  }
  if (report.auditReportVersion !== 2)
    return { read: false, why: 'it is npm audit of a version that is not known here.' }
  const metadata = at(report, 'metadata')
  const total = Number(at(metadata, 'dependencies')?.total)
  if (!(total > 0)) return { read: false, why: 'npm audit looked at no dependency.' }
  const found = Object.entries(at(report, 'vulnerabilities') ?? {}).filter(([, one]) => isFields(one))
  const serious = found.filter(([, one]) => ['high', 'critical'].includes(words((one as Fields).severity)))
  return {
    read: true,
    tool: 'npm audit',
    serious: serious.length,
    all: found.length,
    worst: serious.slice(0, WORST_MAX).map(([name]) => name.slice(0, 200)),
    ranAt: null,
    scanned: [],
  }
}

function axe(pages: readonly unknown[]): Judged {
  const looked = pages.filter(isFields).filter((page) => Array.isArray(page.violations))
  if (looked.length === 0) return { read: false, why: 'no page was looked at.' }
  const empty = looked.find((page) => listIn(page.violations).length + listIn(page.passes).length === 0)
  if (empty) return { read: false, why: `axe found nothing to look at on ${words(empty.url) || 'a page'}.` }
  const violations = looked.flatMap((page) => listIn(page.violations).map((one) => ({ one, url: words(page.url) })))
  return {
    read: true,
    tool: [words(at(looked[0], 'testEngine')?.name) || 'axe', words(at(looked[0], 'testEngine')?.version)]
      .filter(Boolean)
      .join(' '),
    serious: violations.length,
    all: violations.length,
    worst: violations.slice(0, WORST_MAX).map(({ one, url }) => `${words(one.id)}${url ? ` on ${url}` : ''}`),
    // The oldest page: a report is as old as its oldest part.
    ranAt: earliest(looked.map(({ timestamp }) => timestamp)),
    scanned: [...new Set(looked.map(({ url }) => words(url)).filter(Boolean))].slice(0, 20),
  }
}

/** One sentence on a report that could be read. */
export function reportWords(judged: Extract<Judged, { read: true }>): string {
  const when = judged.ranAt === null ? '' : `, run at ${isoOf(judged.ranAt)}`
  const by = `${judged.tool}${when}`
  if (judged.serious === 0) return `Nothing serious of ${plural(judged.all, 'finding')} (${by}).`
  const more = judged.serious > judged.worst.length ? ' and more' : ''
  return `${plural(judged.serious, 'serious finding')}: ${judged.worst.join(', ')}${more} (${by}).`
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function at(value: unknown, key: string): Fields | undefined {
  const inner = isFields(value) ? value[key] : undefined
  return isFields(inner) ? inner : undefined
}

function listIn(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : []
}

function words(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number'
    ? String(value)
        .replace(/[\p{C}]+/gu, ' ')
        .slice(0, 200)
    : ''
}

function times(values: readonly unknown[]): number[] {
  return values.map((value) => Date.parse(words(value))).filter(Number.isFinite)
}

function latest(values: readonly unknown[]): Instant | null {
  const found = times(values)
  return found.length > 0 ? Math.max(...found) : null
}

function earliest(values: readonly unknown[]): Instant | null {
  const found = times(values)
  return found.length > 0 ? Math.min(...found) : null
}
