/**
 * A runbook: Markdown that a person can print, with typed step blocks that a machine can follow. One source for the page, the terminal
 * and the offline pack. Files come from outside: size, steps and fields are bounded, and everything wrong with one comes back at once.
 *
 *   # Title                      what citizens cannot do
 *   first screen                 at most ten lines: effect, how to confirm, one safe action, who to wake
 *   ## Inputs                    table: name, where to find it, sample
 *   ## Steps                     text and ```step blocks
 *   ## Escalation                who, by which route, after how long
 *   ## Tell citizens             words to adapt
 */
import MarkdownIt from 'markdown-it'
import type { Finding, Severity } from '../errors.ts'
import { nearest } from '../words.ts'
import { lintRunbook } from './runbook-lint.ts'

export interface RunbookStep {
  readonly id: string
  readonly why: string
  /** A command for a terminal, or … */
  readonly run: string | null
  /** … the exact label to press on a screen. */
  readonly ui: string | null
  /** What a stranger can compare with what they see. */
  readonly expect: string
  readonly ifNot: IfNot
  readonly minutes: number | null
  /** "nothing", or what it touches. */
  readonly changes: string
  readonly undo: string | null
  readonly warn: string | null
  /** Role that has to agree first. */
  readonly approve: string | null
  /** After this many tries: stop and escalate. */
  readonly stopAfter: number | null
  /** Heading or text right above it. */
  readonly title: string
  /** Line of its opening fence, from 1. */
  readonly line: number
}

export type IfNot =
  | { readonly kind: 'go'; readonly step: string }
  | { readonly kind: 'escalate'; readonly role: string }
  | { readonly kind: 'none' }

export interface RunbookInput {
  readonly name: string
  readonly where: string
  readonly sample: string
}

export interface Runbook {
  readonly title: string
  /** Markdown. */
  readonly firstScreen: string
  readonly inputs: readonly RunbookInput[]
  readonly steps: readonly RunbookStep[]
  /** Markdown; empty when the section is missing. */
  readonly escalation: string
  /** Markdown; empty when the section is missing. */
  readonly citizenMessage: string
  readonly findings: readonly Finding[]
}

const BYTES_MAX = 128 * 1024
const STEPS_MAX = 60
const FIELD_MAX = 2_000
const KEYS = [
  'id',
  'why',
  'run',
  'ui',
  'expect',
  'if-not',
  'minutes',
  'changes',
  'undo',
  'warn',
  'approve',
  'stop-after',
]

/** Collects findings with their position. */
export type Find = (rule: string, severity: Severity, line: number, says: string, fix: string) => void

/** `file` is only for the positions of findings. */
export function parseRunbook(source: string, file: string): Runbook {
  const findings: Finding[] = []
  const find: Find = (rule, severity, line, says, fix) =>
    findings.push({
      rule: `runbook-${rule}`,
      verdict: 'fail',
      severity,
      file,
      line,
      col: 1,
      says,
      harm: 'Somebody who has never seen the service has to guess at 3am, while citizens wait.',
      fix,
      cites: 'playbook: runbooks executable by someone with no prior service knowledge',
    })
  const text = source.slice(0, BYTES_MAX).replace(/\r\n?/g, '\n')
  if (source.length > BYTES_MAX)
    find('size', 'error', 1, 'The runbook is longer than 128 KB; the rest was not read.', 'Split it by failure.')
  const lines = text.split('\n')
  const sections = sectionsOf(text, lines)
  const steps = stepsOf(text, lines, find)
  const runbook = {
    title: sections.title,
    firstScreen: sections.first,
    inputs: inputsOf(sections.of('inputs')),
    steps,
    escalation: sections.of('escalation') || sections.of('escalate'),
    citizenMessage: sections.of('tell citizens') || sections.of('citizen message'),
  }
  lintRunbook(runbook, text, find)
  return { ...runbook, findings }
}

