/** Answers to the questions of `holdfast init`: from flags, from a file, and from a person at a terminal. */
import { readFileSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fits } from '../../core/define/init/answers.ts'
import { type Question, refusal } from '../../core/define/init/questions.ts'
import { readYaml } from '../../core/define/yaml.ts'
import { EXIT, type Finding, OpsError } from '../../core/errors.ts'
import type { Call } from '../command.ts'

/** Answers with the place where each stands, for what is wrong with one. */
export interface Given {
  readonly answers: Record<string, string>
  readonly places: ReadonlyMap<string, { readonly file: string; readonly line: number; readonly col: number }>
}

const BYTES_MAX = 1_000_000

/** Flags win over the file: a script may keep most of its answers in one. Throws OpsError for what is no answer at all. */
export function givenAnswers(call: Call): Given {
  const answers: Record<string, string> = {}
  const places = new Map<string, { file: string; line: number; col: number }>()
  const { answers: file, answer } = call.options
  if (typeof file === 'string') fromFile(call, file, answers, places)
  const flags = Array.isArray(answer) ? answer : typeof answer === 'string' ? [answer] : []
  const seen = new Set<string>()
  flags.forEach((text, i) => {
    const cut = text.indexOf('=')
    const key = text.slice(0, Math.max(cut, 0)).trim()
    if (cut < 1 || seen.has(key))
      throw new OpsError(cut < 1 ? 'ANSWER_WITHOUT_KEY' : 'ANSWERED_TWICE', {
        message:
          cut < 1
            ? `"${text}" is no answer: it needs a key and a value. A folder stands before the first --answer.`
            : `${key} is answered twice.`,
        fix: "holdfast init . --answer 'service.name=Apply for a heating payment'",
        exit: EXIT.usage,
      })
    seen.add(key)
    answers[key] = text.slice(cut + 1)
    places.set(key, { file: '--answer', line: i + 1, col: 1 })
  })
  return { answers, places }
}

function fromFile(
  call: Call,
  file: string,
  answers: Record<string, string>,
  places: Map<string, { file: string; line: number; col: number }>,
): void {
  const path = resolve(call.io.cwd, file)
  const named = relative(call.io.cwd, path) || file
  const wrong = (message: string) =>
    new OpsError('ANSWERS_NOT_READ', {
      message,
      fix: 'a file with one line for each answer, such as  service.phase: live',
      exit: EXIT.usage,
    })
  let text: string
  try {
    if (statSync(path).size > BYTES_MAX) throw wrong(`${named} is larger than 1 MB.`)
    text = readFileSync(path, 'utf8')
  } catch (thrown) {
    if (thrown instanceof OpsError) throw thrown
    throw wrong(`${named} cannot be read: ${String((thrown as { code?: unknown }).code)}.`)
  }
  const read = readYaml(text)
  if (read.faults.length > 0 || read.value === null || typeof read.value !== 'object' || Array.isArray(read.value))
    throw wrong(
      `${named}:${read.faults[0]?.place.line ?? 1}: ${read.faults[0]?.says ?? 'Keys and answers were expected.'}`,
    )
  const visit = (value: unknown, path: readonly string[]): void => {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key])
      return
    }
    const key = path.join('.')
    answers[key] = Array.isArray(value) ? value.map(String).join(',') : value === null ? '' : String(value)
    places.set(key, { file: named, ...read.keyPlaceOf(path) })
  }
  visit(read.value, [])
}

/** Answers that cannot be written down, as findings: each says what was asked, and gives an example. */
export function refusedAnswers(
  refused: readonly { readonly key: string; readonly says: string }[],
  given: Given,
): readonly Finding[] {
  return refused.map(({ key, says }) => ({
    rule: 'answer-not-understood',
    verdict: 'fail',
    severity: 'error',
    ...(given.places.get(key) ?? { file: '--answer', line: 1, col: 1 }),
    says,
    harm: 'A definition with something else in this place would be acted on at 3am.',
    fix: 'Give the answer in the form of the example. holdfast init --print names every question.',
    cites: 'holdfast init',
  }))
}

export interface Talk {
  readonly input: Readable
  readonly output: Writable
  readonly stop: AbortSignal
}

/**
 * Asks until nothing is open. An empty answer leaves its question in the draft; one that cannot be used is asked again; the end of the
 * input leaves the rest open. `interrupted` after Ctrl-C: then nothing must be written.
 */
export async function askedAnswers(
  given: Readonly<Record<string, string>>,
  open: (answers: Readonly<Record<string, string>>) => readonly Question[],
  { input, output, stop }: Talk,
): Promise<{ readonly answers: Record<string, string>; readonly interrupted: boolean }> {
  const answers = { ...given }
  const left = new Set<string>()
  const say = (text: string) => void output.write(`${text}\n`)
  const terminal = createInterface({ input, output, terminal: (output as { isTTY?: boolean }).isTTY === true })
  let interrupted = stop.aborted
  const interrupt = () => {
    interrupted = true
    terminal.close()
  }
  terminal.on('SIGINT', interrupt)
  stop.addEventListener('abort', interrupt, { once: true })
  const lines = terminal[Symbol.asyncIterator]()
  try {
    for (;;) {
      const questions = open(answers).filter(({ key }) => !left.has(key))
      const [question] = questions
      if (!question || interrupted) break
      if (question.hint) say(`  ${question.hint}`)
      say(`${question.asks} (${question.example}; Enter leaves it open; ${questions.length} left)`)
      terminal.setPrompt('> ')
      terminal.prompt()
      const line = await lines.next()
      if (line.done) break
      const answer = line.value.trim()
      if (answer === '') left.add(question.key)
      else if (fits(question.takes, answer)) answers[question.key] = answer
      else say(refusal(question, answer))
    }
    return { answers, interrupted }
  } finally {
    stop.removeEventListener('abort', interrupt)
    terminal.close()
  }
}

/** Answers as the lines of a file that `--answers` reads. */
export function answerLines(answers: Readonly<Record<string, string>>): string {
  return Object.entries(answers)
    .map(([key, answer]) => `${key}: ${JSON.stringify(answer)}`)
    .join('\n')
}
