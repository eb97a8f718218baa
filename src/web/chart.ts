/**
 * The evidence as a picture: odds on a log scale with the line at which the release is taken back, and below it the share of
 * citizens on the new release, each with an axis of its own. Drawn twice, for wide and narrow screens, so that its words stay
 * readable; the table holds the same points. No inline style: the style sheet gives the colours, shapes carry the meaning.
 */
import type { Instant } from '../core/time.ts'
import { countOf, percentOf } from '../core/words.ts'
import { type Html, html, type Part } from './html.ts'
import { clockText, clockTime } from './moment.ts'
import { details, wideTable } from './parts.ts'

export interface ChartPoint {
  readonly at: Instant
  /** n : 1. */
  readonly odds: number
  /** Share, 0 to 1. */
  readonly weight: number
}

const ROWS_MAX = 40
/** Below this the evidence says nothing either way, so the picture ends. */
const FLOOR = 0.1
const CEILING = 1e12

export function evidenceChart(points: readonly ChartPoint[], threshold: number, release: string): Html {
  if (points.length < 2) return html`<p class="govuk-body">The picture begins with the first citizens.</p>`
  const says = summaryOf(points, threshold, release)
  const rows = thinned(points, ROWS_MAX)
  const left = points.length - rows.length
  return html`<figure class="hf-chart">
${drawing(points, threshold, says, WIDE)}
${drawing(points, threshold, says, NARROW)}
<figcaption class="govuk-body-s hf-chart__caption">${says}</figcaption>
</figure>
${details({
  id: 'chart-table',
  summary: 'The same as a table',
  body: wideTable({
    label: 'Evidence and share of citizens over time',
    caption: left > 0 ? `${rows.length} of ${points.length} points, evenly chosen` : `${points.length} points`,
    head: [
      { text: 'Time' },
      { text: 'Evidence that it is worse', numeric: true },
      { text: 'New sessions on it', numeric: true },
    ],
    rows: rows.map(({ at, odds, weight }) => [clockTime(at), `${oddsText(odds)} : 1`, percentOf(weight)]),
  }),
})}`
}

/** "1,240", "3.2", "less than 0.1". */
export function oddsText(odds: number): string {
  if (odds >= CEILING) return 'over 1,000,000,000,000'
  if (odds >= 10) return countOf(Math.floor(odds))
  return odds < FLOOR ? 'less than 0.1' : String(Number(odds.toFixed(1)))
}

interface Size {
  readonly name: 'wide' | 'narrow'
  readonly width: number
  readonly height: number
  readonly left: number
  readonly letter: number
  readonly times: number
}

const WIDE: Size = { name: 'wide', width: 880, height: 330, left: 92, letter: 16, times: 5 }
const NARROW: Size = { name: 'narrow', width: 320, height: 330, left: 70, letter: 14, times: 2 }
const RIGHT = 12
const TOP = 26
/** The share's own panel, from the bottom: time labels, panel, gap. */
const TIMES = 24
const PANEL = 54
const GAP = 34

