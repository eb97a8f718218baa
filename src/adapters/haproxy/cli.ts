/**
 * HAProxy's command line: one connection to the master's socket a question, which reaches the worker that serves (`@1`) and the
 * ones that only finish their requests (`@!PID`). Several commands go in one line, so that no request sees a state between them
 * for longer than HAProxy takes to read on.
 */
import { connect } from 'node:net'

/** HAProxy answers within a few ms. Longer, and it is as good as away. */
const ANSWER_MS = 3_000
// `show sess` of 20,000 sessions is about 6 MB.
const ANSWER_MAX = 16 * 1_048_576
/** Commands in one line: a line must fit into HAProxy's buffer, and each of ours has at most 400 characters. */
const COMMANDS_MAX = 20

export type Worker = { readonly pid: number; readonly current: boolean }

/** A server as a worker has it at this moment. */
export interface ServerState {
  readonly backend: string
  readonly name: string
  /** The checks' last word; undefined: none has ended yet. */
  readonly checked: boolean
  /** By order: takes no requests. Drain and the state of a server just added count too. */
  readonly maint: boolean
  readonly drain: boolean
}

/** A server's row of the statistics. */
export interface ServerRow {
  readonly backend: string
  readonly name: string
  readonly sessions: number
  readonly status: string
}

export class CommandLine {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** What the master answers to one line. Throws when there is no whole answer in time. */
  ask(line: string): Promise<string> {
    return new Promise((answered, fails) => {
      let text = ''
      const socket = connect(this.#path)
      const deadline = setTimeout(() => socket.destroy(new Error(`no answer within ${ANSWER_MS / 1_000} s`)), ANSWER_MS)
      socket.setEncoding('utf8')
      socket.on('data', (part: string) => {
        text += part
        if (text.length > ANSWER_MAX) socket.destroy(new Error('its answer is too long'))
      })
      socket.on('error', (error) => {
        clearTimeout(deadline)
        fails(error)
      })
      socket.on('end', () => {
        clearTimeout(deadline)
        answered(text)
      })
      socket.end(`${line}\n`)
    })
  }

  /** One command for one worker. */
  to(worker: Worker, command: string): Promise<string> {
    return this.ask(`${addressOf(worker)} ${command}`)
  }

  /** Many commands for one worker, in order. What they came to is to be looked up afterwards: their answers are prose. */
  async order(worker: Worker, commands: readonly string[]): Promise<void> {
    for (let at = 0; at < commands.length; at += COMMANDS_MAX) {
      const some = commands.slice(at, at + COMMANDS_MAX)
      await this.ask(some.map((command) => `${addressOf(worker)} ${command}`).join(';'))
    }
  }

  /** The worker that serves, then those that finish. */
  async workers(): Promise<readonly Worker[]> {
    return workersIn(await this.ask('show proc'))
  }

  async servers(worker: Worker): Promise<readonly ServerState[]> {
    return serversIn(await this.to(worker, 'show servers state'))
  }

  async rows(worker: Worker): Promise<readonly ServerRow[]> {
    // All proxies, servers only.
    return rowsIn(await this.to(worker, 'show stat -1 4 -1'))
  }
}

function addressOf({ pid, current }: Worker): string {
  return current ? '@1' : `@!${pid}`
}

/** Reads `show proc`: PID, type, reloads, uptime, version; sections are comments. */
export function workersIn(text: string): readonly Worker[] {
  const found: Worker[] = []
  let current = true
  for (const line of text.split('\n')) {
    if (line.startsWith('# old workers')) current = false
    const row = /^(\d+)\s+worker\s/.exec(line)
    if (row) found.push({ pid: Number(row[1]), current })
  }
  return found.sort((a, b) => Number(b.current) - Number(a.current))
}

// srv_admin_state: 1 ordered into maintenance, 4 by the configuration, 32 by resolution; 8 drain (management guide, "show servers state").
const MAINT = 1 | 4 | 32
const DRAIN = 8

/** Reads `show servers state`, version 1: be_name 1, srv_name 3, srv_admin_state 6, srv_check_result 11. */
export function serversIn(text: string): readonly ServerState[] {
  return text.split('\n').flatMap((line): ServerState[] => {
    const fields = line.split(' ')
    if (fields.length < 20 || !/^\d+$/.test(fields[0]!)) return []
    const admin = Number(fields[6])
    const checked = Number(fields[11]) > 0
    return [
      { backend: fields[1]!, name: fields[3]!, checked, maint: (admin & MAINT) !== 0, drain: (admin & DRAIN) !== 0 },
    ]
  })
}

/** Reads `show stat`: CSV whose first line names the columns. */
export function rowsIn(text: string): readonly ServerRow[] {
  const [head = '', ...lines] = text.split('\n')
  const columns = head.replace(/^# /, '').split(',')
  const place = (name: string) => columns.indexOf(name)
  const [backend, name, sessions, status] = [place('pxname'), place('svname'), place('scur'), place('status')]
  return lines.flatMap((line): ServerRow[] => {
    const cells = line.split(',')
    if (cells.length < columns.length - 1) return []
    return [
      {
        backend: cells[backend] ?? '',
        name: cells[name] ?? '',
        sessions: Number(cells[sessions]) || 0,
        status: cells[status] ?? '',
      },
    ]
  })
}
