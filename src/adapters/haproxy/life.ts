/**
 * The life of the HAProxy that we steer: a master with its worker, in the foreground, detached from us, so that it serves on when we
 * die and is found again. When it dies itself, the next one comes from the files in its folder.
 *
 *   start ─► serving ─reload: a new worker takes the listening socket─► serving, the old worker finishes its requests and goes
 *              └─died─► start again, with back-off
 *
 * It is written down before it is started, and carries a token of that note: a driver that is killed at any moment of the start leaves
 * a HAProxy that the next one finds. Two on one port would share its citizens, and nobody would steer one of them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { messageOf, OpsError } from '../../core/errors.ts'
import { findByToken, identityOf, isAlive, TOKEN } from '../process/life.ts'
import { tailOf } from '../process/log.ts'
import type { CommandLine, Worker } from './cli.ts'
import type { Occupants } from './desired.ts'

const START_MS_MAX = 15_000
const LOOK_MS = 20
const WATCH_MS = 250
const BACK_OFF_MS = [0, 250, 500, 1_000, 2_000, 5_000]
// HAProxy writes a line for each server that comes or goes: a year of deployments.
const LOG_MAX = 4_194_304

/** What must be known to find it again. */
export interface Kept {
  /** 0: it was about to be started. */
  readonly pid: number
  readonly identity: string
  /** In the environment of its master. */
  readonly token: string
  readonly port: number
  /** Of the files with which its present worker was started. */
  readonly fingerprint: string
  readonly occupants: Occupants
}

export interface LifeParts {
  readonly folder: string
  readonly binary: string
  readonly master: string
  readonly cli: CommandLine
  /** It died by itself, and is being started again. */
  died(why: string): void
  /** It was started again by itself: steer it. */
  returned(): void
}

export class Life {
  readonly #parts: LifeParts
  readonly #notes: string
  #kept: Kept | undefined
  #child: ChildProcess | undefined
  #watch: NodeJS.Timeout | undefined
  #deaths = 0
  #stopping = false

  constructor(parts: LifeParts) {
    this.#parts = parts
    this.#notes = join(parts.folder, 'haproxy.json')
    this.#kept = readKept(this.#notes)
  }

  get kept(): Kept | undefined {
    return this.#kept
  }

  get isRunning(): boolean {
    return this.#kept !== undefined && isAlive(this.#kept.pid, this.#kept.identity)
  }

  note(change: Partial<Kept>): void {
    if (this.#kept) this.#keep({ ...this.#kept, ...change })
  }

  /** True when the one that an earlier driver started serves, or does so in a moment. */
  async adopt(): Promise<boolean> {
    this.#find()
    for (const until = Date.now() + START_MS_MAX; this.isRunning; await pause(LOOK_MS)) {
      try {
        await this.worker()
        this.#look()
        return true
      } catch {
        if (Date.now() < until) continue
        // Nobody could steer it any more. It takes no new connections, and finishes its requests.
        process.kill(this.#kept!.pid, 'SIGUSR1')
        return false
      }
    }
    return false
  }

  /** Its driver was killed before the process could be written down. */
  #find(): void {
    const kept = this.#kept
    const pid = kept?.pid === 0 ? findByToken(kept.token) : undefined
    const identity = pid === undefined ? undefined : identityOf(pid)
    if (pid !== undefined && identity !== undefined) this.note({ pid, identity })
  }

  /** Starts it with the files in the folder, and resolves when it serves. */
  async start(settled: Pick<Kept, 'port' | 'fingerprint' | 'occupants'>): Promise<void> {
    const { folder, binary, master } = this.#parts
    await this.check()
    rmSync(master, { force: true })
    const logFile = join(folder, 'haproxy.log')
    if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_MAX) renameSync(logFile, `${logFile}.1`)
    const log = openSync(logFile, 'a', 0o600)
    const from = statSync(logFile).size
    const token = randomUUID()
    this.#keep({ ...settled, pid: 0, identity: '', token })
    const child = spawn(binary, ['-W', '-db', '-S', `${master},mode,600`, '-f', 'haproxy.cfg'], {
      cwd: folder,
      detached: true,
      env: { ...process.env, [TOKEN]: token },
      stdio: ['ignore', log, log],
    })
    this.#keep({ ...settled, pid: child.pid ?? 0, identity: identityOf(child.pid ?? 0) ?? '', token })
    closeSync(log)
    let ended: string | undefined
    child.on('error', (error) => {
      ended = error.message
    })
    child.on('exit', (code, signal) => {
      ended = `it ended with ${signal ?? `code ${code}`}`
    })
    this.#child = child
    child.unref()
    for (const until = Date.now() + START_MS_MAX; ; ) {
      try {
        await this.worker()
        break
      } catch (thrown) {
        if (ended === undefined && Date.now() < until) {
          await pause(LOOK_MS)
          continue
        }
        child.kill('SIGKILL')
        const words = tailOf(logFile, 2_000, from)
        throw new Error(`HAProxy did not start: ${ended ?? messageOf(thrown)}. ${plain(words)}`)
      }
    }
    if (!this.isRunning) throw new Error('HAProxy died right after its start')
    this.#look()
  }

