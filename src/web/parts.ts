/**
 * The parts of GOV.UK Frontend that the console uses, as typed functions. parts.test.ts holds each of them to the fixtures
 * that GOV.UK Frontend ships for its own macros (docs/adr/0010-console.md).
 */
import { attributes, type Html, html, NOTHING, type Part } from './html.ts'

export type TagColour = 'grey' | 'turquoise' | 'green' | 'purple' | 'pink' | 'red' | 'orange' | 'yellow'

/** A word in a coloured box. The word carries the meaning; the colour only helps to find it. */
export function tag(text: string, colour?: TagColour): Html {
  return html`<strong class="govuk-tag${colour ? ` govuk-tag--${colour}` : ''}">${text}</strong>`
}

export interface Button {
  readonly text: Part
  readonly kind?: 'secondary' | 'warning'
  readonly classes?: string
  readonly name?: string
  readonly value?: string
  readonly id?: string
}

/** Submits its form, once: a second click within a second is dropped where JavaScript is on. */
export function button(given: Button): Html {
  const kind = given.kind ? ` govuk-button--${given.kind}` : ''
  const classes = `govuk-button${kind}${given.classes ? ` ${given.classes}` : ''}`
  const named = attributes({ value: given.value, type: 'submit', name: given.name })
  const rest = attributes({
    class: classes,
    'data-module': 'govuk-button',
    'data-prevent-double-click': 'true',
    id: given.id,
  })
  return html`<button${named}${rest}>${given.text}</button>`
}

export function details(given: {
  readonly summary: Part
  readonly body: Part
  readonly id?: string
  readonly open?: boolean
}): Html {
  return html`<details${attributes({ id: given.id, class: 'govuk-details', open: given.open === true })}>
  <summary class="govuk-details__summary"><span class="govuk-details__summary-text">${given.summary}</span></summary>
  <div class="govuk-details__text">${given.body}</div>
</details>`
}

/** What is wrong with a form, each with a link to the field. */
export function errorSummary(errors: readonly { readonly text: string; readonly href?: string }[]): Html {
  if (errors.length === 0) return NOTHING
  return html`<div class="govuk-error-summary" data-module="govuk-error-summary">
  <div role="alert">
    <h2 class="govuk-error-summary__title">There is a problem</h2>
    <div class="govuk-error-summary__body">
      <ul class="govuk-list govuk-error-summary__list">
        ${errors.map(({ text, href }) => html`<li>${href ? html`<a href="${href}">${text}</a>` : text}</li>`)}
      </ul>
    </div>
  </div>
</div>`
}

export interface Field {
  readonly id: string
  readonly name: string
  readonly label: string
  readonly hint?: string
  readonly error?: string
  readonly value?: string
}

export function input(given: Field & { readonly autocomplete?: string; readonly width?: 20 | 30 }): Html {
  const classes = `govuk-input${given.error ? ' govuk-input--error' : ''}${given.width ? ` govuk-input--width-${given.width}` : ''}`
  const rest = attributes({
    class: classes,
    id: given.id,
    name: given.name,
    type: 'text',
    value: given.value,
    'aria-describedby': describedBy(given),
    autocomplete: given.autocomplete,
  })
  return group(given, html`<input${rest}>`)
}

export function textarea(given: Field & { readonly rows?: number }): Html {
  const rest = attributes({
    class: `govuk-textarea${given.error ? ' govuk-textarea--error' : ''}`,
    id: given.id,
    name: given.name,
    rows: given.rows ?? 5,
    'aria-describedby': describedBy(given),
  })
  return group(given, html`<textarea${rest}>${given.value ?? ''}</textarea>`)
}

function group(given: Field, control: Html): Html {
  return html`<div class="govuk-form-group${given.error ? ' govuk-form-group--error' : ''}">
  <label class="govuk-label" for="${given.id}">${given.label}</label>
  ${given.hint ? html`<div id="${given.id}-hint" class="govuk-hint">${given.hint}</div>` : null}
  ${
    given.error
      ? html`<p id="${given.id}-error" class="govuk-error-message"><span class="govuk-visually-hidden">Error:</span> ${given.error}</p>`
      : null
  }
  ${control}
</div>`
}

