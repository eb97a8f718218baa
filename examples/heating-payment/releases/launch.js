// Runs a release: `node releases/r1/main.js`. The compiled one (all that an installed package needs), unless this is a checkout
// whose sources are newer: then those, through tsx. So nobody ever tries out yesterday's code.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** @param {string} main URL of the release's main.js */
export async function launch(main) {
  const release = dirname(fileURLToPath(main))
  const example = dirname(dirname(release))
  const root = dirname(dirname(example))
  const compiled = join(root, 'dist', relative(root, release), 'main.js')
  // A package has no src/ folder, and no tsx.
  const checkout = existsSync(join(root, 'src'))
  const built = newest(join(root, 'dist', relative(root, example)), '.js')
  if (!checkout || built >= newest(example, '.ts')) return import(pathToFileURL(compiled).href)
  const { register } = await import('tsx/esm/api')
  register()
  return import(pathToFileURL(join(release, 'main.ts')).href)
}

/** When the newest file of the service's code was written, in ms; 0: there is none. */
function newest(folder, ending) {
  const times = ['app', 'releases'].flatMap((part) => {
    try {
      return readdirSync(join(folder, part), { recursive: true, withFileTypes: true })
        .filter((file) => file.isFile() && file.name.endsWith(ending))
        .map((file) => statSync(join(file.parentPath ?? file.path, file.name)).mtimeMs)
    } catch {
      return []
    }
  })
  return Math.max(0, ...times)
}
