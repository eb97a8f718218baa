/** The evidence page as an auditor opens it: from a folder, in a real browser, wide and on a phone. */
import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { memoryStore } from '../src/adapters/memory/store.ts'
import { logKey } from '../src/prove/key.ts'
import { writePack } from '../src/prove/pack.ts'
import { checkAccessibility, chromiumPath, openBrowser, sidewaysBy } from '../src/testing/browser.ts'
import { DEPLOYMENT, takenBackLog } from '../src/testing/deployment-log.ts'
import { removeFolder } from './folder.ts'

const chromium = chromiumPath()
const skip = chromium === null ? 'NO CHROMIUM ON THIS MACHINE: the evidence page was not looked at' : false
if (skip) console.error(`\n*** ${skip} ***\n`)

let browser: Browser
let folder: string
before(async () => {
  if (!chromium) return
  browser = await openBrowser(chromium)
  folder = await mkdtemp(join(tmpdir(), 'holdfast-page-'))
  let now = Date.UTC(2026, 10, 23, 3)
  const store = memoryStore({ now: () => now })
  // One approval is missing, so that the page also shows what is not proven.
  for (const entry of takenBackLog(now).filter(({ kind }) => kind !== 'approval.given')) {
    now += 100
    await store.record('heating-payment', [entry])
  }
  await writePack(store, DEPLOYMENT, folder, await logKey(folder))
})
after(async () => {
  await browser?.close()
  if (folder) removeFolder(folder)
})

for (const width of [1280, 320]) {
  test(`the evidence page is accessible and loads nothing at ${width} px`, { skip }, async () => {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      javaScriptEnabled: true,
      bypassCSP: true,
    })
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    const url = pathToFileURL(join(folder, 'index.html')).href
    await page.goto(url)
    assert.deepEqual(asked, [url])
    assert.equal(await page.locator('h1').textContent(), `Evidence for deployment ${DEPLOYMENT}`)
    assert.match(String(await page.locator('.lede').textContent()), /14 of the 15 claims .* are proven; 1 not proven/)
    assert.equal(await sidewaysBy(page), 0, 'nothing has to be scrolled sideways')
    const { violations } = await checkAccessibility(page)
    assert.deepEqual(violations, [])
    if (process.env.SHOTS)
      await page.screenshot({ path: join(process.env.SHOTS, `evidence-${width}.png`), fullPage: true })
    await context.close()
  })
}
