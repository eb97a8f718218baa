/** A readiness as text for a terminal and as one page for a meeting. */
import { escapeHtml } from '../../words.ts'
import type { Box } from './box.ts'
import type { Readiness } from './readiness.ts'

const WORD = { yes: 'yes', no: 'NO', person: 'needs a person' } as const

export function readinessText(readiness: Readiness): string {
  const { groups, answers, yes, no, person } = readiness
  return [
    `${title(readiness)}\n${yes} yes, ${no} no, ${person} that only people can tell.`,
    ...groups.map((group) => [group.title, ...group.boxes.flatMap(boxLines)].join('\n')),
    'Reflection questions',
    ...answers.map(({ question, answer, says }) => `${question}\n  ${answer}. ${says}`),
  ].join('\n\n')
}

function boxLines(box: Box): readonly string[] {
  const mark = box.state === 'yes' ? 'x' : ' '
  return [
    `  [${mark}] ${box.says}: ${WORD[box.state]}`,
    `      ${box.because}${box.evidence.length > 0 ? `  ${box.evidence.join(', ')}` : ''}`,
  ]
}

function title({ service }: Readiness): string {
  return service ? `Is "${service}" ready?` : 'Is this service ready?'
}

export function readinessHtml(readiness: Readiness): string {
  const { groups, answers, yes, no, person } = readiness
  const row = (box: Box) =>
    `<tr class="${box.state}"><th scope="row">${escapeHtml(box.says)}</th><td>${escapeHtml(WORD[box.state].toLowerCase())}</td><td>${escapeHtml(box.because)}${box.evidence.map((place) => ` <code>${escapeHtml(place)}</code>`).join('')}</td></tr>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title(readiness))}</title>
<style>
body { font: 1.1rem/1.5 arial, sans-serif; color: #0b0c0c; margin: 0 auto; max-width: 60rem; padding: 1rem }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
caption { font-size: 1.3rem; font-weight: bold; text-align: left; padding: .5rem 0 }
th, td { border-bottom: 1px solid #b1b4b6; padding: .5rem; text-align: left; vertical-align: top }
th[scope=row] { font-weight: normal; width: 40% }
tr.no td:nth-child(2) { color: #942514; font-weight: bold }
code { overflow-wrap: anywhere }
</style>
</head>
<body>
<main>
<h1>${escapeHtml(title(readiness))}</h1>
<p><strong>${yes} yes, ${no} no, ${person} that only people can tell.</strong> From the files of the repository, not from promises.</p>
${groups.map((group) => `<table><caption>${escapeHtml(group.title)}</caption><thead><tr><th scope="col">Checkpoint</th><th scope="col">Answer</th><th scope="col">Evidence or gap</th></tr></thead><tbody>\n${group.boxes.map(row).join('\n')}\n</tbody></table>`).join('\n')}
<h2>Reflection questions</h2>
<dl>
${answers.map(({ question, answer, says }) => `<dt><strong>${escapeHtml(question)}</strong></dt><dd>${escapeHtml(`${answer[0]!.toUpperCase()}${answer.slice(1)}. ${says}`)}</dd>`).join('\n')}
</dl>
</main>
</body>
</html>
`
}
