/** The report as one page for a manager: the twelve questions with their answers, then each finding in plain words. No script, no request. */
import type { Finding } from '../errors.ts'
import { escapeHtml, plural } from '../words.ts'
import type { Report } from './judge.ts'
import { QUESTIONS, type Rule } from './rule.ts'

export function htmlReport(report: Report, rules: readonly Rule[]): string {
  const open = report.findings.filter((finding) => !finding.suppressed)
  const questionOf = new Map(rules.map((rule) => [rule.id, rule.question]))
  const rows = Object.entries(QUESTIONS).map(([number, question]) => {
    const about = open.filter((finding) => String(questionOf.get(finding.rule)) === number)
    const passed = rules.reduce(
      (sum, rule) => sum + (String(rule.question) === number ? (report.passed.get(rule.id) ?? 0) : 0),
      0,
    )
    return `<tr><th scope="row">${escapeHtml(question)}</th><td>${escapeHtml(answerOf(about, passed))}</td></tr>`
  })
  const errors = open.filter((finding) => finding.severity === 'error').length
  const lead =
    errors > 0
      ? `${plural(errors, 'thing')} in this configuration would hurt citizens.`
      : 'Nothing that the files decide would hurt citizens.'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What would hurt citizens: check report</title>
<style>
body { font: 1.1rem/1.5 arial, sans-serif; color: #0b0c0c; margin: 0 auto; max-width: 60rem; padding: 1rem; overflow-wrap: anywhere }
h1 { line-height: 1.15 }
caption { font-weight: bold; text-align: left }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #b1b4b6; padding: .5rem; text-align: left; vertical-align: top }
section { border-left: .4rem solid #b1b4b6; margin: 1.5rem 0; padding-left: 1rem }
section.error { border-color: #d4351c }
pre { white-space: pre-wrap }
</style>
</head>
<body>
<main>
<h1>What would hurt citizens</h1>
<p><strong>${escapeHtml(lead)}</strong> ${escapeHtml(`${report.rules} rules looked at ${plural(report.checked.length, 'file')}.`)}</p>
<table><caption>The twelve questions</caption><tbody>
${rows.join('\n')}
</tbody></table>
<h2>Findings</h2>
${open.slice(0, 500).map(findingHtml).join('\n')}${open.length > 500 ? `\n<p>${escapeHtml(plural(open.length - 500, 'further finding'))} are in the JSON report.</p>` : ''}
${claimsHtml(report)}</main>
</body>
</html>
`
}

function claimsHtml(report: Report): string {
  if (report.claims.length === 0) return ''
  const rows = report.claims.map(
    ({ rule, ref, owner, digest, evidence }) =>
      `<tr><td>${escapeHtml(rule)}</td><td>${escapeHtml(ref)}</td><td>${escapeHtml(owner)}</td><td><code>${escapeHtml(digest)}</code></td><td>${escapeHtml(evidence)}</td></tr>`,
  )
  return `<h2>Claimed, not seen</h2>
<table><thead><tr><th scope="col">Question</th><th scope="col">What was vouched for</th><th scope="col">By</th><th scope="col">Digest</th><th scope="col">Evidence</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table>
`
}

/** Silence is no answer: a question that nothing here was judged by is said to be open. */
function answerOf(about: readonly Finding[], passed: number): string {
  const failed = about.filter((finding) => finding.verdict === 'fail')
  const errors = failed.filter((finding) => finding.severity === 'error').length
  const unsettled = about.length - failed.length
  const parts = [
    errors > 0 ? `No: ${plural(errors, 'error')}` : '',
    failed.length > errors ? plural(failed.length - errors, 'warning or note', 'warnings or notes') : '',
    unsettled > 0 ? `${unsettled} cannot be told from the files` : '',
  ]
  if (parts.some(Boolean)) return parts.filter(Boolean).join('; ')
  return passed > 0 ? `Nothing found; ${plural(passed, 'check')} passed` : 'Open: no file that was checked shows it'
}

function findingHtml(finding: Finding): string {
  const sum = finding.arithmetic ? `<pre>${escapeHtml(finding.arithmetic)}</pre>` : ''
  const way = finding.verdict === 'fail' ? `What to do: ${finding.fix}` : `To settle it: ${finding.needs ?? ''}`
  return `<section class="${finding.severity}"><h3>${escapeHtml(finding.says)}</h3>
<p>Citizens: ${escapeHtml(finding.harm)}</p>${sum}
<p>${escapeHtml(way)}</p>
<p><code>${escapeHtml(`${finding.file}:${finding.line}`)}</code>, ${escapeHtml(finding.severity)}, ${escapeHtml(finding.rule)}</p></section>`
}
