/** What the gates of a station's service are asked with: the definition, the surroundings, the log, commands and reports. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { localCommands } from '../adapters/commands/run.ts'
import { fileReports } from '../adapters/reports/read.ts'
import type { Service } from '../core/define/schema.ts'
import { DRILL_KINDS, type DrillSeen } from '../core/deploy/drill.ts'
import { answerIn, failed, type GateAnswer } from '../core/deploy/gate.ts'
import { type Fact, factsIn } from '../core/deploy/target.ts'
import { messageOf } from '../core/errors.ts'
import type { Instant } from '../core/time.ts'
import type { GateDesk } from '../engine/gates.ts'
import { entry } from '../entry.ts'
import type { Store } from '../ports/store.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Entries read at one time, and all together: a service with more log than this within its drill interval has rolled back somewhere. */
const PAGE = 1_000
const READ_MAX = 50_000
/** A kubeconfig with many clusters stays well under this, in bytes. */
const KUBECONFIG_MAX = 1024 * 1024

export function gateDesk(given: {
  readonly service: Service
  readonly root: string
  readonly store: Store
  readonly env: Env
  readonly serviceEnv: Env
}): GateDesk {
  const { service, root, store, env, serviceEnv } = given
  return {
    service,
    root,
    now: () => store.now(),
    facts: () => factsAround(service, env, serviceEnv),
    drillsSince: (from) => drillsSince(store, service.service.id, from),
    proveAlerts: (paths, msMax) => proveAlerts(root, paths, msMax),
    commands: localCommands(),
    reports: fileReports(),
  }
}

/** What this shell, this machine and the service's settings say of where we are. */
export function factsAround(service: Service, env: Env, serviceEnv: Env): readonly Fact[] {
  const databaseUrl = service.migrations ? serviceEnv[service.migrations.databaseEnv] : undefined
  const context = env.KUBE_CONTEXT ?? kubeContext(env.KUBECONFIG)
  return factsIn(context ? { ...env, KUBE_CONTEXT: context } : env, databaseUrl)
}

/** The context that kubectl would use, when somebody has set KUBECONFIG; the file in the home folder says nothing about this deployment. */
function kubeContext(file: string | undefined): string | undefined {
  if (!file) return undefined
  try {
    const text = readFileSync(file, 'utf8').slice(0, KUBECONFIG_MAX)
    return /^current-context:\s*["']?([^"'\s]{1,200})["']?\s*$/m.exec(text)?.[1]
  } catch {
    return undefined
  }
}

/** From the newest entry backwards, because only the last rollback counts. */
async function drillsSince(store: Store, service: string, from: Instant): Promise<readonly DrillSeen[]> {
  const { size } = await store.head()
  for (let end = size; end > Math.max(0, size - READ_MAX); end -= PAGE) {
    const first = Math.max(0, end - PAGE)
    const rows = await store.log(first, end - first)
    const found = rows.filter((row) => row.service === service && row.at >= from && DRILL_KINDS.has(row.kind))
    if (found.length > 0) return found.map(({ at, kind, subject }) => ({ at, kind, subject }))
    if (rows.length === 0 || rows[0]!.at < from) return []
  }
  return []
}

/** In a process of its own: it is pure arithmetic, and would hold up the engine's heartbeat. */
function proveAlerts(root: string, paths: readonly string[], msMax: number): Promise<GateAnswer> {
  const { command, args } = entry('station/prove-alerts')
  return new Promise((resolve) => {
    const options = { cwd: root, timeout: msMax, maxBuffer: 4 * 1024 * 1024, killSignal: 'SIGKILL' as const }
    execFile(command, [...args, ...paths], options, (thrown, stdout) => {
      try {
        resolve(answerIn(JSON.parse(stdout)))
      } catch {
        const why = thrown?.killed ? 'it took too long' : messageOf(thrown ?? 'it gave no answer').slice(0, 300)
        resolve(failed(`The alerts could not be tried: ${why}.`))
      }
    })
  })
}
