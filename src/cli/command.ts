import type { ExitCode } from '../core/errors.ts'

/** One option of a command. `flags` in commander's notation: `--alpha <share>`. */
export interface Option {
  readonly flags: string
  readonly says: string
  readonly default?: string
}

/** Where a command reads and writes. Tests pass their own. */
export interface Io {
  /** The answer: one JSON document with --json, else words. */
  out(text: string): void
  /** Progress and remarks, on stderr. */
  progress(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** True when a person is looking (stdout is a terminal): colour and live lines are welcome. */
  readonly live: boolean
  /** Aborted by the first Ctrl-C. A command then leaves things safe and returns 130; the second Ctrl-C ends the process. */
  readonly stop: AbortSignal
}

export interface Call {
  readonly args: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | string[] | undefined>>
  readonly json: boolean
  /** The state folder, absolute (`--state`, default `.holdfast`). */
  readonly state: string
  /** Path of the definition (`--service`, default `service.yaml`), absolute. */
  readonly service: string
  readonly io: Io
}

/**
 * A row of the command table: the one source of help, of `docs/reference/commands.md` and of the parser.
 * `name` may have up to three words: "deploy start", "respond runbook next". `run` loads what it needs lazily, so that `--help` stays fast.
 */
export interface Command {
  readonly name: string
  /** In commander's notation: `[file]`, `<id>`, `[paths...]`. */
  readonly args?: string
  readonly says: string
  readonly example: string
  readonly options?: readonly Option[]
  /** Exit codes beyond 0, 2, 70 and 130, which every command may give, with what they mean here. */
  readonly exits?: Readonly<Partial<Record<ExitCode, string>>>
  run(call: Call): Promise<ExitCode>
}
