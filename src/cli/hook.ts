/**
 * `holdfast check --hook`: what an agent's hook runs. It reads one event from standard input and writes nothing but its own report
 * below the state folder, so it cannot set itself off. A save is judged at most once for each content, and at most every two seconds.
 *
 *   saved   → judge the file among its neighbours, keep the report        exit 0, or 1 when an error stands
 *   asked   → print what stands, once for each session and state           exit 0; the agent reads standard output
 *   acting  → when the command deploys and an error stands, say why not     exit 2; the agent reads standard error and is stopped
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { readNear } from '../adapters/tree/near.ts'
import { formatOf, mayMatter } from '../core/check/detect.ts'
import { readEvent } from '../core/check/hook/event.ts'
import { type HookReport, needsLook, readReport, saidToAgent, whyNot } from '../core/check/hook/report.ts'
import { judge } from '../core/check/judge.ts'
import { isDeploy } from '../core/check/models/pipeline.ts'
import { RULES } from '../core/check/table.ts'
import { EXIT, type ExitCode } from '../core/errors.ts'
import type { Io } from './command.ts'

/** Reports that are read when somebody asks; older ones are forgotten. */
const REPORTS_MAX = 200
/** Rules that only make sense over a whole repository. */
const WHOLE_TREE = new Set(['rollback-path', 'rollback-rehearsed', 'allowance-holds', 'capability-holds'])

export interface HookCall {
  readonly io: Pick<Io, 'out' | 'progress' | 'cwd'>
  readonly input: string
  /** The state folder as given, relative to the event's folder. */
  readonly state: string
  /** Epoch milliseconds. */
  readonly now: number
}

/** Handles one event. Never throws for anything in the repository: a hook that breaks is switched off. */
export function runHook(call: HookCall): ExitCode {
  const event = readEvent(call.input)
  if ('problem' in event) {
    call.io.progress(`${event.problem} This command is for an agent's hook; try: holdfast check .`)
    return EXIT.usage
  }
  const root = resolve(event.cwd !== undefined && isAbsolute(event.cwd) ? event.cwd : call.io.cwd)
  const folder = join(resolve(root, call.state), 'check')
  switch (event.kind) {
    case 'saved':
      return saved(call, root, folder, event.file)
    case 'deleted':
      rmSync(join(folder, nameOf(pathIn(root, event.file) ?? '')), { force: true })
      return EXIT.done
    case 'ask':
      return asked(call, root, folder, event.session)
    case 'act':
      return acting(call, root, folder, event.command)
    case 'other':
      return EXIT.done
  }
}

function saved(call: HookCall, root: string, folder: string, file: string): ExitCode {
  const path = pathIn(root, file)
  // A save outside the workspace, or of a file that no rule reads, costs nothing.
  if (path === undefined || !mayMatter(path)) return EXIT.done
  const report = fresh(root, folder, path, call.now, needsLook)
  if (!report) return EXIT.done
  const text = saidToAgent([report])
  if (text) call.io.out(text)
  return whyNot([report]) === undefined ? EXIT.done : EXIT.no
}

type Decides = typeof needsLook

/** The report of a file, made anew when `decides` asks for it; undefined when the file is gone or not ours. */
function fresh(root: string, folder: string, path: string, now: number, decides: Decides): HookReport | undefined {
  const place = join(folder, nameOf(path))
  const known = readReport(readOr(place))
  const content = readOr(join(root, path), undefined)
  if (content === undefined) {
    rmSync(place, { force: true })
    return undefined
  }
  const hash = createHash('sha256').update(content).digest('hex')
  if (!decides(known, hash, now)) return known
  const format = formatOf(path, content)
  const tree = format === undefined ? undefined : readNear(root, join(root, path))
  if (!tree || format === undefined) return undefined
  const rules = RULES.filter((rule) => rule.formats.includes(format) && !WHOLE_TREE.has(rule.id))
  const findings = judge(tree, rules, now).findings.filter((finding) => finding.file === path)
  const report: HookReport = { version: 1, file: path, hash, at: now, findings }
  mkdirSync(folder, { recursive: true })
  writeWhole(place, JSON.stringify(report))
  return report
}

function reports(root: string, folder: string, now: number): readonly HookReport[] {
  let names: readonly string[] = []
  try {
    names = readdirSync(folder).filter((name) => /^[0-9a-f]{32}\.json$/.test(name))
  } catch {
    return []
  }
  return names.slice(0, REPORTS_MAX).flatMap((name) => {
    const known = readReport(readOr(join(folder, name)))
    const path = known && pathIn(root, known.file)
    // What a burst of saves left unjudged is judged now.
    return path === undefined ? [] : (fresh(root, folder, path, now, (old, hash) => old?.hash !== hash) ?? [])
  })
}

function asked(call: HookCall, root: string, folder: string, session: string): ExitCode {
  const text = saidToAgent(reports(root, folder, call.now))
  if (text === '') return EXIT.done
  const place = join(folder, 'said')
  const mark = createHash('sha256').update(`${session}\0${text}`).digest('hex')
  if (readOr(place) === mark) return EXIT.done
  writeWhole(place, mark)
  call.io.out(text)
  return EXIT.done
}

function acting(call: HookCall, root: string, folder: string, command: string): ExitCode {
  const at = { file: '', line: 1, col: 1 }
  if (command === '' || !isDeploy({ at, name: '', run: command, uses: '' })) return EXIT.done
  const why = whyNot(reports(root, folder, call.now))
  if (why === undefined) return EXIT.done
  call.io.progress(why)
  return EXIT.usage
}

/** The path below the root, with forward slashes; undefined when it lies outside. */
function pathIn(root: string, file: string): string | undefined {
  const path = relative(root, resolve(root, file)).replaceAll('\\', '/')
  return path === '' || path.startsWith('..') || isAbsolute(path) || path.includes('\0') ? undefined : path
}

function nameOf(path: string): string {
  return `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.json`
}

function readOr(path: string): string
function readOr(path: string, otherwise: undefined): string | undefined
function readOr(path: string, otherwise: string | undefined = ''): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}

/** A reader never meets half a report. */
function writeWhole(path: string, text: string): undefined {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, text)
  renameSync(draft, path)
}
