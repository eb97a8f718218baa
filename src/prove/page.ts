/** The evidence pack as one page: for reading and for printing, with nothing loaded from anywhere. */
import { type Claim, NOT_CLAIMED, type Verdict } from '../core/prove/claims.ts'
import type { Story, Told } from '../core/prove/story.ts'
import { type Instant, isoOf } from '../core/time.ts'
import { escapeHtml, plural } from '../core/words.ts'

export interface PackPage {
  readonly story: Story
  readonly claims: readonly Claim[]
  readonly root: string
  readonly size: number
  readonly madeAt: Instant
  readonly key: string
}

const ORDER: readonly Verdict[] = ['contradicted', 'not proven', 'proven', 'not applicable']

export function packPage(pack: PackPage): string {
  const { story, claims, root, size, madeAt, key } = pack
  const release = String(story.entries[0]?.data?.release ?? '')
  const title = `Evidence for deployment ${story.deployment}`
  return `<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${CSS}</style>
</head>
<body>
<a class="skip" href="#main">Skip to main content</a>
<header><div class="width">Holdfast <span>evidence</span></div></header>
<main id="main" class="width">
<h1>${escapeHtml(title)}</h1>
<p class="lede">${escapeHtml(summaryOf(claims))}</p>
<dl>
${term('Service', escapeHtml(story.service))}
${term('Release', escapeHtml(release || 'see the log'))}
${term('From', story.entries[0] ? time(story.entries[0].at) : 'nothing')}
${term('To', story.entries.length > 0 ? time(story.entries.at(-1)!.at) : 'nothing')}
${term('Incidents', story.incidents.length === 0 ? 'none' : escapeHtml(story.incidents.join(', ')))}
${term('This page was made', time(madeAt))}
</dl>
<h2 id="claims">What is claimed</h2>
<p>Each claim rests on entries of the log below. Without them it is not proven.</p>
${ORDER.map((verdict) => claimsWith(verdict, claims)).join('')}
<h2 id="not-claimed">What this cannot show</h2>
<ul>${NOT_CLAIMED.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>
<h2 id="story">What happened</h2>
<p>Times are London time with its distance from UTC, and UTC below.</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="story"><table>
<thead><tr><th scope="col">Entry</th><th scope="col">When</th><th scope="col">Who</th><th scope="col">What and why</th></tr></thead>
<tbody>
${story.entries.map(rowOf).join('\n')}
</tbody></table></div>
<h2 id="check">How to check it</h2>
<p>The log had ${plural(size, 'entry', 'entries')} when this page was made. Its root was:</p>
<p class="code">${root}</p>
<p>It is signed with the key below. Compare it with the key that you were given on another way. VERIFY.md says how to check everything, with our tool or with any other.</p>
<p class="code">${escapeHtml(key)}</p>
</main>
</body>
</html>
`
}

function summaryOf(claims: readonly Claim[]): string {
  const count = (verdict: Verdict) => claims.filter((claim) => claim.verdict === verdict).length
  const asked = claims.length - count('not applicable')
  const rest = [
    count('contradicted') > 0 ? `${count('contradicted')} contradicted by the log` : '',
    count('not proven') > 0 ? `${count('not proven')} not proven` : '',
  ].filter(Boolean)
  return `${count('proven')} of the ${asked} claims that apply to this deployment are proven${rest.length > 0 ? `; ${rest.join(' and ')}` : ''}.`
}

function claimsWith(verdict: Verdict, claims: readonly Claim[]): string {
  const mine = claims.filter((claim) => claim.verdict === verdict)
  const items = mine.map(
    ({ id, says, because, evidence, check }) => `<article id="claim-${escapeHtml(id)}">
<h3><strong class="tag ${verdict.replace(' ', '-')}">${verdict}</strong> ${escapeHtml(says)}</h3>
<p>${escapeHtml(because)}</p>
<p class="small">Entries: ${evidence.length === 0 ? 'none' : evidence.map(({ index }) => `<a href="#entry-${index}">${index}</a>`).join(', ')}. To check: ${escapeHtml(check)}</p>
</article>`,
  )
  return items.join('\n')
}

function rowOf(entry: Told): string {
  const { index, at, kind, who, why, data } = entry
  const words = why === null ? '<em>The words were deleted. The hash still stands.</em>' : escapeHtml(why)
  const details =
    data === null || Object.keys(data).length === 0
      ? ''
      : `<details><summary>Figures</summary><pre>${escapeHtml(JSON.stringify(data, null, 1))}</pre></details>`
  return `<tr id="entry-${index}"><th scope="row">${index}</th><td>${time(at)}</td><td>${escapeHtml(who ?? '')}</td><td>${words}<br><span class="small">${escapeHtml(kind)}</span>${details}</td></tr>`
}

function term(name: string, html: string): string {
  return `<div><dt>${name}</dt><dd>${html}</dd></div>`
}

const wall = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'longOffset',
})

function time(at: Instant): string {
  // longOffset says "GMT" in winter and "GMT+01:00" in summer: the offset is written out in both.
  const said = wall
    .format(at)
    .replace(/GMT(?!\+|-)/, 'UTC+00:00')
    .replace('GMT+', 'UTC+')
  return `<time datetime="${isoOf(at)}">${said}<br><span class="small">${isoOf(at)}</span></time>`
}

const CSS = `
*{box-sizing:border-box}body{margin:0;font:1.1875rem/1.4 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;color:#0b0c0c;background:#fff}
.width{max-width:60rem;margin:0 auto;padding:0 15px}header{background:#1d70b8;color:#fff;font-weight:700;padding:12px 0;font-size:1.5rem}header span{font-weight:400}
main{padding-bottom:60px}h1{font-size:2.25rem;line-height:1.15;margin:40px 0 20px;overflow-wrap:anywhere}h2{font-size:1.6875rem;margin:40px 0 15px}h3{font-size:1.1875rem;margin:0 0 8px}
.lede{font-size:1.5rem;border-left:10px solid #b1b4b6;padding:10px 15px;margin:20px 0}
dl{margin:0}dl div{display:flex;flex-wrap:wrap;border-bottom:1px solid #b1b4b6;padding:10px 0}dt{font-weight:700;width:30%;min-width:9rem}dd{margin:0;overflow-wrap:anywhere}
article{border-bottom:1px solid #b1b4b6;padding:15px 0}article p{margin:6px 0}.small{font-size:1rem;color:#484949}
.tag{display:inline-block;padding:2px 8px;margin-right:6px;font-weight:400}.tag.proven{background:#cfe4dc;color:#083d29}.tag.not-proven{background:#fbe1cb;color:#6e3619}.tag.contradicted{background:#f4d7d7;color:#651b1b}.tag.not-applicable{background:#eeefef;color:#282d30}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;min-width:36rem}th,td{text-align:left;vertical-align:top;padding:10px 15px 10px 0;border-bottom:1px solid #b1b4b6}
td time{white-space:nowrap}pre,.code{font:1rem/1.4 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere;white-space:pre-wrap}.code{background:#f4f8fb;padding:10px}
a{color:#1a65a6}a:focus,summary:focus,.scroll:focus{outline:3px solid #fd0;outline-offset:0;box-shadow:0 0 0 5px #0b0c0c}
tr:target,article:target{background:#f4f8fb}.skip{position:absolute;left:-999px}.skip:focus{left:0;top:0;background:#fd0;color:#0b0c0c;padding:10px}
@media print{header{background:none;color:#0b0c0c}body{font-size:11pt}article,tr{break-inside:avoid}.scroll{overflow:visible}table{min-width:0}a{color:inherit}.skip{display:none}}
`