function describedBy(given: Field): string | undefined {
  const ids = [given.hint && `${given.id}-hint`, given.error && `${given.id}-error`].filter(Boolean)
  return ids.length > 0 ? ids.join(' ') : undefined
}

export function insetText(body: Part): Html {
  return html`<div class="govuk-inset-text">${body}</div>`
}

/** Says what just happened ("success", announced at once) or what to know before reading on. */
export function notificationBanner(given: { readonly text: Part; readonly kind: 'important' | 'success' }): Html {
  const success = given.kind === 'success'
  return html`<div class="govuk-notification-banner${success ? ' govuk-notification-banner--success' : ''}" role="${success ? 'alert' : 'region'}" aria-labelledby="govuk-notification-banner-title" data-module="govuk-notification-banner">
  <div class="govuk-notification-banner__header">
    <h2 class="govuk-notification-banner__title" id="govuk-notification-banner-title">${success ? 'Success' : 'Important'}</h2>
  </div>
  <div class="govuk-notification-banner__content"><p class="govuk-notification-banner__heading">${given.text}</p></div>
</div>`
}

export function warningText(body: Part): Html {
  return html`<div class="govuk-warning-text">
  <span class="govuk-warning-text__icon" aria-hidden="true">!</span>
  <strong class="govuk-warning-text__text"><span class="govuk-visually-hidden">Warning</span> ${body}</strong>
</div>`
}

/** Facts, one a row. */
export function summaryList(rows: readonly { readonly key: Part; readonly value: Part }[]): Html {
  return html`<dl class="govuk-summary-list">${rows.map(
    ({ key, value }) => html`
  <div class="govuk-summary-list__row">
    <dt class="govuk-summary-list__key">${key}</dt>
    <dd class="govuk-summary-list__value">${value}</dd>
  </div>`,
  )}
</dl>`
}

export interface Column {
  readonly text: Part
  /** Numbers stand right, so that their digits line up. */
  readonly numeric?: boolean
}

export interface Table {
  readonly caption: Part
  /** Size of the caption: "m" below a page title, "hidden" where a heading above already says it. */
  readonly captionSize?: 's' | 'm' | 'hidden'
  readonly head: readonly Column[]
  readonly rows: readonly (readonly Part[])[]
  readonly firstCellIsHeader?: boolean
}

export function table(given: Table): Html {
  const size =
    given.captionSize === 'hidden' ? 'govuk-visually-hidden' : `govuk-table__caption--${given.captionSize ?? 's'}`
  const numeric = (i: number, kind: 'header' | 'cell') =>
    given.head[i]?.numeric ? ` govuk-table__${kind}--numeric` : ''
  return html`<table class="govuk-table">
  <caption class="govuk-table__caption ${size}">${given.caption}</caption>
  <thead class="govuk-table__head">
    <tr class="govuk-table__row">
      ${given.head.map(({ text }, i) => html`<th scope="col" class="govuk-table__header${numeric(i, 'header')}">${text}</th>`)}
    </tr>
  </thead>
  <tbody class="govuk-table__body">
    ${given.rows.map(
      (cells) =>
        html`<tr class="govuk-table__row">${cells.map((cell, i) =>
          i === 0 && given.firstCellIsHeader
            ? html`<th scope="row" class="govuk-table__header">${cell}</th>`
            : html`<td class="govuk-table__cell${numeric(i, 'cell')}">${cell}</td>`,
        )}</tr>`,
    )}
  </tbody>
</table>`
}

/** A wide table in a box of its own that scrolls sideways, by keyboard too, so that the page never has to. */
export function wideTable(given: Table & { readonly label: string }): Html {
  return html`<div class="hf-scroll" role="region" tabindex="0" aria-label="${given.label}">${table(given)}</div>`
}

export interface Way {
  readonly href: string
  /** Instead of "Previous page" and "Next page". */
  readonly text?: string
  readonly label?: string
}

