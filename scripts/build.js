// Compiles src/ and the sample service to dist/. In an installed package there is nothing to compile: dist/ is shipped.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = `${root}node_modules/typescript/bin/tsc`
if (existsSync(`${root}src`) && existsSync(tsc)) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  // What browsers load is served as it is.
  cpSync(`${root}src/web/browser`, `${root}dist/src/web/browser`, { recursive: true })
  // One file for each command whose start is felt: the hook at every save, check, and the kit after every change of the definition. By the tool that runs our TypeScript tests.
  const { buildSync } = await import('esbuild')
  for (const name of ['hook', 'check', 'kit']) {
    const { outputFiles } = buildSync({
      entryPoints: [`${root}src/cli/${name}-main.ts`],
      write: false,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      minify: true,
      legalComments: 'none',
      logLevel: 'warning',
      // Of its parser alone a third is left, and it starts with less.
      alias: { yaml: `${root}node_modules/yaml/browser/dist/index.js` },
      // What is loaded late is in the bundle too, and finds its place in the package by the bundle's own.
      supported: { 'dynamic-import': false },
      define: { 'import.meta.url': '__bundle_url' },
      banner: { js: "const __bundle_url = require('node:url').pathToFileURL(__filename).href;" },
    })
    const code = outputFiles[0].text
    // Names its compiled code in the cache (bin/bundle.cjs), so that nobody has to read a megabyte for a name.
    const digest = createHash('sha256').update(code).digest('hex').slice(0, 32)
    writeFileSync(`${root}dist/${name}.cjs`, `//${digest}\n${code}`)
  }
  process.exit(status ?? 1)
}
