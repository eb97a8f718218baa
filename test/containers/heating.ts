/** The sample service as images: one bundled file and its views on the image of Node, one image a release. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Podman } from './podman.ts'

export const EXAMPLE = fileURLToPath(new URL('../../examples/heating-payment', import.meta.url))
/** How a replica is started in such an image. */
export const COMMAND = ['/usr/bin/node', '/app/app/main.mjs']

/** What all releases share: the views, and the design system's. */
export function heatingBase(podman: Podman): void {
  const frontend = dirname(createRequire(import.meta.url).resolve('govuk-frontend/package.json'))
  podman.image('heating', {
    'app/views': join(EXAMPLE, 'views'),
    'app/migrations': join(EXAMPLE, 'migrations'),
    'app/node_modules/govuk-frontend/package.json': join(frontend, 'package.json'),
    'app/node_modules/govuk-frontend/dist/govuk': join(frontend, 'dist', 'govuk'),
  })
}

/** The image of a release on top of that, by digest. */
export async function heatingImage(podman: Podman, release: string): Promise<string> {
  // It comes with tsx, and bundles our own hook, too (scripts/build.js).
  const { build } = await import('esbuild')
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bundle-'))
  try {
    const bundle = join(folder, 'main.mjs')
    await build({
      entryPoints: [join(EXAMPLE, 'releases', release, 'main.ts')],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      external: ['pg-native', 'chokidar'],
      banner: {
        js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
      },
      logLevel: 'warning',
    })
    const migrations = join(EXAMPLE, 'releases', release, 'migrations')
    const files = {
      'app/app/main.mjs': bundle,
      ...(existsSync(migrations) ? { [`app/releases/${release}/migrations`]: migrations } : {}),
    }
    return podman.image(`heating-${release}`, files, 'heating')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
