/**
 * When the definition in the tree closes releases: its peaks and the hours it allows, by day and wall time of the service. Read from
 * the nodes of service.yaml, so that a definition with a slip elsewhere still counts; `holdfast define` judges the definition itself.
 */
import { BANK_HOLIDAYS } from '../../define/bank-holidays.ts'
import { type Day, dayOf, fallsOn, parseRecurrence, shifted, textOf } from '../../define/recurrence.ts'
import { child, flag, items, type Node, num, spotOf, text } from '../formats/node.ts'
import { linesOf } from '../formats/position.ts'
import { readYaml } from '../formats/yaml.ts'
import type { World } from '../world.ts'

const MINUTES_A_DAY = 1_440
/** As the schema has it: a peak may reach at most so many days before and after. */
const WIDE_DAYS_MAX = 60

export interface Closed {
  readonly why: string
  readonly file: string
  readonly line: number
}

export interface Peaks {
  readonly file: string
  readonly zone: string
  /** What closes releases at a wall time; undefined when it is open. `minute` counts from midnight. */
  closed(day: Day, minute: number): Closed | undefined
  /** Peaks that have no day here: an event, a calendar in another file. */
  readonly unknown: readonly string[]
}

/** Undefined without a definition, and when it says neither peaks nor hours. */
export function peaksOf(world: World): Peaks | undefined {
  const file = world.tree.files.find(({ path }) => path === 'service.yaml') ?? onlyOne(world)
  if (!file) return undefined
  const [root] = readYaml({ file: file.path, text: file.text, lines: linesOf(file.text) }).documents
  const deny = new Set(items(child(root, 'deployment', 'windows', 'deny')).map((item) => text(item)))
  const calendars = items(child(root, 'calendars'))
  const unknown: string[] = []
  const spans = (node: Node) => {
    const days = daysOf(node, calendars)
    if (!days) unknown.push(text(child(node, 'id')) ?? 'a peak')
    return days ? [{ node, holds: spanOf(node, days) }] : []
  }
  const peaks = items(child(root, 'peaks'))
    .filter((peak) => flag(child(peak, 'freeze')) !== false || deny.has(text(child(peak, 'id'))))
    .flatMap(spans)
  const allowed = items(child(root, 'deployment', 'windows', 'allow'))
  const windows = allowed.flatMap(spans)
  if (peaks.length + allowed.length === 0) return undefined
  return {
    file: file.path,
    zone: text(child(root, 'service', 'timezone')) ?? 'Europe/London',
    unknown,
    closed(day, minute) {
      const peak = peaks.find(({ holds }) => holds(day, minute))
      if (peak) {
        const name = text(child(peak.node, 'name')) ?? (text(child(peak.node, 'id')) ?? 'a peak').replaceAll('-', ' ')
        return { why: `during ${name}`, file: file.path, line: spotOf(peak.node).line }
      }
      // A window that nobody can place may be the one that is open.
      if (allowed.length === 0 || windows.length < allowed.length) return undefined
      if (windows.some(({ holds }) => holds(day, minute))) return undefined
      return { why: 'outside of the hours for releases', file: file.path, line: spotOf(allowed[0]!).line }
    },
  }
}

function onlyOne(world: World) {
  const all = world.tree.files.filter(({ path }) => /(^|\/)service\.yaml$/.test(path))
  return all.length === 1 ? all[0] : undefined
}

type Falls = (day: Day) => boolean

/** Which days it falls on; undefined when nobody can tell from the file. */
function daysOf(node: Node, calendars: readonly Node[]): Falls | undefined {
  const rule = text(child(node, 'rrule'))
  if (rule !== undefined) {
    const read = parseRecurrence(rule)
    return 'problem' in read ? undefined : (day) => fallsOn(read, day)
  }
  const calendar = text(child(node, 'calendar'))
  const listed = calendar === undefined ? datesOf(node) : datesOfCalendar(calendar, calendars)
  if (listed.length === 0) return undefined
  const days = new Set(listed)
  return (day) => days.has(textOf(day))
}

function datesOf(node: Node | undefined): readonly string[] {
  return items(child(node, 'dates')).flatMap((item) => {
    const written = text(item) ?? ''
    return dayOf(written) ? [written] : []
  })
}

function datesOfCalendar(id: string, calendars: readonly Node[]): readonly string[] {
  const calendar = calendars.find((each) => text(child(each, 'id')) === id)
  const divisions = items(child(calendar, 'divisions')).map((item) => text(item) ?? '')
  if (!calendar && id === 'bank-holidays') divisions.push('england-and-wales')
  const holidays = divisions.flatMap((name) =>
    Object.hasOwn(BANK_HOLIDAYS, name) ? BANK_HOLIDAYS[name as keyof typeof BANK_HOLIDAYS] : [],
  )
  return [...datesOf(calendar), ...holidays]
}

/** The same spans as src/core/define/calendar.ts, in wall minutes: a peak lasts from its first day's start to its last day's end. */
function spanOf(node: Node, falls: Falls): (day: Day, minute: number) => boolean {
  const wide = (key: string) => Math.min(WIDE_DAYS_MAX, Math.max(0, num(child(node, key)) ?? 0))
  const [before, after] = [wide('daysBefore'), wide('daysAfter')]
  const local = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/
    .exec(text(child(node, 'local')) ?? '')
    ?.slice(1)
    .map(Number)
  const from = /^(\d\d):(\d\d)$/
    .exec(text(child(node, 'from')) ?? '')
    ?.slice(1)
    .map(Number)
  const start = local ? local[0]! * 60 + local[1]! : 0
  const ends = local ? local[2]! * 60 + local[3]! : MINUTES_A_DAY
  const end = ends > start || !local ? ends : ends + MINUTES_A_DAY
  return (day, minute) => {
    for (let by = -after - 1; by <= before; by++) {
      if (!falls(shifted(day, by))) continue
      // Minutes from the midnight of the day it falls on.
      const at = minute - by * MINUTES_A_DAY
      if (local && !from) {
        for (let part = -before; part <= after; part++)
          if (at >= part * MINUTES_A_DAY + start && at < part * MINUTES_A_DAY + end) return true
      } else {
        const first = -before * MINUTES_A_DAY + (from ? from[0]! * 60 + from[1]! : 0)
        if (at >= first && at < after * MINUTES_A_DAY + end) return true
      }
    }
    return false
  }
}

/** Wall time in a zone; undefined for a zone that nobody knows. Made once for many moments. */
export function wallClock(zone: string): ((at: number) => { readonly day: Day; readonly minute: number }) | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    })
    return (at) => {
      const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
      const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
      return { day: { year: of('year'), month: of('month'), day: of('day') }, minute: of('hour') * 60 + of('minute') }
    }
  } catch {
    return undefined
  }
}
