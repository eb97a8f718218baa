/** All runbooks in one file for a phone without network: no script, nothing from elsewhere. */
import type { Service } from '../define/schema.ts'
import { markdownHtml } from '../respond/runbook.ts'
import { escapeHtml as html } from '../words.ts'
import { type KitFile, single } from './file.ts'
import { modesOf } from './source.ts'

export function offlineFile(service: Service, runbooks: readonly KitFile[]): KitFile {
  const ids = new Map(runbooks.map((file) => [file.path, file.path.split('/').at(-1)!.replace('.md', '')]))
  // Another runbook is in this file too: on a phone its path leads nowhere.
  const linked = (body: string) =>
    body.replace(/<code>([^<]+)<\/code>/g, (code, path: string) =>
      ids.has(path) ? `<a href="#${ids.get(path)!}">${code}</a>` : code,
    )
  const bodies = runbooks.map((file) => ({
    id: ids.get(file.path)!,
    body: linked(markdownHtml(file.passages.map((passage) => passage.text).join('\n'))),
  }))
  const names = new Map(modesOf(service).map((mode) => [mode.id, mode]))
  const text = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Runbooks – ${html(service.service.name)}</title>
<style>
body{margin:0 auto;max-width:45em;padding:0 1em;font:18px/1.45 arial,sans-serif;color:#0b0c0c;background:#fff;overflow-wrap:anywhere}
h1{border-top:6px solid #1d70b8;padding-top:.5em}
pre{background:#f3f2f1;padding:.7em;white-space:pre-wrap}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #505a5f;padding:.3em;text-align:left;vertical-align:top}
a{color:#1d70b8}
a:focus{outline:3px solid #fd0;background:#fd0;color:#0b0c0c}
</style>
</head>
<body>
<main>
<p id="all"><strong>${html(service.service.name)}.</strong> What do citizens see?</p>
<ul>
${bodies.map(({ id }) => `<li><a href="#${id}">${html(names.get(id)?.citizenSees ?? id)}</a></li>`).join('\n')}
</ul>
${bodies.map(({ id, body }) => `<section id="${id}">\n${body}<p><a href="#all">All runbooks</a></p>\n</section>`).join('\n')}
</main>
</body>
</html>`
  return single('runbooks', 'ops/runbooks/offline.html', [['failureModes']], text)
}
