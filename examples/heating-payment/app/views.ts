import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import nunjucks from 'nunjucks'
import { FOLDER } from './folder.ts'

const frontend = dirname(createRequire(import.meta.url).resolve('govuk-frontend/package.json'))

const environment = new nunjucks.Environment(
  new nunjucks.FileSystemLoader([join(FOLDER, 'views'), join(frontend, 'dist')], { noCache: false, watch: false }),
  { autoescape: true, throwOnUndefined: false, trimBlocks: true, lstripBlocks: true },
)

/**
 * GOV.UK Frontend's style sheet with system fonts: the GDS Transport typeface may only be used on service.gov.uk, and this
 * service is not there. The `@font-face` blocks go, and with them every request for a font file.
 */
export const CSS: string = readFileSync(join(frontend, 'dist/govuk/govuk-frontend.min.css'), 'utf8')
  .replace(/@font-face\{[^}]*\}/g, '')
  .replaceAll('GDS Transport,arial,sans-serif', 'system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif')

/**
 * The version is in the query, not in the path: while two releases answer, a page of one may fetch its style from the other,
 * and must get one.
 */
export const CSS_URL = `/assets/service.css?v=${createHash('sha256').update(CSS).digest('hex').slice(0, 12)}`

/** One page as HTML. `view` is a file of views/ without its ending. */
export function render(view: string, context: Readonly<Record<string, unknown>>): string {
  return environment.render(`${view}.njk`, { cssUrl: CSS_URL, ...context })
}
