/** A report as text for people, SARIF 2.1.0 for code hosts, and GitHub's workflow commands. */
import { createHash } from 'node:crypto'
import type { Finding, Severity } from '../errors.ts'
import { countOf, listOf, plural } from '../words.ts'
import type { Report } from './judge.ts'
import { QUESTIONS, type Rule } from './rule.ts'

const WORD: Readonly<Record<Severity, string>> = { error: 'ERROR', warn: 'warning', info: 'note' }

/** Findings grouped by rule, worst first, each with its place, the sum, the harm once and the fix. */
export function textReport(report: Report, ms: number): string {
  const open = report.findings.filter((finding) => !finding.suppressed)
  const blocks: string[] = []
  for (const group of groups(open)) {
    const [first] = group
    const lines = [
      `${WORD[first!.severity]}  ${first!.rule}${first!.verdict === 'cannot-tell' ? '  (cannot tell)' : ''}`,
    ]
    for (const finding of group.slice(0, 10)) lines.push(...findingLines(finding))
    if (group.length > 10) lines.push(`  … and ${countOf(group.length - 10)} more like it`)
    lines.push(`  Citizens: ${first!.harm}`)
    if (first!.verdict === 'fail') lines.push(`  Fix: ${first!.fix}`)
    blocks.push(lines.join('\n'))
  }
  return [...blocks, summary(report, open, ms)].join('\n\n')
}

function groups(findings: readonly Finding[]): readonly (readonly Finding[])[] {
  const found = new Map<string, Finding[]>()
  for (const finding of findings) {
    const key = `${finding.severity} ${finding.verdict} ${finding.rule} ${finding.verdict === 'fail' ? finding.fix : ''}`
    found.set(key, [...(found.get(key) ?? []), finding])
  }
  return [...found.values()]
}

function findingLines(finding: Finding): readonly string[] {
  const lines = [`  ${finding.file}:${finding.line}:${finding.col}  ${finding.says}`]
  if (finding.arithmetic) lines.push(...finding.arithmetic.split('\n').map((line) => `      ${line}`))
  if (finding.needs) lines.push(`      To settle it: ${finding.needs}`)
  return lines
}

function summary(report: Report, open: readonly Finding[], ms: number): string {
  const count = (severity: Severity) =>
    open.filter((finding) => finding.severity === severity && finding.verdict === 'fail').length
  const unsettled = open.filter((finding) => finding.verdict === 'cannot-tell').length
  const passed = report.checked.reduce((sum, file) => sum + file.verdicts.pass, 0)
  const parts = [
    plural(count('error'), 'error'),
    plural(count('warn'), 'warning'),
    plural(count('info'), 'note'),
    `${countOf(unsettled)} that cannot be told from here`,
  ]
  const kept =
    report.suppressed > 0
      ? ` ${plural(report.suppressed, 'finding is', 'findings are')} covered by a dated exception.`
      : ''
  const claimed =
    report.claims.length > 0
      ? ` ${plural(report.claims.length, 'answer rests', 'answers rest')} on what ${listOf([...new Set(report.claims.map((claim) => claim.owner))])} vouched for, and nobody here has seen.`
      : ''
  return `${parts.join(', ')}; ${plural(passed, 'check')} passed, in ${plural(report.checked.length, 'file')}, ${report.rules} rules, ${ms} ms.${kept}${claimed}`
}

/** What a rule asks, why, and what good and bad look like: `check --explain`. */
export function explainRule(rule: Rule): string {
  const example = (files: Rule['bad']) =>
    Object.entries(files)
      .map(
        ([path, text]) =>
          `    ${path}\n${text
            .trimEnd()
            .split('\n')
            .map((line) => `      ${line}`)
            .join('\n')}`,
      )
      .join('\n')
  return [
    `${rule.id}: ${rule.title}`,
    '',
    `Question ${rule.question}: ${QUESTIONS[rule.question]}`,
    `Severity: ${rule.severity}. Formats: ${rule.formats.join(', ')}.`,
    `Citizens: ${rule.harm}`,
    `When nothing is written: ${rule.defaults}`,
    `Fix: ${rule.fix}`,
    `Source: ${rule.cites}`,
    '',
    '  Bad:',
    example(rule.bad),
    '',
    '  Good:',
    example(rule.good),
  ].join('\n')
}

