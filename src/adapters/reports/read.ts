/** Reads report files of this machine, inside the folders given and nowhere else. */
import { createHash } from 'node:crypto'
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import type { Found, Reports } from '../../ports/reports.ts'

const BYTES_MAX = 16 * 1_024 * 1_024

export function fileReports(): Reports {
  return { read: async (path, folders) => read(path, folders) }
}

function read(path: string, folders: readonly string[]): Found {
  for (const folder of folders) {
    try {
      const home = realpathSync(folder)
      const file = realpathSync(join(home, path))
      if (!file.startsWith(home + sep)) return { found: false, why: `${path} leads out of ${folder}.` }
      const { size, mtimeMs } = statSync(file)
      if (size > BYTES_MAX)
        return { found: false, why: `${path} has ${Math.round(size / 1e6)} MB; 16 MB are read at most.` }
      const bytes = readFileSync(file)
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
      return { found: true, path, text: bytes.toString('utf8'), writtenAt: Math.round(mtimeMs), digest }
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException
      if (code !== 'ENOENT' && code !== 'ENOTDIR')
        return { found: false, why: `${path} cannot be read: ${messageOf(thrown)}.` }
    }
  }
  return { found: false, why: `There is no ${path}.` }
}
