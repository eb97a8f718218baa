/** Runs a gate's command as a child of a small guard (main.ts) that ends it when we are gone. */
import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { messageOf } from '../../core/errors.ts'
import { entry } from '../../entry.ts'
import type { CommandWish, Commands, Ran } from '../../ports/commands.ts'

/** Of our own environment a command gets only these: what a program needs to be found and to print. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS']
/** What is kept of its last words, in characters. */
const TAIL_MAX = 4_000
/** A value shorter than this is no secret worth hiding, and hiding it would blot out ordinary words. */
const SECRET_MIN = 6
/** The guard's own answer is at most this long, in bytes. */
const ANSWER_MAX = 256 * 1_024
/** What the guard may take beyond the command's own time, in ms. */
const GUARD_MS = 10_000

export function localCommands(): Commands {
  return { run }
}

async function run(wish: CommandWish, stop: AbortSignal): Promise<Ran> {
  if (!isFolder(wish.folder)) return { ran: false, why: `There is no folder ${wish.folder}.` }
  if (stop.aborted) return { ran: false, why: 'Nobody wants its answer any more.' }
  const answer = await guarded(wish, stop)
  return 'why' in answer ? answer : { ...answer, tail: tidied(answer.tail, wish.secrets) }
}

function guarded(wish: CommandWish, stop: AbortSignal): Promise<Ran> {
  return new Promise((resolve) => {
    const { command, args } = entry('adapters/commands/main')
    const env = ours()
    const guard = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'ignore'] })
    let text = ''
    const finish = (answer: Ran) => {
      clearTimeout(late)
      stop.removeEventListener('abort', letGo)
      resolve(answer)
    }
    // The end of its input is the guard's sign to end the command.
    const letGo = () => guard.stdin.end()
    const late = setTimeout(() => guard.kill('SIGKILL'), wish.msMax + GUARD_MS)
    stop.addEventListener('abort', letGo, { once: true })
    guard.stdin.on('error', () => {})
    guard.stdout.on('data', (chunk: Buffer) => {
      if (text.length < ANSWER_MAX) text += chunk.toString('utf8')
    })
    guard.on('error', (thrown) => finish({ ran: false, why: `It could not be started: ${thrown.message}.` }))
    guard.on('close', () => finish(answerIn(text)))
    const { argv, folder, msMax } = wish
    guard.stdin.write(`${JSON.stringify({ argv, folder, msMax, env: { ...env, CI: 'true', ...wish.env } })}\n`)
  })
}

function ours(): Record<string, string> {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

function answerIn(text: string): Ran {
  try {
    return JSON.parse(text) as Ran
  } catch (thrown) {
    return { ran: false, why: `It ended without an answer (${messageOf(thrown).slice(0, 100)}).` }
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** Readable, bounded, and without secrets: those we know by value, and passwords in addresses. */
export function tidied(text: string, secrets: readonly string[]): string {
  const plain = stripVTControlCharacters(text).replace(/[^\P{C}\n\t]/gu, '')
  const hidden = [...new Set(secrets)]
    .filter((secret) => secret.length >= SECRET_MIN)
    .sort((a, b) => b.length - a.length)
    .reduce((kept, secret) => kept.replaceAll(secret, '[secret]'), plain)
  const safe = hidden.replace(/(:\/\/[^\s:/@]{1,200}:)[^\s@]{1,400}@/g, '$1[secret]@')
  return safe.trimEnd().slice(-TAIL_MAX)
}