/** GitHub shows about ten annotations per level and step: they come worst first, and the message is one line. */
export function githubReport(report: Report): string {
  const level: Readonly<Record<Severity, string>> = { error: 'error', warn: 'warning', info: 'notice' }
  return report.findings
    .filter((finding) => !finding.suppressed)
    .map((finding) => {
      const more =
        finding.verdict === 'fail' ? `${finding.harm} Fix: ${finding.fix}` : `To settle it: ${finding.needs ?? ''}`
      const place = `file=${property(finding.file)},line=${finding.line},col=${finding.col},title=${property(finding.rule)}`
      return `::${level[finding.severity]} ${place}::${message(`${finding.says} ${more}`)}`
    })
    .join('\n')
}

function message(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
}

function property(text: string): string {
  return message(text).replace(/:/g, '%3A').replace(/,/g, '%2C')
}

/**
 * The same finding keeps its fingerprint when lines move: rule, file, what is said without its numbers of lines, and which of
 * several alike it is.
 */
export function fingerprints(findings: readonly Finding[]): readonly string[] {
  const counts = new Map<string, number>()
  return findings.map((finding) => {
    const key = `${finding.rule}\0${finding.file}\0${finding.verdict}\0${finding.says}`
    const nth = counts.get(key) ?? 0
    counts.set(key, nth + 1)
    return createHash('sha256').update(`${key}\0${nth}`).digest('hex').slice(0, 32)
  })
}

/** SARIF 2.1.0 (OASIS standard, section 3.27.9): cannot-tell is kind "open", whose level must be "none". */
export function sarifReport(report: Report, rules: readonly Rule[], version: string): string {
  const level: Readonly<Record<Severity, string>> = { error: 'error', warn: 'warning', info: 'note' }
  const used = [...new Set(report.findings.map((finding) => finding.rule))]
  const table = new Map(rules.map((rule) => [rule.id, rule]))
  const prints = fingerprints(report.findings)
  const driver = {
    name: 'holdfast',
    version,
    rules: used.map((id) => {
      const rule = table.get(id)
      return {
        id,
        shortDescription: { text: rule?.title ?? 'A file could not be read to its end' },
        help: { text: rule ? `${rule.harm} ${rule.fix}` : '' },
      }
    }),
  }
  const results = report.findings.map((finding, index) => ({
    ruleId: finding.rule,
    ruleIndex: used.indexOf(finding.rule),
    kind: finding.verdict === 'fail' ? 'fail' : 'open',
    level: finding.verdict === 'fail' ? level[finding.severity] : 'none',
    message: {
      text: [
        finding.says,
        finding.arithmetic,
        finding.harm,
        finding.needs ? `To settle it: ${finding.needs}.` : finding.fix,
      ]
        .filter(Boolean)
        .join(' '),
    },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: finding.file.split('/').map(encodeURIComponent).join('/') },
          region: { startLine: finding.line, startColumn: finding.col },
        },
      },
    ],
    partialFingerprints: { 'holdfast/v1': prints[index] },
    ...(finding.suppressed
      ? {
          suppressions: [
            {
              kind: 'inSource',
              status: 'accepted',
              justification: `${finding.suppressed.reason} (${finding.suppressed.owner}, until ${finding.suppressed.until})`,
            },
          ],
        }
      : {}),
  }))
  return JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [{ tool: { driver }, columnKind: 'utf16CodeUnits', results }],
    },
    null,
    1,
  )
}
