/** What the demo tells, chapter by chapter. Every number in it was measured a moment before. */
import type { DeploymentState } from '../core/deploy/deployment.ts'
import { durationOf } from '../core/time.ts'
import { percentOf, plural } from '../core/words.ts'
import type { Met } from '../load/met.ts'

export interface Chapter {
  readonly release: string
  readonly title: string
  readonly expect: 'promoted' | 'rolled-back' | 'refused' | 'not-begun'
}

export const CHAPTERS: readonly Chapter[] = [
  {
    release: 'r2',
    title: 'Release r2 is good: it asks for a phone number, and widens the schema first',
    expect: 'promoted',
  },
  {
    release: 'r3',
    title: 'Release r3 fails one submission in five: it cannot read building society roll numbers',
    expect: 'rolled-back',
  },
  { release: 'r4', title: 'Release r4 is slow: whoever submits waits for a batch of letters', expect: 'rolled-back' },
  { release: 'r5', title: 'Release r5 does not start: a setting is missing', expect: 'refused' },
  { release: 'r6', title: 'Release r6 drops a column that the running release still uses', expect: 'not-begun' },
]

export interface Told {
  readonly release: string
  readonly expected: string
  readonly came: string
  readonly sessions: number
  readonly harmed: number
  readonly detectMs: number | null
  readonly actMs: number | null
  readonly failedByDeployment: number
  readonly seconds: number
  readonly why: string
}

export function toldOf(chapter: Chapter, state: DeploymentState, met: Met, failedByCrowd: number): Told {
  const { measured, phase } = state
  const { decidedAt, lastRequestAt, appliedAt, startedAt, endedAt } = measured
  const wasTakenBack = phase.name === 'rolled-back'
  return {
    release: chapter.release,
    expected: chapter.expect,
    came: phase.name,
    sessions: met.sessions.size,
    harmed: met.harmed.size,
    detectMs:
      wasTakenBack && decidedAt && measured.firstFailedAt ? Math.max(0, decidedAt - measured.firstFailedAt) : null,
    actMs: wasTakenBack && decidedAt ? Math.max(0, (lastRequestAt ?? appliedAt ?? decidedAt) - decidedAt) : null,
    // The same failures seen from two sides: by the gateway, and by the citizens.
    failedByDeployment: Math.max(measured.failedByUs, failedByCrowd),
    seconds: ((endedAt ?? startedAt) - startedAt) / 1_000,
    why: state.lastWhy,
  }
}

/** Lines a person reads after a chapter. */
export function chapterLines(told: Told): string[] {
  const lines = [told.why]
  if (told.sessions > 0) {
    lines.push(`${plural(told.sessions, 'citizen session')} met ${told.release}; ${told.harmed} were harmed.`)
  } else lines.push(`No citizen met ${told.release}.`)
  if (told.detectMs !== null) lines.push(`First bad answer to decision: ${durationOf(told.detectMs)}.`)
  if (told.actMs !== null) lines.push(`Decision to the last request on ${told.release}: ${durationOf(told.actMs)}.`)
  lines.push(`Requests failed by the deployment itself: ${told.failedByDeployment}.`)
  return lines
}

/** One line while citizens move: the weight as a bar, and the verdict's sentence. */
export function weightLine(state: DeploymentState): string {
  const weight = state.steering?.weight ?? 0
  const filled = Math.round(weight * 20)
  return `${'█'.repeat(filled)}${'░'.repeat(20 - filled)} ${percentOf(weight).padStart(5)}  ${state.lastWhy}`
}

/** The closing table, as plain text. */
export function summaryTable(rows: readonly Told[]): string {
  const cells = [
    ['release', 'came out', 'sessions', 'harmed', 'detect', 'act', 'failed by deployment', 'took'],
    ...rows.map((row) => [
      row.release,
      row.came,
      String(row.sessions),
      String(row.harmed),
      row.detectMs === null ? '–' : durationOf(row.detectMs),
      row.actMs === null ? '–' : durationOf(row.actMs),
      String(row.failedByDeployment),
      `${row.seconds.toFixed(1)} s`,
    ]),
  ]
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}
