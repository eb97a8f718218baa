/** What runs, as it was seen or told: the one list that questions, draft and gaps go by. */
import { type Answers, fits, idOf, partsOf, TAKES } from './answers.ts'
import { type Sight, UNKNOWN_KIND } from './sight.ts'

export interface Component {
  readonly id: string
  /** Undefined while nobody has said what it is. */
  readonly kind?: string
  /** Where it was seen; absent when people told. */
  readonly at?: Sight
  /** True when the kind was told and not seen. */
  readonly told: boolean
}

export function componentsOf(sights: readonly Sight[], answers: Answers): readonly Component[] {
  const seen = sights.filter((sight) => sight.what === 'component')
  const ids = [...new Set(seen.map((sight) => idOf(sight.of ?? '')))]
  if (ids.length === 0) return toldComponents(answers)
  return ids.map((id): Component => {
    const own = seen.filter((sight) => idOf(sight.of ?? '') === id)
    const shown = own.find((sight) => sight.value !== UNKNOWN_KIND)
    if (shown) return { id, kind: shown.value, at: shown, told: false }
    const answer = answers[`component.${id}.kind`]
    return { id, ...(fits(TAKES.kind, answer) ? { kind: answer!.trim() } : {}), at: own[0]!, told: true }
  })
}

function toldComponents(answers: Answers): readonly Component[] {
  const answer = answers['runtime.components']
  if (!fits(TAKES.components, answer)) return []
  const told = new Map(partsOf(answer).map((part) => part.split(/\s+/) as [string, string]))
  return [...told].map(([id, kind]) => ({ id, kind, told: true }))
}

/** What was seen of a component, or of whatever runs. */
export function seenOf(sights: readonly Sight[], what: Sight['what'], id: string): Sight | undefined {
  const all = sights.filter((sight) => sight.what === what)
  return (
    all.find((sight) => sight.of !== undefined && idOf(sight.of) === id) ?? all.find((sight) => sight.of === undefined)
  )
}

/** Other systems that packages and containers show. A queue of the cloud's own fails with the cloud. */
export function dependenciesIn(sights: readonly Sight[]): readonly Sight[] {
  const found = sights.filter(
    (sight) => sight.what === 'dependency' || (sight.what === 'queue' && sight.value !== 'sqs'),
  )
  return found.filter((sight, i) => found.findIndex((each) => each.value === sight.value) === i)
}

/** Platforms that were seen, each once. */
export function platformsIn(sights: readonly Sight[]): readonly Sight[] {
  const found = sights.filter((sight) => sight.what === 'platform')
  return found.filter((sight, i) => found.findIndex((each) => each.value === sight.value) === i)
}

/** Where something was seen, for people. A file may be called anything: what stands here stays on its line. */
export function seenAt(sight: Sight): string {
  return `seen in ${placeOf(sight)}${sight.soft ? ', a default that a deployment may replace' : ''}`
}

/** File and line, on one line. */
export function placeOf({ file, line }: Pick<Sight, 'file' | 'line'>): string {
  return `${file.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ')}:${line}`
}