  /** Says what is wrong with the files in the folder; nothing has changed then. */
  async check(): Promise<void> {
    const { binary, folder } = this.#parts
    const wrong = await new Promise<string | undefined>((told) => {
      execFile(binary, ['-c', '-f', 'haproxy.cfg'], { cwd: folder, timeout: 10_000 }, (error, stdout, stderr) => {
        const missing = (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
        told(error ? (missing ? `there is no program ${binary}` : plain(`${stdout}${stderr}`)) : undefined)
      })
    })
    if (wrong !== undefined) throw new Error(`HAProxy does not accept its configuration: ${wrong}`)
  }

  /** Puts a worker with the files in the folder in the place of the present one. Gives its process id. */
  async reload(settled: Pick<Kept, 'fingerprint' | 'occupants'>): Promise<number> {
    await this.check()
    const before = await this.worker()
    await this.#parts.cli.ask('reload')
    for (const until = Date.now() + START_MS_MAX; ; await pause(LOOK_MS)) {
      // While the master starts itself anew, nobody answers.
      const now = await this.worker().catch(() => undefined)
      if (now && now.pid !== before.pid) {
        this.note(settled)
        return now.pid
      }
      if (Date.now() > until) throw new Error('HAProxy did not start a new worker; the old one serves on')
    }
  }

  /** The worker that serves. Throws when there is none, or it does not answer. */
  async worker(): Promise<Worker> {
    const { cli } = this.#parts
    const worker = (await cli.workers()).find(({ current }) => current)
    if (!worker) throw new Error('no worker of HAProxy serves')
    if (!/^Pid: /m.test(await cli.to(worker, 'show info'))) throw new Error('the worker of HAProxy does not answer')
    return worker
  }

  /** Lets requests finish, then ends it. `isBusy` says whether some are left. */
  async stop(isBusy: () => Promise<boolean>, patienceMs: number): Promise<void> {
    this.#stopping = true
    clearInterval(this.#watch)
    const kept = this.#kept
    if (!kept || !this.isRunning) return
    process.kill(kept.pid, 'SIGUSR1')
    const patientUntil = Date.now() + patienceMs
    while (isAlive(kept.pid, kept.identity)) {
      // What is left then are connections on which nothing happens.
      if (Date.now() > patientUntil && !(await isBusy().catch(() => false))) process.kill(kept.pid, 'SIGTERM')
      await pause(50)
    }
    rmSync(this.#notes, { force: true })
  }

  kill(): void {
    this.#stopping = true
    clearInterval(this.#watch)
    if (this.#kept && this.isRunning) process.kill(this.#kept.pid, 'SIGKILL')
    else this.#child?.kill('SIGKILL')
  }

  #look(): void {
    clearInterval(this.#watch)
    const born = Date.now()
    this.#watch = setInterval(() => {
      if (this.isRunning || this.#stopping) return
      clearInterval(this.#watch)
      this.#deaths = Date.now() - born < 10_000 ? this.#deaths + 1 : 0
      this.#parts.died(`HAProxy (process ${this.#kept?.pid}) ended by itself`)
      void this.#again()
    }, WATCH_MS)
  }

  async #again(): Promise<void> {
    await pause(BACK_OFF_MS[Math.min(this.#deaths, BACK_OFF_MS.length - 1)])
    if (this.#stopping) return
    try {
      await this.start(this.#kept!)
      this.#parts.returned()
    } catch (thrown) {
      this.#parts.died(messageOf(thrown))
      this.#deaths++
      void this.#again()
    }
  }

  #keep(kept: Kept): void {
    this.#kept = kept
    writeFileSync(`${this.#notes}.next`, JSON.stringify(kept), { mode: 0o600 })
    renameSync(`${this.#notes}.next`, this.#notes)
  }
}

/** The version of a HAProxy that can be steered, or why there is none. 2.6 is the first whose servers come and go at run time. */
export async function usableHaproxy(binary: string): Promise<string> {
  const text = await new Promise<string>((told) => {
    execFile(binary, ['-vv'], { timeout: 10_000 }, (error, stdout) => told(error ? '' : stdout))
  })
  const version = /HAProxy version (\d+)\.(\d+)/i.exec(text)
  const isNew = version !== null && (Number(version[1]) > 2 || Number(version[2]) >= 6)
  if (isNew && text.includes('+OPENSSL')) return `${version[1]}.${version[2]}`
  throw new OpsError('HAPROXY_MISSING', {
    message: version
      ? `HAProxy ${version[1]}.${version[2]} at "${binary}" cannot be used: 2.6 or newer with OpenSSL is needed.`
      : `There is no HAProxy at "${binary}".`,
    fix: 'apt-get install haproxy   (or name it: HOLDFAST_HAPROXY=/usr/sbin/haproxy)',
  })
}

function readKept(file: string): Kept | undefined {
  if (!existsSync(file)) return undefined
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Kept
    return Number.isSafeInteger(kept.pid) && typeof kept.identity === 'string' ? kept : undefined
  } catch {
    return undefined
  }
}

/** HAProxy's alerts without its prefixes, at most 600 characters. */
function plain(text: string): string {
  const lines = text.split('\n').filter((line) => /ALERT|error|Cannot/i.test(line))
  const said = (lines.length > 0 ? lines : text.split('\n')).map((line) => line.replace(/^\[\w+\]\s*\(\d+\) : /, ''))
  return said.join(' ').trim().slice(0, 600)
}
