/** Specs as Kiro reads them: tasks by its own pattern, requirements and their criteria, and the graph of waves. */
import type { Source, Spot } from '../formats/node.ts'

export interface Task {
  readonly id: string
  readonly title: string
  readonly at: Spot
  readonly indent: number
  readonly optional: boolean
  readonly done: boolean
  /** The lines below it, up to the next task. */
  readonly body: string
  readonly bullets: number
  /** Requirement ids from `_Requirements: 1.1, 2.3_`. */
  readonly requirements: readonly string[]
  readonly leaf: boolean
}

/** Kiro's own pattern for a task (IDE 1.x). */
const TASK = /^(\s*)([-*+])\s+\[([ xX\-~])\](\\?\*?)\s+(.+)$/

export function tasksOf(src: Source): readonly Task[] {
  const lines = src.text.split('\n', 20_000)
  const heads = lines.flatMap((line, index) => {
    const match = TASK.exec(line.replace(/\r$/, ''))
    return match ? [{ match, index }] : []
  })
  const drafts = heads.map(({ match, index }, nth) => {
    const end = heads[nth + 1]?.index ?? lines.length
    const rest = lines.slice(index + 1, end)
    // A heading ends the task, too.
    const stop = rest.findIndex((line) => /^#/.test(line))
    const body = (stop < 0 ? rest : rest.slice(0, stop)).join('\n')
    const numbered = /^(\d+(?:\.\d+)*)\.?\s+(.*)$/.exec(match[5]!)
    return {
      id: numbered?.[1] ?? '',
      title: (numbered?.[2] ?? match[5]!).trim(),
      at: { file: src.file, line: index + 1, col: 1 },
      indent: match[1]!.length,
      optional: match[4]!.includes('*'),
      done: /[xX]/.test(match[3]!),
      body,
      bullets: body.match(/^\s*[-*+]\s+\S/gm)?.length ?? 0,
      requirements: [...body.matchAll(/_Requirements?:\s*([\d.,\s]+)_?/gi)].flatMap(
        (found) => found[1]!.match(/\d+(?:\.\d+)*/g) ?? [],
      ),
    }
  })
  return drafts.map((draft, nth) => {
    const next = drafts[nth + 1]
    const parent =
      next !== undefined && (next.indent > draft.indent || (draft.id !== '' && next.id.startsWith(`${draft.id}.`)))
    return { ...draft, leaf: !parent }
  })
}

export interface Criterion {
  /** `N.M`. */
  readonly id: string
  readonly text: string
  readonly at: Spot
}

/** The acceptance criteria of a requirements file, numbered under their requirement. */
export function criteriaOf(src: Source): readonly Criterion[] {
  const found: Criterion[] = []
  let requirement = ''
  let inside = false
  for (const [index, line] of src.text.split('\n', 20_000).entries()) {
    const head = /^#{2,4}\s+Requirement\s+(\d+)/i.exec(line)
    if (head) {
      requirement = head[1]!
      inside = false
    } else if (/^#{2,6}\s+Acceptance Criteria/i.test(line)) inside = true
    else if (/^#{1,4}\s/.test(line)) inside = false
    const item = inside && requirement ? /^\s*(\d+)\.\s+(.+)$/.exec(line) : null
    if (item)
      found.push({ id: `${requirement}.${item[1]}`, text: item[2]!, at: { file: src.file, line: index + 1, col: 1 } })
  }
  return found
}

/** Task ids of `## Task Dependency Graph`, and whether the block parses; undefined without one. */
export function wavesOf(src: Source): { readonly ids: readonly string[] | undefined; readonly at: Spot } | undefined {
  const head = /^##\s+Task Dependency Graph[^\n]*$/im.exec(src.text)
  if (!head) return undefined
  const at = { file: src.file, ...src.lines.placeOf(head.index) }
  const block = /```(?:json)?\s*\n([\s\S]{0,20000}?)\n```/.exec(src.text.slice(head.index))
  try {
    const value: unknown = JSON.parse(block?.[1] ?? '')
    const waves = (value as { waves?: unknown }).waves
    if (!Array.isArray(waves)) return { ids: undefined, at }
    return { ids: waves.flat(2).map(String), at }
  } catch {
    return { ids: undefined, at }
  }
}

/**
 * Minutes that a task takes, as a first guess to calibrate: 15, and 10 for each file it names, 10 for each further verb, 5 for
 * each bullet below it.
 */
export function minutesOf(task: Task): { readonly minutes: number; readonly sum: string } {
  const words = `${task.title}\n${task.body.replace(/_Requirements?:[^\n]*/gi, '').replace(/Done when:[^\n]*/gi, '')}`
  const files = new Set(words.match(/[\w./-]+\.(?:ts|js|tsx|py|rb|java|go|ya?ml|json|tf|md|sql|sh)\b/g) ?? []).size
  const verbs = (
    task.title.match(
      /\b(?:add|build|check|configure|create|define|deploy|document|implement|measure|migrate|move|rehearse|remove|replace|run|set|test|verify|wire|write)\b/gi,
    ) ?? []
  ).length
  const bullets = Math.max(
    0,
    task.bullets - (/_Requirements?:/i.test(task.body) ? 1 : 0) - (/done when:/i.test(task.body) ? 1 : 0),
  )
  const minutes = 15 + 10 * files + 10 * Math.max(0, verbs - 1) + 5 * bullets
  return {
    minutes,
    sum: `15 + 10 × ${files} files + 10 × ${Math.max(0, verbs - 1)} further verbs + 5 × ${bullets} bullets = ${minutes} min`,
  }
}