function drawing(points: readonly ChartPoint[], threshold: number, says: string, size: Size): Html {
  const { width, height, left, letter } = size
  const bottom = height - TIMES - PANEL - GAP
  const top = Math.min(CEILING, 10 ** Math.ceil(Math.log10(Math.max(threshold * 3, ...points.map(({ odds }) => odds)))))
  const from = points[0]!.at
  const to = points[points.length - 1]!.at
  const x = (at: Instant) => left + ((at - from) / Math.max(1, to - from)) * (width - left - RIGHT)
  const span = Math.log10(top / FLOOR)
  const y = (odds: number) => bottom - (Math.log10(clamp(odds) / FLOOR) / span) * (bottom - TOP)
  const share = (weight: number) => height - TIMES - weight * PANEL
  const clamp = (odds: number) => Math.min(top, Math.max(FLOOR, odds))
  const line = points.map(({ at, odds }) => `${fixed(x(at))},${fixed(y(odds))}`).join(' ')
  const limit = y(threshold)
  return html`<svg class="hf-chart__${size.name}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${says}" focusable="false">
<text class="hf-chart__label" x="${left}" y="${letter - 2}" font-size="${letter}">Evidence that it is worse (n : 1)</text>
${powers(top).map(
  (
    power,
  ) => html`<line class="hf-chart__grid" x1="${left}" x2="${width - RIGHT}" y1="${fixed(y(power))}" y2="${fixed(y(power))}"/>
<text class="hf-chart__label" x="${left - 8}" y="${fixed(y(power) + letter / 3)}" font-size="${letter}" text-anchor="end">${powerText(power)}</text>`,
)}
<line class="hf-chart__limit" x1="${left}" x2="${width - RIGHT}" y1="${fixed(limit)}" y2="${fixed(limit)}"/>
<text class="hf-chart__limit-label" x="${left + 6}" y="${fixed(limit - 6)}" font-size="${letter}">taken back at ${countOf(threshold)} : 1</text>
<polyline class="hf-chart__line" points="${line}"/>
<circle class="hf-chart__now" cx="${fixed(x(to))}" cy="${fixed(y(points[points.length - 1]!.odds))}" r="5"/>
<text class="hf-chart__label" x="${left}" y="${height - TIMES - PANEL - 8}" font-size="${letter}">Share of new sessions on it</text>
<line class="hf-chart__grid" x1="${left}" x2="${width - RIGHT}" y1="${share(1)}" y2="${share(1)}"/>
<line class="hf-chart__axis" x1="${left}" x2="${width - RIGHT}" y1="${share(0)}" y2="${share(0)}"/>
<text class="hf-chart__label" x="${left - 8}" y="${share(1) + letter / 2}" font-size="${letter}" text-anchor="end">100 %</text>
<text class="hf-chart__label" x="${left - 8}" y="${share(0)}" font-size="${letter}" text-anchor="end">0 %</text>
<path class="hf-chart__share" d="${steps(points, x, share)}"/>
${timeLabels(from, to, size.times, x, height, letter)}
</svg>`
}

/** A share holds until it is changed, so its line is a staircase. */
function steps(points: readonly ChartPoint[], x: (at: Instant) => number, share: (weight: number) => number): string {
  let path = `M${fixed(x(points[0]!.at))} ${fixed(share(0))}`
  for (const { at, weight } of points) path += `H${fixed(x(at))}V${fixed(share(weight))}`
  return `${path}V${fixed(share(0))}Z`
}

function timeLabels(
  from: Instant,
  to: Instant,
  n: number,
  x: (at: Instant) => number,
  height: number,
  letter: number,
): Part {
  return Array.from({ length: n }, (_, i) => {
    const at = from + ((to - from) * i) / (n - 1)
    const anchor = i === 0 ? 'start' : i === n - 1 ? 'end' : 'middle'
    return html`<text class="hf-chart__label" x="${fixed(x(at))}" y="${height - 4}" font-size="${letter}" text-anchor="${anchor}">${clockText(at)}</text>`
  })
}

/** Labelled powers of ten: all, or every second, third… when there are many. */
function powers(top: number): number[] {
  const all = Math.round(Math.log10(top / FLOOR))
  const each = Math.ceil(all / 5)
  const shown: number[] = []
  for (let exponent = 0; 10 ** exponent <= top * 1.001; exponent += each) shown.push(10 ** exponent)
  return [FLOOR, ...shown]
}

function powerText(power: number): string {
  if (power < 1) return `≤ ${power}`
  if (power < 1e6) return countOf(power)
  return power < 1e9 ? `${countOf(power / 1e6)} m` : `${countOf(power / 1e9)} bn`
}

function summaryOf(points: readonly ChartPoint[], threshold: number, release: string): string {
  const last = points[points.length - 1]!
  const highest = Math.max(...points.map(({ odds }) => odds))
  const span = `From ${clockText(points[0]!.at)} to ${clockText(last.at)}`
  const limit = `it is taken back at ${countOf(threshold)} : 1.`
  if (highest < 2) return `${span}: no evidence against release ${release}; ${limit}`
  const now = `evidence that release ${release} is worse was last ${oddsText(last.odds)} : 1`
  const peak = highest > last.odds * 1.05 ? `, at most ${oddsText(highest)} : 1` : ''
  return `${span}: ${now}${peak}; ${limit}`
}

function thinned(points: readonly ChartPoint[], max: number): readonly ChartPoint[] {
  if (points.length <= max) return points
  return Array.from({ length: max }, (_, i) => points[Math.round((i * (points.length - 1)) / (max - 1))]!)
}

function fixed(n: number): string {
  return String(Math.round(n * 10) / 10)
}
