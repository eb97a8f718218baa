/** Runs promtool on a generated test, where promtool is installed: a second opinion on our own evaluation. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Opinion =
  | { readonly agrees: true }
  | { readonly agrees: false; readonly says: string }
  | { readonly absent: true }

/** Writes both files into a folder of its own, runs `promtool test rules` there, and removes it again. */
export function promtool(rules: string, test: string): Opinion {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-promtool-'))
  try {
    writeFileSync(join(folder, 'rules.json'), rules)
    writeFileSync(join(folder, 'test.json'), test)
    const { status, error, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'test.json'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
      maxBuffer: 16_000_000,
    })
    if (error && (error as NodeJS.ErrnoException).code === 'ENOENT') return { absent: true }
    if (status === 0) return { agrees: true }
    return { agrees: false, says: `${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`.trim().slice(0, 1_000) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
