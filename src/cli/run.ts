import { resolve } from 'node:path'
import { Command as Parser } from 'commander'
import { EXIT, type ExitCode, OpsError } from '../core/errors.ts'
import type { Call, Command, Io } from './command.ts'
import { VERSION } from './version.ts'

/** Runs one command line with these commands and gives its exit code. Everything a person can do wrong ends in one sentence and a way out. */
export async function run(commands: readonly Command[], argv: readonly string[], io: Io): Promise<ExitCode> {
  let exit: ExitCode = EXIT.done
  const json = argv.includes('--json')
  const parser = parserOf(commands, io, async (command, call) => {
    exit = await command.run(call)
  })
  try {
    await parser.parseAsync(argv as string[], { from: 'user' })
    return exit
  } catch (thrown) {
    return explain(thrown, io, json)
  }
}

function parserOf(commands: readonly Command[], io: Io, run: (command: Command, call: Call) => Promise<void>): Parser {
  const root = new Parser('holdfast')
    .description('Keeps a public service standing: define, check, deploy, watch, respond, prove, rehearse.')
    .version(VERSION, '--version')
    .exitOverride()
    // `check alerts --json` asks `check alerts`, not `check`, although both know the option.
    .enablePositionalOptions()
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.progress(text.trimEnd()) })
    .showSuggestionAfterError()
    .addHelpText('after', '\nExample: holdfast demo --ci\nDocumentation: README.md and docs/ in the package.')
  const groups = new Map<string, Parser>()
  for (const command of commands) {
    const words = command.name.split(' ')
    const parent = groupOf(root, groups, words.slice(0, -1))
    const row = parent.command(`${words.at(-1)}${command.args ? ` ${command.args}` : ''}`).description(command.says)
    for (const option of command.options ?? []) row.option(option.flags, option.says, option.default)
    row
      .option('--json', 'one JSON document on stdout')
      .option('--state <dir>', 'where Holdfast keeps its own files', '.holdfast')
      .option('--service <file>', 'the definition', 'service.yaml')
      .addHelpText('after', afterHelp(command))
      .action(async (...given: unknown[]) => {
        const options = row.opts() as Call['options']
        await run(command, {
          args: given
            .slice(0, -2)
            .flat()
            .filter((arg) => arg !== undefined) as string[],
          options,
          json: options.json === true,
          state: resolve(io.cwd, String(options.state)),
          service: resolve(io.cwd, String(options.service)),
          io,
        })
      })
  }
  return root
}

function groupOf(root: Parser, groups: Map<string, Parser>, words: readonly string[]): Parser {
  const name = words.at(-1)
  if (name === undefined) return root
  const path = words.join(' ')
  let group = groups.get(path)
  if (!group) {
    const parent = groupOf(root, groups, words.slice(0, -1))
    // `check` and `check alerts` may both be commands: the group is then the command itself.
    group = parent.commands.find((known) => known.name() === name) ?? parent.command(name)
    groups.set(path, group)
  }
  return group
}

function afterHelp(command: Command): string {
  const exits = {
    0: 'done',
    ...command.exits,
    2: 'wrong usage or definition',
    70: 'our bug',
    130: 'interrupted safely',
  }
  const rows = Object.entries(exits).map(([code, says]) => `  ${code.padEnd(4)}${says}`)
  return `\nExample: ${command.example}\n\nExit codes:\n${rows.join('\n')}`
}

function explain(thrown: unknown, io: Io, json: boolean): ExitCode {
  if (isParserEnd(thrown)) return thrown.exitCode === 0 ? EXIT.done : EXIT.usage
  if (thrown instanceof OpsError) {
    if (json) io.out(JSON.stringify({ error: { code: thrown.code, message: thrown.message, fix: thrown.fix } }))
    io.progress(`${thrown.message}\nTry: ${thrown.fix}  [${thrown.code}]`)
    return thrown.exit
  }
  const story = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  if (json) io.out(JSON.stringify({ error: { code: 'OUR_BUG', message: String(thrown), fix: 'Please report it.' } }))
  io.progress(`This is a fault of Holdfast, not yours. Please report it with these lines:\n${story}  [OUR_BUG]`)
  return EXIT.bug
}

function isParserEnd(thrown: unknown): thrown is { exitCode: number } {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    String((thrown as { code?: unknown }).code).startsWith('commander.')
  )
}

/** The process's own streams, and Ctrl-C as an abort signal. */
export function processIo(): Io {
  const stop = new AbortController()
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted)
    stop.abort()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  // A dropped ssh session is a Ctrl-C, too: leave things safe.
  process.on('SIGHUP', interrupt)
  // A closed pipe (`holdfast … | head`) ends the talking, not the work: a deployment is still seen through to its end.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    progress: (text) => void process.stderr.write(`${text}\n`),
    env: process.env,
    cwd: process.cwd(),
    live: process.stdout.isTTY === true,
    stop: stop.signal,
  }
}
