/** Which image a release is, where releases run as containers: one line in the file `image` of the release's folder. */
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from '../core/define/schema.ts'
import { webComponent } from '../core/deploy/plan.ts'
import { EXIT, OpsError } from '../core/errors.ts'

// Registry, name and digest are far shorter.
const LINE_MAX = 1_024
const IMAGE = /^([A-Za-z0-9][A-Za-z0-9._/:-]{0,400})@sha256:[0-9a-f]{64}$/

/**
 * `{ image }` of a release, `{}` for a service that runs as processes. The digest alone is enough where the definition names the image.
 * Throws OpsError NO_IMAGE or IMAGE_WRONG.
 */
export function imageOf(service: Service, root: string, release: string): { readonly image?: string } {
  if (service.runtime.kind !== 'podman') return {}
  const { releases = 'releases', image: named } = webComponent(service)
  const file = join(root, releases, release, 'image')
  const line = firstLine(file)
  if (line === undefined) {
    throw new OpsError('NO_IMAGE', {
      message: `Release ${release} runs as a container, and ${file} does not say which image it is.`,
      fix: `echo '${named ?? 'registry.example.gov.uk/web'}@sha256:…' > ${file}   (your registry names the digest when you push)`,
      exit: EXIT.usage,
    })
  }
  const image = line.startsWith('sha256:') && named ? `${named}@${line}` : line
  const name = IMAGE.exec(image)?.[1]
  if (name !== undefined && (named === undefined || name === named)) return { image }
  throw new OpsError('IMAGE_WRONG', {
    message:
      name === undefined
        ? `${file} does not name an image by its digest: a tag may be another image tomorrow.`
        : `${file} names an image of ${name}, and the definition says ${named}.`,
    fix: `one line in it: ${named ?? 'registry.example.gov.uk/web'}@sha256:…`,
    exit: EXIT.usage,
  })
}

function firstLine(file: string): string | undefined {
  try {
    const handle = openSync(file, 'r')
    try {
      const into = Buffer.alloc(LINE_MAX)
      const text = into.subarray(0, readSync(handle, into, 0, LINE_MAX, 0)).toString('utf8')
      return text.split('\n')[0]!.trim() || undefined
    } finally {
      closeSync(handle)
    }
  } catch {
    return undefined
  }
}
