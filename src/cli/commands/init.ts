import {
  constants,
  copyFileSync,
  lstatSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Gap } from '../../core/define/init/gaps.ts'
import type { Question } from '../../core/define/init/questions.ts'
import type { Survey } from '../../core/define/init/survey.ts'
import { EXIT, OpsError } from '../../core/errors.ts'
import { plural } from '../../core/words.ts'
import type { Call, Command } from '../command.ts'

const SHOWN_MAX = 12

export const init: Command = {
  name: 'init',
  args: '[dir]',
  says: 'Drafts service.yaml from what stands in a repository, asks what cannot be seen, and names the three most harmful gaps. Every question can be answered by a flag or in a file: its key is printed with it.',
  example:
    "holdfast init . --answers answers.yaml --answer journeys=apply,status --answer 'runtime.components=web web, mailer worker'",
  options: [
    {
      flags: '--answer <key=value...>',
      says: 'answer a question without being asked; may be repeated, lists are separated by commas',
    },
    {
      flags: '--answers <file>',
      says: 'answers in a YAML or JSON file, one key each (`service.phase: live`); --answer wins over it',
    },
    { flags: '--ask', says: 'ask each open question on this terminal, or read the answers from a pipe, one a line' },
    { flags: '--print', says: 'print the draft instead of writing it' },
    { flags: '--force', says: 'replace a definition that is there; the former one is kept beside it' },
  ],
  async run(call) {
    const [{ readTree }, { survey, surveyed }, { draftOf }, { questionsOf, refusedOf }, { gapsOf }, talk] =
      await Promise.all([
        import('../../adapters/tree/read.ts'),
        import('../../core/define/init/survey.ts'),
        import('../../core/define/init/draft.ts'),
        import('../../core/define/init/questions.ts'),
        import('../../core/define/init/gaps.ts'),
        import('./init-answers.ts'),
      ])
    const folder = resolve(call.io.cwd, call.args[0] ?? '.')
    const target = join(folder, 'service.yaml')
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new OpsError('NO_FOLDER', {
        message: `There is no folder ${folder}.`,
        fix: 'holdfast init .',
        exit: EXIT.usage,
      })
    const given = talk.givenAnswers(call)
    const tree = readTree([folder], call.io.cwd, surveyed)
    // What was drafted before shows nothing of the repository.
    const files = tree.files.filter(({ path }) => !/^service\.yaml(\.old(-\d+)?)?$/.test(path))
    const seen = survey(files)
    const { sights } = seen
    const writes = call.options.print !== true
    const there = writes ? thereAlready(target) : undefined
    // A draft that nobody has touched holds nobody's work.
    const mayReplace = call.options.force === true || there === draftOf(sights, {}).text
    if (there !== undefined && !mayReplace)
      throw new OpsError('DEFINITION_EXISTS', {
        message: `${relative(call.io.cwd, target)} is there already, and somebody’s work.`,
        fix: 'holdfast define to check it, --print to see a new draft, or --force to replace it (the former one is kept)',
        exit: EXIT.usage,
      })
    const refused = refusedOf(sights, given.answers)
    if (refused.length > 0) return refuse(call, talk.refusedAnswers(refused, given))
    let answers: Readonly<Record<string, string>> = given.answers
    if (call.options.ask) {
      const asked = await talk.askedAnswers(answers, (told) => questionsOf(sights, told), {
        input: process.stdin,
        output: process.stderr,
        stop: call.io.stop,
      })
      answers = asked.answers
      if (asked.interrupted) {
        const lines = talk.answerLines(answers)
        call.io.progress(
          `\nStopped; nothing was written.${lines === '' ? '' : ` To go on later, keep these lines in a file for --answers:\n${lines}`}`,
        )
        return EXIT.interrupted
      }
    }
    const { text, questions } = draftOf(sights, answers)
    const kept = writes ? write(target, text, there, call.options.force === true) : undefined
    const report: Report = {
      call,
      seen,
      files: files.length,
      problems: tree.problems,
      questions,
      gaps: gapsOf(sights, answers),
      file: relative(call.io.cwd, target),
      ...(kept === undefined ? {} : { kept: relative(call.io.cwd, kept) }),
      writes,
      text,
    }
    if (call.json) call.io.out(JSON.stringify(documentOf(report), null, 1))
    else tell(report)
    return EXIT.done
  },
}

interface Report {
  readonly call: Call
  readonly seen: Survey
  readonly files: number
  readonly problems: readonly { readonly file: string; readonly line: number; readonly says: string }[]
  readonly questions: readonly Question[]
  readonly gaps: readonly Gap[]
  readonly file: string
  readonly kept?: string
  readonly writes: boolean
  readonly text: string
}

/** The text of a definition that is there; '' for what is no file that can be read, such as a link to nowhere. */
function thereAlready(target: string): string | undefined {
  const stat = lstatSync(target, { throwIfNoEntry: false })
  if (!stat) return undefined
  try {
    return stat.isFile() && stat.size < 4_000_000 ? readFileSync(target, 'utf8') : ''
  } catch {
    return ''
  }
}

