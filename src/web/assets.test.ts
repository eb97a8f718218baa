import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadAssets, withoutGovukBrand } from './assets.ts'
import { CONTENT_SECURITY_POLICY, layout } from './layout.ts'

const assets = await loadAssets()

test('the stylesheet has no typeface, crest or font file that only GOV.UK may use, and asks for nothing else', () => {
  const css = assets.get(assets.css)!.body.toString()
  assert.doesNotMatch(css, /GDS Transport|@font-face|crest|sourceMappingURL/i)
  assert.doesNotMatch(css, /url\((?!none)/)
  assert.match(css, /system-ui/)
})

test('a new GOV.UK Frontend that brings its brand back is noticed', () => {
  assert.throws(() => withoutGovukBrand('.a{font-family:"GDS Transport"}'), /typeface/)
  assert.throws(() => withoutGovukBrand('.a{background:url(/assets/images/other.svg)}'), /no other file/)
})

test('style and script of a page are at most 100 kB as sent', async () => {
  let sum = 0
  for (const path of [assets.css, assets.js, assets.js.replace('console.js', 'govuk-frontend.min.js')]) {
    sum += (await assets.get(path)!.gzipped()).length
  }
  assert.ok(sum <= 100_000, `${sum} bytes`)
})

test("the one inline script is GOV.UK Frontend's own, byte for byte, and is allowed by its hash alone", () => {
  const template = new URL('dist/govuk/template.njk', import.meta.resolve('govuk-frontend/package.json'))
  const theirs = /<script[^>]*>([^<]*)<\/script>/.exec(readFileSync(template, 'utf8'))?.[1]
  const page = layout({ title: 'T', section: null, body: [] }, { now: 0, version: '1', person: null, csrf: '', assets })
  const inline = [...page.matchAll(/<script(?![^>]*src)[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]!)
  assert.deepEqual(inline, [theirs])
  const hash = createHash('sha256').update(inline[0]!).digest('base64')
  assert.ok(CONTENT_SECURITY_POLICY.includes(`'sha256-${hash}'`))
  assert.doesNotMatch(CONTENT_SECURITY_POLICY, /unsafe|\*|https?:/)
  assert.doesNotMatch(page, / style="|<style|javascript:| on[a-z]+="/)
})