// html: false keeps tags of the file as text; images are off, because a page at 3am loads nothing from elsewhere.
const markdown = new MarkdownIt({ html: false, linkify: false, maxNesting: 20 }).disable(['image'])

interface Sections {
  readonly title: string
  readonly first: string
  of(name: string): string
}

function sectionsOf(text: string, lines: readonly string[]): Sections {
  const tokens = markdown.parse(text, {})
  const heads: { level: number; title: string; from: number; to: number }[] = []
  tokens.forEach((token, i) => {
    if (token.type !== 'heading_open' || !token.map) return
    heads.push({
      level: Number(token.tag.slice(1)),
      title: tokens[i + 1]?.content.trim() ?? '',
      from: token.map[0],
      to: token.map[1],
    })
  })
  const end = (at: number) => heads.slice(at + 1).find((head) => head.level <= 2)?.from ?? lines.length
  const titleAt = heads.findIndex((head) => head.level === 1)
  const body = (at: number) => lines.slice(heads[at]!.to, end(at)).join('\n').trim()
  return {
    title: heads[titleAt]?.title ?? '',
    first: titleAt < 0 ? '' : body(titleAt),
    of: (name) => {
      const at = heads.findIndex((head) => head.level === 2 && head.title.toLowerCase().startsWith(name))
      return at < 0 ? '' : body(at)
    },
  }
}

function inputsOf(section: string): RunbookInput[] {
  const rows = section.split('\n').filter((line) => line.trim().startsWith('|'))
  return rows.slice(2, 42).map((row) => {
    const cells = row
      .trim()
      .replace(/^\||\|$/g, '')
      .split('|')
      .map((cell) => cell.trim().replace(/^`|`$/g, ''))
    return { name: cells[0] ?? '', where: cells[1] ?? '', sample: cells[2] ?? '' }
  })
}

function stepsOf(text: string, lines: readonly string[], find: Find): RunbookStep[] {
  const steps: RunbookStep[] = []
  for (const token of markdown.parse(text, {})) {
    if (token.type !== 'fence' || token.info.trim() !== 'step' || !token.map) continue
    const line = token.map[0] + 1
    if (steps.length === STEPS_MAX) {
      find(
        'steps',
        'error',
        line,
        `There are more than ${STEPS_MAX} steps; the rest was not read.`,
        'Split the runbook by failure.',
      )
      break
    }
    steps.push(stepOf(fieldsOf(token.content, line, find), titleAbove(lines, token.map[0]), line, find))
  }
  return steps
}

/** `key: value` lines; lines that begin with two spaces go on with the value above. Not YAML: commands are full of its signs. */
function fieldsOf(content: string, line: number, find: Find): Map<string, string> {
  const fields = new Map<string, string>()
  let last = ''
  content.split('\n').forEach((raw, i) => {
    if (raw.trim() === '') return
    const more = /^ {2,}(\S.*)$/.exec(raw)
    if (more && last) {
      fields.set(last, `${fields.get(last)}\n${more[1]}`.slice(0, FIELD_MAX))
      return
    }
    const [, key, value] = /^([a-z][a-z-]{0,20}):\s*(.*)$/.exec(raw) ?? []
    const at = line + 1 + i
    if (!key)
      return find(
        'step-syntax',
        'error',
        at,
        `"${raw.slice(0, 60)}" is not "key: value".`,
        'Indent by two spaces to continue the line above.',
      )
    if (!KEYS.includes(key)) {
      const meant = nearest(key, KEYS)
      return find(
        'step-key',
        'error',
        at,
        `A step has no "${key}".`,
        meant ? `Did you mean "${meant}"?` : `Use one of ${KEYS.join(', ')}.`,
      )
    }
    if (fields.has(key)) find('step-key', 'error', at, `"${key}" is there twice.`, 'Make it two steps.')
    fields.set(key, value!.slice(0, FIELD_MAX).trim())
    last = key
  })
  return fields
}

