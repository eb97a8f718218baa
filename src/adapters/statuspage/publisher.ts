/**
 * The status page as plain files: they stay up when the service and Holdfast are down. One folder a service, one page, newest words
 * first. A web server, a bucket or a CDN serves the folder; nothing on the page comes from anywhere else.
 */

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import { isoOf, londonOf } from '../../core/time.ts'
import { escapeHtml } from '../../core/words.ts'
import type { Publication, Published, Publisher } from '../../ports/publisher.ts'
import { type Unreachable, unreachable } from '../../ports/unreachable.ts'

/** Updates kept on the page; older ones stay in the audit log. */
const KEPT = 50

export function statusPage(folder: string): Publisher {
  let tail: Promise<unknown> = Promise.resolve()
  return {
    publish(words) {
      const next = tail.then(() => write(folder, words))
      tail = next
      return next
    },
  }
}

async function write(root: string, words: Publication): Promise<Published | Unreachable> {
  if (!words.approvedBy) return { failed: 'nobody approved these words' }
  const folder = join(root, words.service)
  const data = join(folder, 'updates.json')
  const page = join(folder, 'index.html')
  try {
    await mkdir(folder, { recursive: true })
    const before = JSON.parse(await readFile(data, 'utf8').catch(() => '[]')) as Publication[]
    const updates = [words, ...before.filter(({ id }) => id !== words.id)].slice(0, KEPT)
    await replace(data, `${JSON.stringify(updates, null, 1)}\n`)
    await replace(page, pageOf(updates))
    return { published: page }
  } catch (thrown) {
    return unreachable(`The status page could not be written: ${messageOf(thrown)}`)
  }
}

/** A reader never sees half a file. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

function pageOf(updates: readonly Publication[]): string {
  const items = updates.map(
    ({ title, text, approvedAt }) =>
      `<article><h2>${escapeHtml(title)}</h2><p><time datetime="${isoOf(approvedAt)}">${londonOf(approvedAt)}</time></p>` +
      `${text
        .split(/\n{2,}/)
        .map((part) => `<p>${escapeHtml(part)}</p>`)
        .join('')}</article>`,
  )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Service status</title><style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#0b0c0c}article{border-top:2px solid #b1b4b6;padding:1rem 0}time{color:#505a5f}</style></head>
<body><main><h1>Service status</h1>${items.join('\n')}</main></body></html>
`
}
