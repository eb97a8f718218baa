/** Runs promtool on a generated test, where promtool is installed: a second opinion on our own evaluation. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Opinion =
  | { readonly agrees: true }
  | { readonly agrees: false; readonly says: string }
  | { readonly absent: true }

const TIMEOUT_MS = 60_000

/**
 * Writes both files into a folder of its own, runs `promtool test rules` there, and removes it again. Never rejects for what promtool
 * says or does; a time-out counts as disagreement.
 */
export async function promtool(rules: string, test: string): Promise<Opinion> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-promtool-'))
  try {
    await Promise.all([writeFile(join(folder, 'rules.json'), rules), writeFile(join(folder, 'test.json'), test)])
    return await run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function run(cwd: string): Promise<Opinion> {
  const options = { cwd, timeout: TIMEOUT_MS, maxBuffer: 16_000_000, encoding: 'utf8' as const }
  return new Promise((resolve) => {
    execFile('promtool', ['test', 'rules', 'test.json'], options, (error, stdout, stderr) => {
      if (!error) resolve({ agrees: true })
      else if (error.code === 'ENOENT') resolve({ absent: true })
      else
        resolve({
          agrees: false,
          says: `${error.killed ? 'promtool took too long. ' : ''}${stdout}${stderr}`.trim().slice(0, 2_000),
        })
    })
  })
}
