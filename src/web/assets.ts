/**
 * Style, script and icon, made ready in memory when the console starts. GOV.UK Frontend's stylesheet names a typeface, a crest and
 * font files that only services on GOV.UK may use: they are taken out here, and a check says so if a new version brings others.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { invariant } from '../core/errors.ts'

export interface Asset {
  readonly type: string
  readonly body: Buffer
  /** Compressed when first asked for, not when the console starts. */
  gzipped(): Promise<Buffer>
}

export interface Assets {
  /** Paths for the page. They change with the content, so browsers may keep them for ever. */
  readonly css: string
  readonly js: string
  readonly icon: string
  get(path: string): Asset | undefined
}

export const SYSTEM_FONTS = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#1d70b8" d="M0 0h32v32H0z"/><path fill="#fff" d="M7 7h4v4h3V7h4v4h3V7h4v18h-6v-5h-6v5H7z"/></svg>'

export async function loadAssets(): Promise<Assets> {
  const [govukCss, govukJs, ownCss, ownJs] = await Promise.all([
    readFile(fromGovuk('govuk-frontend.min.css'), 'utf8'),
    readFile(fromGovuk('govuk-frontend.min.js')),
    readFile(new URL('browser/console.css', import.meta.url), 'utf8'),
    readFile(new URL('browser/console.js', import.meta.url)),
  ])
  const css = Buffer.from(`${withoutGovukBrand(govukCss)}\n${ownCss}`)
  const version = createHash('sha256').update(css).update(govukJs).update(ownJs).digest('hex').slice(0, 12)
  const at = (name: string) => `/assets/${version}/${name}`
  const files = new Map<string, Asset>([
    [at('console.css'), assetOf('text/css; charset=utf-8', css)],
    [at('console.js'), assetOf('text/javascript; charset=utf-8', ownJs)],
    [at('govuk-frontend.min.js'), assetOf('text/javascript; charset=utf-8', withoutSourceMap(govukJs))],
    [at('icon.svg'), assetOf('image/svg+xml', Buffer.from(ICON))],
  ])
  return { css: at('console.css'), js: at('console.js'), icon: at('icon.svg'), get: (path) => files.get(path) }
}

function assetOf(type: string, body: Buffer): Asset {
  let gzipped: Promise<Buffer> | undefined
  return {
    type,
    body,
    gzipped: () => {
      gzipped ??= promisify(gzip)(body, { level: 9 })
      return gzipped
    },
  }
}

/** The stylesheet with the system's own typeface, without the crest, and without a reference to any other file. */
export function withoutGovukBrand(css: string): string {
  const changed = css
    .replace(/@font-face\{[^}]*\}/g, '')
    .replaceAll('GDS Transport,arial,sans-serif', SYSTEM_FONTS)
    .replaceAll(/url\(\/assets\/images\/govuk-crest\.svg\)/g, 'none')
    .replace(/\/\*# sourceMappingURL=[^*]*\*\//, '')
  invariant(!/GDS Transport/i.test(changed), 'the stylesheet names no typeface that only GOV.UK may use')
  invariant(!/url\(\/|url\(["']?http/.test(changed), 'the stylesheet asks for no other file')
  return changed
}

function withoutSourceMap(js: Buffer): Buffer {
  return Buffer.from(js.toString().replace(/^\/\/# sourceMappingURL=.*$/m, ''))
}

function fromGovuk(name: string): URL {
  return new URL(`./dist/govuk/${name}`, import.meta.resolve('govuk-frontend/package.json'))
}