/** Writes the draft whole or not at all, over nothing but what was there at first. Gives the file in which that is kept. */
function write(target: string, text: string, before: string | undefined, keep: boolean): string | undefined {
  const beside = `${target}.${process.pid}.tmp`
  if (thereAlready(target) !== before)
    throw new OpsError('DEFINITION_EXISTS', {
      message: `Somebody wrote ${target} meanwhile; it was left as it is.`,
      fix: 'holdfast init --print to see the draft',
      exit: EXIT.usage,
    })
  try {
    if (before === undefined) {
      writeFileSync(target, text, { flag: 'wx' })
      return undefined
    }
    const kept = keep ? keptCopy(target) : undefined
    writeFileSync(beside, text, { flag: 'wx' })
    renameSync(beside, target)
    return kept
  } catch (thrown) {
    const { code } = thrown as { code?: unknown }
    if (typeof code !== 'string') throw thrown
    throw new OpsError('CANNOT_WRITE', {
      message: `${target} could not be written: ${code}.`,
      fix: 'holdfast init --print, and put the draft where you may write',
      exit: EXIT.usage,
    })
  } finally {
    if (lstatSync(beside, { throwIfNoEntry: false })) unlinkSync(beside)
  }
}

function keptCopy(target: string): string | undefined {
  if (!statSync(target, { throwIfNoEntry: false })?.isFile()) return undefined
  for (let n = 1; ; n++) {
    const kept = `${target}.old${n === 1 ? '' : `-${n}`}`
    if (lstatSync(kept, { throwIfNoEntry: false })) continue
    copyFileSync(target, kept, constants.COPYFILE_EXCL)
    return kept
  }
}

function refuse(
  call: Call,
  findings: ReturnType<typeof import('./init-answers.ts')['refusedAnswers']>,
): typeof EXIT.usage {
  const message = findings
    .map(({ file, line, says }) => `${file === '--answer' ? '' : `${file}:${line} `}${says}`)
    .join('\n')
  const fix = 'holdfast init --print names every question and an example; nothing was written'
  const code = 'ANSWER_NOT_UNDERSTOOD'
  if (call.json) call.io.out(JSON.stringify({ error: { code, message, fix }, findings }, null, 1))
  call.io.progress(`${message}\nTry: ${fix}  [${code}]`)
  return EXIT.usage
}

function documentOf({ seen, questions, gaps, file, kept, writes, text, problems }: Report): object {
  return {
    file,
    written: writes,
    ...(kept === undefined ? {} : { kept }),
    draft: text,
    seen: seen.sights,
    notes: [...seen.notes, ...problems.map(({ file, line, says }) => ({ file, line, says }))],
    routesLeftOut: seen.leftOut,
    questions: questions.map(({ takes, ...question }) => ({ ...question, pattern: takes.source })),
    gaps,
  }
}

function tell(report: Report): void {
  const { call, seen, questions, gaps, file, kept, writes, text } = report
  // A draft that is printed may go into a file: whatever else is said goes elsewhere.
  const speak = writes ? call.io.out : call.io.progress
  // Names of files and what stands in them come from outside: none of it steers a terminal.
  const say = (line: string) => speak(line.replace(/[^\P{Cc}\n\t]/gu, ' '))
  if (!writes) call.io.out(text.trimEnd())
  const where = new Set(seen.sights.map((sight) => sight.file)).size
  const outcome = writes ? `Draft: ${file}.${kept ? ` The former one: ${kept}.` : ''}` : 'Nothing was written.'
  say(
    `Read ${plural(report.files, 'file')}; ${plural(seen.sights.length, 'fact')} seen in ${plural(where, 'file')}. ${outcome}`,
  )
  for (const line of leftOutLines(seen.leftOut)) say(line)
  const notes = [...seen.notes, ...report.problems]
  if (notes.length > 0) say('\nSeen, and not to be told from here:')
  for (const note of notes.slice(0, SHOWN_MAX)) say(`- ${note.file}:${note.line} ${note.says}`)
  if (notes.length > SHOWN_MAX) say(`- and ${notes.length - SHOWN_MAX} more (--json has them all)`)
  if (gaps.length > 0) say('\nWhat would hurt citizens most:')
  gaps.forEach(
    (gap, i) => void say(`${i + 1}. ${gap.says}${gap.at ? ` (${gap.at})` : ''}\n   ${gap.harm}\n   Fix: ${gap.fix}`),
  )
  if (questions.length === 0) return say('\nNothing is open. Next: holdfast define')
  say(`\n${plural(questions.length, 'question')} that only people can answer:`)
  for (const question of questions)
    say(`- ${question.key}: ${question.asks}${question.hint ? `\n  ${question.hint}` : ''}`)
  say("\nAnswer with --ask, with --answer 'key=value', with --answers FILE, or in the file. Then: holdfast define")
}

/** Routes that were left out, by their reason. */
function leftOutLines(leftOut: Survey['leftOut']): readonly string[] {
  if (leftOut.length === 0) return []
  const whys = [...new Set(leftOut.map(({ why }) => why))]
  return [
    `\n${plural(leftOut.length, 'route')} left out, because a wrong route is worse than a question:`,
    ...whys.map((why) => {
      const own = leftOut.filter((left) => left.why === why)
      const places = own.slice(0, 3).map(({ file, line }) => `${file}:${line}`)
      return `- ${own.length}: ${why} (${places.join(', ')}${own.length > 3 ? ' …' : ''})`
    }),
  ]
}