/** Older and newer, or the like: blocks with an arrow. */
export function pagination(given: { readonly previous?: Way; readonly next?: Way }): Html {
  if (!given.previous && !given.next) return NOTHING
  return html`<nav class="govuk-pagination govuk-pagination--block" aria-label="Pagination">
  ${given.previous ? block('prev', 'Previous', PREVIOUS_ARROW, given.previous) : null}
  ${given.next ? block('next', 'Next', NEXT_ARROW, given.next) : null}
</nav>`
}

const PREVIOUS_ARROW =
  'm6.5938-0.0078125-6.7266 6.7266 6.7441 6.4062 1.377-1.449-4.1856-3.9768h12.896v-2h-12.984l4.2931-4.293-1.414-1.414z'
const NEXT_ARROW =
  'm8.107-0.0078125-1.4136 1.414 4.2926 4.293h-12.986v2h12.896l-4.1855 3.9766 1.377 1.4492 6.7441-6.4062-6.7246-6.7266z'

function block(rel: 'prev' | 'next', word: string, arrow: string, way: Way): Html {
  const label = way.label
    ? html`<span class="govuk-visually-hidden">:</span>
      <span class="govuk-pagination__link-label">${way.label}</span>`
    : NOTHING
  const decorated = way.label ? '' : ' govuk-pagination__link-title--decorated'
  return html`<div class="govuk-pagination__${rel}">
    <a class="govuk-link govuk-pagination__link" href="${way.href}" rel="${rel}">
      <svg class="govuk-pagination__icon govuk-pagination__icon--${rel}" xmlns="http://www.w3.org/2000/svg" height="13" width="15" aria-hidden="true" focusable="false" viewBox="0 0 15 13"><path d="${arrow}"></path></svg>
      <span class="govuk-pagination__link-title${decorated}">${way.text ?? html`${word}<span class="govuk-visually-hidden"> page</span>`}</span>
      ${label}
    </a>
  </div>`
}

export function breadcrumbs(items: readonly { readonly text: string; readonly href: string }[]): Html {
  return html`<nav class="govuk-breadcrumbs" aria-label="Breadcrumb">
  <ol class="govuk-breadcrumbs__list">${items.map(
    ({ text, href }) => html`
    <li class="govuk-breadcrumbs__list-item"><a class="govuk-breadcrumbs__link" href="${href}">${text}</a></li>`,
  )}
  </ol>
</nav>`
}

export function skipLink(): Html {
  return html`<a href="#main-content" class="govuk-skip-link" data-module="govuk-skip-link">Skip to main content</a>`
}

export function genericHeader(logoText: string, url: string): Html {
  return html`<div class="govuk-generic-header">
  <div class="govuk-generic-header__container govuk-width-container">
    <div class="govuk-generic-header__logo">
      <a href="${url}" class="govuk-generic-header__homepage-link">${logoText}</a>
    </div>
  </div>
</div>`
}

export interface NavigationItem {
  readonly text: string
  readonly href: string
  /** `page`: we are on it. `section`: we are below it. */
  readonly current?: 'page' | 'section'
}

/** The bar below the header. `end` is put after the list's last item. */
export function serviceNavigation(items: readonly NavigationItem[], end: Part = null): Html {
  return html`<div class="govuk-service-navigation" data-module="govuk-service-navigation">
  <div class="govuk-width-container">
    <div class="govuk-service-navigation__container">
      <nav aria-label="Menu" class="govuk-service-navigation__wrapper">
        <button type="button" class="govuk-service-navigation__toggle govuk-js-service-navigation-toggle" aria-controls="navigation" hidden aria-hidden="true">Menu</button>
        <ul class="govuk-service-navigation__list" id="navigation">
          ${items.map(
            ({ text, href, current }) =>
              html`<li class="govuk-service-navigation__item${current ? ' govuk-service-navigation__item--active' : ''}">
            <a class="govuk-service-navigation__link" href="${href}"${attributes({ 'aria-current': current && (current === 'page' ? 'page' : 'true') })}>${
              current ? html`<strong class="govuk-service-navigation__active-fallback">${text}</strong>` : text
            }</a>
          </li>`,
          )}
          ${end}
        </ul>
      </nav>
    </div>
  </div>
</div>`
}