function stepOf(fields: Map<string, string>, title: string, line: number, find: Find): RunbookStep {
  const text = (key: string) => fields.get(key) || null
  const count = (key: string): number | null => {
    const value = fields.get(key)
    if (value === undefined) return null
    const n = Number(value)
    if (Number.isFinite(n) && n > 0 && n <= 600) return n
    find(
      'step-number',
      'error',
      line,
      `"${key}: ${value.slice(0, 30)}" is not a number from above 0 to 600.`,
      `Write ${key}: 2`,
    )
    return null
  }
  return {
    id: text('id') ?? '',
    why: text('why') ?? '',
    run: text('run'),
    ui: text('ui'),
    expect: text('expect') ?? '',
    ifNot: ifNotOf(fields.get('if-not') ?? '', line, find),
    minutes: count('minutes'),
    changes: text('changes') ?? '',
    undo: text('undo'),
    warn: text('warn'),
    approve: text('approve'),
    stopAfter: count('stop-after'),
    title,
    line,
  }
}

function ifNotOf(value: string, line: number, find: Find): IfNot {
  const [, verb, target] = /^(go|escalate)(?: to)? ([a-z0-9][a-z0-9-]{0,60})$/i.exec(value.trim()) ?? []
  if (verb && target)
    return verb.toLowerCase() === 'go' ? { kind: 'go', step: target } : { kind: 'escalate', role: target }
  if (value.trim() !== '') {
    find(
      'if-not',
      'error',
      line,
      `"if-not: ${value.slice(0, 60)}" does not lead anywhere.`,
      'Write "go STEP" or "escalate ROLE".',
    )
  }
  return { kind: 'none' }
}

function titleAbove(lines: readonly string[], fence: number): string {
  for (let i = fence - 1; i >= 0 && i > fence - 12; i--) {
    const heading = /^#{3,6} +(.{1,200})$/.exec(lines[i]!)
    if (heading) return heading[1]!.trim()
    if (lines[i]!.startsWith('```')) return ''
  }
  return ''
}

export type Next =
  /** `approved` is true when nobody has to agree, or somebody has. */
  | { readonly kind: 'step'; readonly step: RunbookStep; readonly approved: boolean; readonly number: number }
  | { readonly kind: 'escalate'; readonly role: string; readonly because: string }
  | { readonly kind: 'finished' }

/** Where the person is, from what was written down so far. Steps that the runbook does not know any more are passed over. */
export function nextStep(
  runbook: Pick<Runbook, 'steps'>,
  progress: readonly { readonly step: string; readonly result: string }[],
): Next {
  const { steps } = runbook
  const approved = new Set<string>()
  const tries = new Map<string, number>()
  let at = 0
  let escalate: Next | null = null
  for (const { step: id, result } of progress) {
    const index = steps.findIndex((step) => step.id === id)
    const step = steps[index]
    if (!step) continue
    if (result === 'approved') {
      approved.add(id)
      continue
    }
    escalate = null
    at = index + 1
    if (result !== 'failed') continue
    const tried = (tries.get(id) ?? 0) + 1
    tries.set(id, tried)
    const target = step.ifNot.kind === 'go' ? step.ifNot.step : ''
    const to = steps.findIndex((one) => one.id === target)
    if (to >= 0 && !(step.stopAfter !== null && tried >= step.stopAfter)) at = to
    else escalate = escalation(step, tried)
  }
  if (escalate) return escalate
  const step = steps[at]
  if (!step) return { kind: 'finished' }
  return { kind: 'step', step, approved: step.approve === null || approved.has(step.id), number: at + 1 }
}

function escalation(step: RunbookStep, tried: number): Next {
  const role = step.ifNot.kind === 'escalate' ? step.ifNot.role : ''
  return {
    kind: 'escalate',
    role,
    because: `Step ${step.id} did not show what was expected${tried > 1 ? `, ${tried} times` : ''}.`,
  }
}

/** Any Markdown of a runbook as HTML that is safe under a strict content security policy. */
export function markdownHtml(text: string): string {
  return markdown.render(text.slice(0, BYTES_MAX))
}
