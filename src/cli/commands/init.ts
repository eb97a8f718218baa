import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { EXIT, OpsError } from '../../core/errors.ts'
import { plural } from '../../core/words.ts'
import type { Call, Command } from '../command.ts'

export const init: Command = {
  name: 'init',
  args: '[dir]',
  says: 'Drafts service.yaml from what stands in a repository, asks what cannot be seen, and names the three most harmful gaps.',
  example: "holdfast init . --answer 'service.name=Apply for a heating payment' --answer journeys=apply,status",
  options: [
    { flags: '--answer <key=value...>', says: 'answer a question without being asked; may be repeated' },
    { flags: '--ask', says: 'ask each open question on this terminal' },
    { flags: '--print', says: 'print the draft instead of writing it' },
    { flags: '--force', says: 'replace a definition that is there' },
  ],
  async run(call) {
    const [{ readTree }, { survey, surveyed }, { draftOf }, { questionsOf, refusedOf }, { gapsOf }] = await Promise.all(
      [
        import('../../adapters/tree/read.ts'),
        import('../../core/define/init/survey.ts'),
        import('../../core/define/init/draft.ts'),
        import('../../core/define/init/questions.ts'),
        import('../../core/define/init/gaps.ts'),
      ],
    )
    const folder = resolve(call.io.cwd, call.args[0] ?? '.')
    const target = join(folder, 'service.yaml')
    if (!existsSync(folder) || !statSync(folder).isDirectory())
      throw new OpsError('NO_FOLDER', {
        message: `There is no folder ${folder}.`,
        fix: 'holdfast init .',
        exit: EXIT.usage,
      })
    if (existsSync(target) && !call.options.force && !call.options.print)
      throw new OpsError('DEFINITION_EXISTS', {
        message: `${relative(call.io.cwd, target)} is there already, and somebody’s work.`,
        fix: 'holdfast define to check it, --print to see a new draft, or --force to replace it',
        exit: EXIT.usage,
      })
    const answers = answersOf(call)
    const tree = readTree([folder], call.io.cwd, surveyed)
    const sights = survey(tree.files)
    const refused = refusedOf(sights, answers)
    if (refused.length > 0)
      throw new OpsError('ANSWER_NOT_UNDERSTOOD', {
        message: refused.join('\n'),
        fix: 'holdfast init --print names every question and an example; nothing was written',
        exit: EXIT.usage,
      })
    if (call.options.ask) Object.assign(answers, await asked(answers, (given) => questionsOf(sights, given)))
    const { text, questions } = draftOf(sights, answers)
    const gaps = gapsOf(sights)
    if (!call.options.print) writeFileSync(target, text)
    if (call.json)
      call.io.out(
        JSON.stringify(
          {
            file: relative(call.io.cwd, target),
            written: !call.options.print,
            draft: text,
            seen: sights,
            questions,
            gaps,
          },
          null,
          1,
        ),
      )
    else {
      if (call.options.print) call.io.out(text)
      const where = new Set(sights.map((sight) => sight.file)).size
      call.io.out(
        `Read ${plural(tree.files.length, 'file')}; ${plural(sights.length, 'fact')} seen in ${plural(where, 'file')}. ${call.options.print ? 'Nothing was written.' : `Draft: ${relative(call.io.cwd, target)}.`}`,
      )
      if (gaps.length > 0) call.io.out('\nWhat would hurt citizens most:')
      gaps.forEach(
        (gap, i) =>
          void call.io.out(`${i + 1}. ${gap.says}${gap.at ? ` (${gap.at})` : ''}\n   ${gap.harm}\n   Fix: ${gap.fix}`),
      )
      if (questions.length > 0) call.io.out(`\n${plural(questions.length, 'question')} that only people can answer:`)
      for (const question of questions)
        call.io.out(`- ${question.key}: ${question.asks}${question.hint ? `\n  ${question.hint}` : ''}`)
      if (questions.length > 0)
        call.io.out("\nAnswer with --ask, with --answer 'key=value', or in the file. Then: holdfast define")
    }
    return EXIT.done
  },
}

function answersOf(call: Call): Record<string, string> {
  const given = call.options.answer
  const answers: Record<string, string> = {}
  for (const text of Array.isArray(given) ? given : typeof given === 'string' ? [given] : []) {
    const cut = text.indexOf('=')
    if (cut < 1)
      throw new OpsError('ANSWER_WITHOUT_KEY', {
        message: `"${text}" is no answer: it needs a key and a value.`,
        fix: "--answer 'service.name=Apply for a heating payment'",
        exit: EXIT.usage,
      })
    answers[text.slice(0, cut)] = text.slice(cut + 1)
  }
  return answers
}

/** Asks until nothing is open; an empty answer leaves the question in the draft. Naming journeys opens their own questions. */
async function asked(
  given: Record<string, string>,
  open: (answers: Record<string, string>) => readonly { key: string; asks: string; example: string; hint?: string }[],
): Promise<Record<string, string>> {
  const answers = { ...given }
  const left = new Set<string>()
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    for (;;) {
      const question = open(answers).find((each) => !left.has(each.key))
      if (!question) return answers
      if (question.hint) process.stderr.write(`  ${question.hint}\n`)
      const answer = (
        await terminal.question(`${question.asks} (${question.example}; Enter leaves it open)\n> `)
      ).trim()
      if (answer === '') left.add(question.key)
      else answers[question.key] = answer
    }
  } finally {
    terminal.close()
  }
}
