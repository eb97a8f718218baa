/**
 * Is this process still the one that we started? A pid alone does not say: pids come round again, and where PID 1 does not
 * reap, a dead orphan stays in the table as a zombie for ever. So we keep the moment at which the kernel started it.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Environment variable with a random token that a replica and all its children carry. */
export const TOKEN = 'HOLDFAST_INSTANCE'

const linux = process.platform === 'linux'

/** What tells a process from a later one with the same pid; undefined: no such process, or it is dead. */
export function identityOf(pid: number): string | undefined {
  return linux ? linuxIdentityOf(pid) : psIdentityOf(pid)
}

export function isAlive(pid: number, identity: string): boolean {
  return identityOf(pid) === identity
}

/**
 * Sends a signal to the process and everything it started (its process group). On Linux only to those that carry the token,
 * so that a group number which came round again hurts nobody. Returns false when nobody was left to get it.
 */
export function signalGroup(pid: number, token: string, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  if (!linux) return trySignal(-pid, signal)
  return membersOf(pid, token).filter((member) => trySignal(member, signal)).length > 0
}

/** True while the process or anything it started lives. */
export function isGroupAlive(pid: number, token: string): boolean {
  return linux ? membersOf(pid, token).length > 0 : trySignal(-pid, 0)
}

/** The leader of the group that carries the token: how a replica is found whose pid was never written down. Linux only. */
export function findByToken(token: string): number | undefined {
  if (!linux) return undefined
  return pids().find((pid) => statOf(pid)?.group === pid && carries(pid, token))
}

interface Stat {
  readonly state: string
  readonly group: number
  readonly startTicks: string
}

let boot: string | undefined

function linuxIdentityOf(pid: number): string | undefined {
  const stat = statOf(pid)
  if (!stat) return undefined
  // Ticks count from the boot, so the boot is part of it.
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${boot}:${stat.startTicks}`
}

/** /proc/PID/stat of a process that lives; zombies and the dead have none for us. Fields: proc(5). */
function statOf(pid: number): Stat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The name in brackets may hold spaces and brackets itself, so fields are counted from its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state = 'X', , group = '0'] = fields
  if (state === 'Z' || state === 'X') return undefined
  return { state, group: Number(group), startTicks: fields[19] ?? '' }
}

function membersOf(group: number, token: string): readonly number[] {
  return pids().filter((pid) => statOf(pid)?.group === group && carries(pid, token))
}

function pids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function carries(pid: number, token: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${TOKEN}=${token}`)
  } catch {
    return false
  }
}

function psIdentityOf(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 2_000,
    }).trim()
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '')
  } catch {
    return undefined
  }
}

function trySignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
