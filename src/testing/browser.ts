/**
 * A real browser for tests: finds Chromium, opens pages, and asks axe what a person with a disability would meet.
 * Needs the development packages playwright-core and axe-core, and a Chromium on this machine.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
]

/** Where Chromium is, or null. `HOLDFAST_CHROMIUM` names another place. */
export function chromiumPath(env: Readonly<Record<string, string | undefined>> = process.env): string | null {
  const named = env.HOLDFAST_CHROMIUM
  return [...(named ? [named] : []), ...PLACES].find((path) => existsSync(path)) ?? null
}

/** Starts Chromium. The caller closes it. Root needs --no-sandbox; nothing is fetched in the background. */
export async function openBrowser(path: string): Promise<Browser> {
  const { chromium } = await import('playwright-core')
  return chromium.launch({
    executablePath: path,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
    ],
  })
}

export interface AccessibilityFinding {
  readonly rule: string
  readonly help: string
  /** The first elements it was found at, as selectors with their HTML. At most 5. */
  readonly at: readonly string[]
}

export interface AccessibilityAnswer {
  readonly violations: readonly AccessibilityFinding[]
  /** What axe could not tell, for a person to look at. */
  readonly incomplete: readonly AccessibilityFinding[]
  /** How many rules found something to look at and passed; 0 means that nothing was really checked. */
  readonly passed: number
}

/** WCAG 2.0, 2.1 and 2.2 at level A and AA, and the rule on target size, which axe leaves out unless asked. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** Runs axe on the page as it is now, also under a strict content security policy. The browser's JavaScript must be on: axe is a script. */
export async function checkAccessibility(page: Page): Promise<AccessibilityAnswer> {
  const source = await readFile(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
  await page.evaluate(source)
  const answer = (await page.evaluate(
    `axe.run(document, { runOnly: { type: 'tag', values: ${JSON.stringify(TAGS)} }, rules: { 'target-size': { enabled: true } }, resultTypes: ['violations', 'incomplete'] })`,
  )) as Record<
    'violations' | 'incomplete' | 'passes',
    { id: string; help: string; nodes: { target: unknown[]; html: string }[] }[]
  >
  const found = (kind: 'violations' | 'incomplete'): AccessibilityFinding[] =>
    answer[kind].map(({ id, help, nodes }) => ({
      rule: id,
      help,
      at: nodes.slice(0, 5).map(({ target, html }) => `${target.join(' ')}: ${html.slice(0, 200)}`),
    }))
  return { violations: found('violations'), incomplete: found('incomplete'), passed: answer.passes.length }
}

/** By how many CSS pixels the page is wider than its window; 0 or less: nobody has to scroll sideways. */
export async function sidewaysBy(page: Page): Promise<number> {
  return (await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')) as number
}
