import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { plural } from '../core/words.ts'
import { entry } from '../entry.ts'
import { logKey, PUBLIC_FILE } from '../prove/key.ts'
import { writePack } from '../prove/pack.ts'
import type { Station } from '../station/station.ts'

/** Writes the evidence of a deployment and has it checked by the verifier, in a process of its own. Gives the lines to show. */
export async function proveDeployment(station: Station, deployment: string, state: string): Promise<string[]> {
  const folder = `${state}-evidence`
  rmSync(folder, { recursive: true, force: true })
  const pack = await writePack(station.store, deployment, folder, await logKey(state))
  const proven = pack.claims.filter(({ verdict }) => verdict === 'proven').length
  const open = pack.claims.filter(({ verdict }) => verdict === 'not proven').length
  return [
    `${plural(pack.size, 'log entry', 'log entries')} under one signed root; ${proven} of ${pack.claims.length} claims proven, ${open} not proven (and the page says why).`,
    `Independent check: ${await verified(folder, join(state, 'keys', PUBLIC_FILE))}`,
    `Read it: ${join(folder, 'index.html')}`,
  ]
}

async function verified(folder: string, key: string): Promise<string> {
  const { command, args } = entry('cli/main')
  const run = promisify(execFile)(command, [...args, 'prove', 'verify', folder, '--key', key, '--json'])
  const { stdout, stderr } = await run.catch((failed: { stdout?: string; stderr?: string }) => ({
    stdout: failed.stdout ?? '',
    stderr: failed.stderr ?? '',
  }))
  if (!stdout) return `could not run: ${stderr.slice(0, 300)}`
  const said = JSON.parse(stdout) as { intact?: boolean; entries?: number; problems?: unknown[] }
  if (said.intact)
    return `intact, all ${plural(said.entries ?? 0, 'entry', 'entries')} recomputed and the signature holds.`
  return `NOT intact: ${plural(said.problems?.length ?? 0, 'problem')}.`
}
