/** The forms with which a person asks something of a machine, and the words after it was asked. */
import type { Action } from './actions.ts'
import type { Look, Problem } from './desk.ts'
import { type Html, html, NOTHING } from './html.ts'
import { csrfField } from './layout.ts'
import { input, notificationBanner } from './parts.ts'

/**
 * `turn` rises with the machine's history: the same form sent twice is one request, the same request later is another.
 * Field ids are `<action>-<field>`, so that an error can point at them.
 */
export function actionForm(given: {
  readonly path: string
  readonly action: string
  readonly look: Look
  readonly turn: number
  readonly body: Html
  readonly problem?: Problem | undefined
}): Html {
  const { path, action, look, turn, body } = given
  return html`<form method="post" action="${path}/${action}" class="hf-form" novalidate>
${csrfField({ csrf: look.person.csrf })}<input type="hidden" name="turn" value="${turn}">
${body}
</form>`
}

export function reasonField(given: {
  readonly action: string
  readonly label: string
  readonly hint?: string
  readonly problem?: Problem | undefined
}): Html {
  const { action, label, hint, problem } = given
  const mine = problem?.action === action ? problem : undefined
  return input({
    id: `${action}-reason`,
    name: 'reason',
    label,
    ...(hint ? { hint } : {}),
    ...(mine ? { value: mine.values.reason ?? '' } : {}),
    ...(mine?.field === 'reason' ? { error: mine.says } : {}),
  })
}

/** What is said on the page after a form was sent. `asked` comes from the address, so only known words are answered. */
export function askedBanner(asked: string | undefined, actions: readonly Action[]): Html {
  if (asked === 'over') return banner('That had already ended, so nothing was changed.', 'important')
  if (asked === 'gone') return banner('Holdfast does not know that any more. Nothing was changed.', 'important')
  const action = actions.find(({ name }) => name === asked)
  return action ? banner(action.asked, 'success') : NOTHING
}

function banner(text: string, kind: 'success' | 'important'): Html {
  return notificationBanner({ text, kind })
}
