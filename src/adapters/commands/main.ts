/**
 * Stands between the engine and a gate's command, so that no command outlives whoever wanted its answer. Its standard input is the
 * lifeline: the first line is the wish, and when it ends (the engine has died, or says stop) the command's whole process group is ended.
 * The answer is one line of JSON on standard output.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'

/** Of the output, the last bytes are kept. Escapes and secrets are taken out later, so a little more than is shown. */
const TAIL_BYTES = 16_384
/** From SIGTERM to SIGKILL, in ms. */
const KILL_MS = 2_000
/** After its end, how long what it left running may keep its output open, in ms. */
const LINGER_MS = 500

interface Wish {
  readonly argv: readonly string[]
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly msMax: number
}

const lines = createInterface({ input: process.stdin })
lines.once('line', (line) => run(JSON.parse(line) as Wish))

function run({ argv, folder, env, msMax }: Wish): void {
  const [command = '', ...args] = argv
  const began = performance.now()
  const hash = createHash('sha256')
  let tail = Buffer.alloc(0)
  let bytes = 0
  let timedOut = false
  let stopped = false
  let answered = false
  const child = spawn(command, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })

  const answer = (json: unknown) => {
    if (answered) return
    answered = true
    killGroup('SIGKILL')
    process.stdout.write(`${JSON.stringify(json)}\n`, () => process.exit(0))
  }
  const killGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // Nothing of it is left.
    }
  }
  const end = () => {
    killGroup('SIGTERM')
    setTimeout(() => killGroup('SIGKILL'), KILL_MS)
  }
  const take = (chunk: Buffer) => {
    hash.update(chunk)
    bytes += chunk.length
    tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES)
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  child.on('error', (error: NodeJS.ErrnoException) => {
    answer({ ran: false, why: `${command} could not be started (${error.code ?? error.message}).` })
  })
  const done = (exit: number | null) =>
    answer({
      ran: true,
      exit,
      timedOut,
      stopped,
      ms: Math.round(performance.now() - began),
      bytes,
      digest: `sha256:${hash.digest('hex')}`,
      tail: tail.toString('utf8'),
    })
  child.on('close', done)
  // What it left running in the background may keep the pipes open for ever: that is no reason to wait.
  child.on('exit', (exit) => setTimeout(() => done(exit), LINGER_MS))
  setTimeout(() => {
    timedOut = true
    end()
  }, msMax)
  lines.on('close', () => {
    stopped = true
    end()
  })
}
