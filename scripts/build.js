// Compiles src/ and the sample service to dist/. In an installed package there is nothing to compile: dist/ is shipped.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = `${root}node_modules/typescript/bin/tsc`
if (existsSync(`${root}src`) && existsSync(tsc)) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  // What browsers load is served as it is.
  cpSync(`${root}src/web/browser`, `${root}dist/src/web/browser`, { recursive: true })
  // One file for the hook that runs at every save. Bundled with the tool that runs our TypeScript tests.
  const { buildSync } = await import('esbuild')
  buildSync({
    entryPoints: [`${root}src/cli/hook-main.ts`],
    outfile: `${root}dist/hook.cjs`,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  })
  process.exit(status ?? 1)
}
