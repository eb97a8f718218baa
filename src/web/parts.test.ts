import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Html, raw } from './html.ts'
import * as parts from './parts.ts'

// GOV.UK Frontend ships, for each of its macros, options and the HTML they give. Ours has fewer options; where ours can say the
// same, it has to give the same.
interface Fixture {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: the fixtures are what they are; a wrong guess fails the comparison.
  readonly options: any
  readonly html: string
}

function fixtureOf(component: string, name: string): Fixture {
  const path = `govuk-frontend/dist/govuk/components/${component}/fixtures.json`
  const folder = import.meta.resolve('govuk-frontend/package.json').replace(/package\.json$/, '')
  const file = new URL(path.replace('govuk-frontend/', ''), folder)
  const { fixtures } = JSON.parse(readFileSync(file, 'utf8')) as { fixtures: Fixture[] }
  const found = fixtures.find((one) => one.name === name)
  assert.ok(found, `${component} has no fixture "${name}": GOV.UK Frontend has changed`)
  return found
}

/** White space and the order of attributes mean nothing. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/<([a-z][a-z0-9]*)((?: [^<>]*?)?) ?(\/?)>/gi, (_, name: string, attributes: string, end: string) => {
      const pairs = attributes.match(/[a-z-]+(="[^"]*")?/gi) ?? []
      return `<${name} ${pairs.sort().join(' ')}${end}>`
    })
    .replace(/ ?(<[^>]*>) ?/g, '$1')
    .trim()
}

const text = (given: { text?: string; html?: string }) =>
  given.html === undefined ? (given.text ?? '') : raw(given.html)

const CASES: readonly (readonly [string, string, (options: Fixture['options']) => Html])[] = [
  ['tag', 'default', (o) => parts.tag(o.text)],
  ['tag', 'red', (o) => parts.tag(o.text, 'red')],
  ['tag', 'html as text', (o) => parts.tag(o.text)],
  ['details', 'default', (o) => parts.details({ summary: o.summaryText, body: o.text })],
  ['details', 'expanded', (o) => parts.details({ id: o.id, summary: o.summaryText, body: o.text, open: true })],
  ['error-summary', 'default', (o) => parts.errorSummary(o.errorList)],
  ['input', 'default', (o) => parts.input({ id: o.name, name: o.name, label: o.label.text })],
  [
    'input',
    'with error and hint',
    (o) => parts.input({ id: o.id, name: o.name, label: o.label.text, hint: o.hint.text, error: o.errorMessage.text }),
  ],
  [
    'input',
    'with autocomplete attribute',
    (o) => parts.input({ id: o.id, name: o.name, label: o.label.text, autocomplete: o.autocomplete }),
  ],
  ['textarea', 'default', (o) => parts.textarea({ id: o.name, name: o.name, label: o.label.text })],
  [
    'textarea',
    'with hint and error message',
    (o) =>
      parts.textarea({ id: o.id, name: o.name, label: o.label.text, hint: o.hint.text, error: o.errorMessage.text }),
  ],
  ['inset-text', 'default', (o) => parts.insetText(text(o))],
  ['notification-banner', 'default', (o) => parts.notificationBanner({ text: text(o), kind: 'important' })],
  ['notification-banner', 'with type as success', (o) => parts.notificationBanner({ text: text(o), kind: 'success' })],
  ['warning-text', 'default', (o) => parts.warningText(o.text)],
  [
    'summary-list',
    'default',
    (o) =>
      parts.summaryList(
        o.rows.map((row: { key: { text: string }; value: { text?: string; html?: string } }) => ({
          key: row.key.text,
          value: text(row.value),
        })),
      ),
  ],
  ['pagination', 'with prev and next only', (o) => parts.pagination({ previous: o.previous, next: o.next })],
  [
    'pagination',
    'with prev and next only and labels',
    (o) =>
      parts.pagination({
        previous: { href: o.previous.href, text: o.previous.text, label: o.previous.labelText },
        next: { href: o.next.href, text: o.next.text, label: o.next.labelText },
      }),
  ],
  ['breadcrumbs', 'default', (o) => parts.breadcrumbs(o.items)],
  ['generic-header', 'default', (o) => parts.genericHeader(o.logoText, '/')],
  [
    'service-navigation',
    'with navigation with a current item',
    (o) =>
      parts.serviceNavigation(
        o.navigation.map((item: { text: string; href: string; current?: boolean }) => ({
          text: item.text,
          href: item.href,
          ...(item.current ? { current: 'page' } : {}),
        })),
      ),
  ],
]

for (const [component, name, ours] of CASES) {
  test(`our ${component} gives the HTML of GOV.UK Frontend's fixture "${name}"`, () => {
    const { options, html } = fixtureOf(component, name)
    assert.equal(plain(ours(options).text), plain(html))
  })
}

test('our button is their button, and is sent only once however often it is pressed', () => {
  const theirs = fixtureOf('button', 'prevent double click')
  assert.equal(plain(parts.button({ text: theirs.options.text }).text), plain(theirs.html))
  const warning = parts.button({ text: 'Warning button', kind: 'warning', name: 'Warning' }).text
  assert.match(warning, /class="govuk-button govuk-button--warning"/)
})

test('our table is their table, with a caption always', () => {
  const { options, html } = fixtureOf('table', 'with head and caption')
  type Cell = { text: string; format?: string }
  const ours = parts.table({
    caption: options.caption,
    captionSize: 'm',
    firstCellIsHeader: options.firstCellIsHeader === true,
    head: options.head.map((cell: Cell) => ({ text: cell.text, numeric: cell.format === 'numeric' })),
    rows: options.rows.map((row: Cell[]) => row.map((cell) => cell.text)),
  })
  assert.equal(plain(ours.text), plain(html))
})
