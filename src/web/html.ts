/**
 * HTML that cannot be written wrong: `html` escapes every value by itself, and only another `html` goes in as it is. There
 * is no way to leave a value undefined, and no `| safe` to forget.
 */
import { invariant } from '../core/errors.ts'
import { escapeHtml } from '../core/words.ts'

/** A piece of finished HTML. Only `html`, `raw` and `join` make one. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}

/** What may stand in a template: text (escaped), finished HTML, a list of either; `false` and `null` are nothing. */
export type Part = Html | string | number | false | null | readonly Part[]

export const NOTHING = new Html('')

/** A template: `` html`<p>${sentence}</p>` ``. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0]!
  for (let i = 0; i < parts.length; i++) text += textOf(parts[i]!) + strings[i + 1]!
  return new Html(text)
}

/** HTML from somewhere that already escapes (the runbook renderer). Never for anything a person or a service wrote. */
export function raw(text: string): Html {
  return new Html(text)
}

function textOf(part: Part): string {
  invariant(part !== undefined, 'a page is given every value it shows')
  if (part instanceof Html) return part.text
  if (part === false || part === null) return ''
  if (typeof part === 'string') return escapeHtml(part)
  if (typeof part === 'number') return String(part)
  return part.map(textOf).join('')
}

/** Attributes with a value; those that are `false` or absent are left out, and `true` stands alone. Starts with a space. */
export function attributes(pairs: Readonly<Record<string, string | number | boolean | undefined>>): Html {
  let text = ''
  for (const [name, value] of Object.entries(pairs)) {
    if (value === undefined || value === false) continue
    text += value === true ? ` ${name}` : ` ${name}="${escapeHtml(String(value))}"`
  }
  return new Html(text)
}
