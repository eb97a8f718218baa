/**
 * The sample service's pages as a citizen meets them: real Chromium, with and without JavaScript, wide and at 320 px, by
 * keyboard, and axe.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { checkAccessibility, chromiumPath, openBrowser, sidewaysBy } from '../src/testing/browser.ts'
import { type HeatingWorld, openHeating } from './heating-world.ts'

const chromium = chromiumPath()
const skip =
  chromium === null &&
  'NO CHROMIUM ON THIS MACHINE: the service was not looked at. Install it: apt-get install chromium'
if (skip) console.error(`\n*** ${skip} ***\n`)

/** Pages whose name is the last part of their address. */
const STEPS = ['about-you', 'your-home', 'bank-details', 'check-answers', 'confirmation']

describe('the pages of the sample service', { skip }, () => {
  let world: HeatingWorld
  let browser: Browser
  let url: URL
  before(async () => {
    world = await openHeating(['pages'])
    await world.migrate('pages', 'r2')
    url = await world.serve('r2', 'pages')
    browser = await openBrowser(chromium!)
  })
  after(async () => {
    await browser?.close()
    await world?.close()
  })

  /** A page, and whatever the browser complained about. axe is a script itself and needs them on. */
  async function open(width: number, scripts = true) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, javaScriptEnabled: scripts })
    context.setDefaultTimeout(30_000)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      // The browser notes every 4xx page, and our own refusals are meant.
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text())
    })
    page.on('requestfailed', (request) => complaints.push(`${request.url()} ${request.failure()?.errorText}`))
    return { context, page, complaints }
  }

  async function look(page: Page, name: string, scripts: boolean): Promise<void> {
    // A key press does not wait for the page it leads to.
    if (STEPS.includes(name)) await page.waitForURL(`**/apply/${name}`)
    await page.waitForLoadState('load')
    assert.equal(
      await page.locator('script').count(),
      0,
      `${name}: no script, so nothing that could be missed without one`,
    )
    assert.equal(await page.locator('h1').count(), 1, `${name}: one heading`)
    if (!scripts) return
    const { violations, passed } = await checkAccessibility(page)
    assert.deepEqual(violations, [], name)
    assert.ok(passed > 10, `${name}: axe really looked`)
    assert.ok((await sidewaysBy(page)) <= 0, `${name}: nobody scrolls sideways`)
  }

  for (const [width, scripts] of [
    [1280, true],
    [320, true],
    [320, false],
  ] as const) {
    const how = scripts ? 'and every page is accessible' : 'without JavaScript'
    test(`a citizen applies at ${width} px, makes mistakes, mends them, ${how}`, async () => {
      const { context, page, complaints } = await open(width, scripts)
      await page.goto(url.href)
      await look(page, 'start', scripts)
      await page.getByRole('button', { name: 'Start now' }).click()
      await look(page, 'about-you', scripts)
      await page.getByRole('button', { name: 'Continue' }).click()
      await look(page, 'about-you with mistakes', scripts)
      assert.match(await page.title(), /^Error: About you/)
      // From the summary straight to the field.
      await page.getByRole('link', { name: 'Enter your full name' }).click()
      await page.keyboard.type('Asha Verma')
      assert.equal(await page.getByLabel('Full name').inputValue(), 'Asha Verma')
      for (const [part, value] of [
        ['Day', '7'],
        ['Month', '3'],
        ['Year', '1958'],
      ] as const)
        await page.getByLabel(part).fill(value)
      await page.getByLabel('Pension Credit').check()
      await page.getByRole('button', { name: 'Continue' }).click()
      await look(page, 'your-home', scripts)
      await page.getByLabel('Address line 1').fill('4 Quayside')
      await page.getByLabel('Town or city').fill('Newcastle upon Tyne')
      await page.getByLabel('Postcode').fill('ne1 4lp')
      await page.getByLabel('None of these').check()
      await page.getByRole('button', { name: 'Continue' }).click()
      await look(page, 'bank-details', scripts)
      await page.getByLabel('Name on the account').fill('A Verma')
      await page.getByLabel('Sort code').fill('30-94-30')
      await page.getByLabel('Account number').fill('12345678')
      await page.keyboard.press('Enter')
      await look(page, 'check-answers', scripts)
      assert.match((await page.locator('main').textContent())!, /Check your answers/)
      await page.getByRole('link', { name: 'Change town or city' }).click()
      assert.equal(await page.getByLabel('Town or city').inputValue(), 'Newcastle upon Tyne')
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByRole('button', { name: 'Accept and send' }).click()
      await look(page, 'confirmation', scripts)
      assert.equal(new URL(page.url()).pathname, '/apply/confirmation')
      assert.match((await page.locator('.govuk-panel').textContent())!, /Application received/)
      await page.getByRole('link', { name: 'Check your application' }).click()
      await look(page, 'status', scripts)
      await page.goto(new URL('/status?reference=x', url).href)
      await look(page, 'status look-up with a mistake', scripts)
      await page.goto(new URL('/status/HP-2222-2222', url).href)
      await look(page, 'unknown application', scripts)
      await page.goto(new URL('/nope', url).href)
      await look(page, 'page not found', scripts)
      assert.deepEqual(complaints, [])
      await context.close()
    })
  }

  test('the first press of Tab offers to skip to the content', async () => {
    const { context, page } = await open(1280)
    await page.goto(url.href)
    await page.keyboard.press('Tab')
    assert.equal(await page.locator(':focus').textContent(), 'Skip to main content')
    await context.close()
  })

  test('nothing is fetched from elsewhere, and no font at all', async () => {
    const { context, page } = await open(1280)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(url.href)
    assert.ok(
      asked.every((one) => one.startsWith(url.href)),
      asked.join(),
    )
    assert.ok(!asked.some((one) => /font|woff/.test(one)), asked.join())
    const family = await page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily")
    assert.match(String(family), /^system-ui/)
    await context.close()
  })
})
