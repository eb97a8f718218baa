/** The audit log as a person reads it: what was decided, by whom, why; and the hashes that prove that nothing was changed or left out. */
import { canonicalJson } from '../../core/json.ts'
import { inclusionProof } from '../../core/prove/proof.ts'
import { isoOf } from '../../core/time.ts'
import { countOf, plural } from '../../core/words.ts'
import type { LogHead, LogRow, Store } from '../../ports/store.ts'
import type { Asked, Look } from '../desk.ts'
import { type Html, html, NOTHING } from '../html.ts'
import { Region, type Screen } from '../layout.ts'
import { moment } from '../moment.ts'
import { breadcrumbs, button, input, pagination, summaryList } from '../parts.ts'

const PAGE_SIZE = 50
/** Above this a proof is made on the command line: it reads every leaf. */
const PROOF_LEAVES_MAX = 200_000
const LEAVES_A_READ = 5_000

export async function logPage(look: Look, asked: Asked): Promise<Screen> {
  const { store } = look
  const subject = (asked.query.subject ?? '').trim().slice(0, 200)
  const head = await store.head()
  const page = subject
    ? await bySubject(store, subject, asked.query.from)
    : await newest(store, head, asked.query.before)
  const list =
    page.rows.length === 0
      ? html`<p class="govuk-body">${subject ? `Nothing in the log is about “${subject}”.` : 'The log is empty.'}</p>`
      : html`<ol class="hf-log">${page.rows.map(rowHtml)}</ol>${page.ways}`
  return {
    title: subject ? `Log: ${subject}` : 'Log',
    section: 'log',
    top: true,
    ...(subject || asked.query.before ? {} : { live: '/live/log' }),
    body: [
      html`<h1 class="govuk-heading-l">Log</h1>
<p class="govuk-body">Every decision, in the order it was made. Nothing can be changed or taken out without the hashes showing it.</p>`,
      new Region('head', headHtml(head)),
      html`<form method="get" action="/log" class="hf-filter">${input({
        id: 'subject',
        name: 'subject',
        label: 'Only what is about',
        hint: 'A deployment, incident or release, exactly as it is written below.',
        value: subject,
        width: 30,
      })}${button({ text: 'Show', kind: 'secondary' })}</form>
${subject ? html`<p class="govuk-body">About <strong>${subject}</strong>, oldest first. <a class="govuk-link" href="/log">Show everything</a></p>` : NOTHING}`,
      new Region('entries', list),
    ],
  }
}

export async function entryPage(look: Look, asked: Asked): Promise<Screen | null> {
  const row = await entryAt(look.store, asked.params.index ?? '')
  if (!row) return null
  const words = wordsOf(row)
  const head = await look.store.head()
  return {
    title: `Entry ${row.index}`,
    section: 'log',
    body: [
      breadcrumbs([
        { text: 'Now', href: '/' },
        { text: 'Log', href: '/log' },
      ]),
      html`<span class="govuk-caption-l">Entry ${countOf(row.index)} of the log</span>
<h1 class="govuk-heading-l">${words?.why ?? 'The words of this entry were deleted. Its hash stays.'}</h1>
${summaryList([
  { key: 'When', value: moment(row.at) },
  { key: 'Who decided', value: words?.who ?? 'deleted' },
  {
    key: 'About',
    value: html`<a class="govuk-link" href="/log?subject=${encodeURIComponent(row.subject)}">${row.subject}</a>`,
  },
  { key: 'Kind', value: row.kind },
  { key: 'Service', value: row.service },
  {
    key: 'Figures',
    value: words
      ? html`<pre class="hf-pre" tabindex="0" role="region" aria-label="Figures">${pretty(words.data)}</pre>`
      : 'deleted',
  },
  { key: 'Hash of the words', value: html`<code class="hf-hash">${row.payloadHash}</code>` },
  { key: 'Hash of the entry', value: html`<code class="hf-hash">${row.leafHash}</code>` },
])}
<p class="govuk-body"><a class="govuk-link" href="/log/${row.index}/proof.txt">Proof that this entry is in the log of ${plural(head.size, 'entry', 'entries')}</a> (text, with how to check it)</p>`,
    ],
  }
}

/** The inclusion proof of RFC 6962 section 2.1.1, with how to check it by hand. Null: no such entry. */
export async function proofText(store: Store, index: string): Promise<string | null> {
  const row = await entryAt(store, index)
  if (!row) return null
  const head = await store.head()
  if (head.size > PROOF_LEAVES_MAX) {
    return `The log has more than ${countOf(PROOF_LEAVES_MAX)} entries. Make the proof on the command line: holdfast prove log\n`
  }
  const leaves: string[] = []
  while (leaves.length < head.size) {
    const rows = await store.log(leaves.length, Math.min(LEAVES_A_READ, head.size - leaves.length))
    if (rows.length === 0) break
    leaves.push(...rows.map(({ leafHash }) => leafHash))
  }
  const { at, kind, service, subject, payloadHash } = row
  return `Proof that entry ${row.index} is in the log of ${plural(head.size, 'entry', 'entries')} (RFC 6962, SHA-256)

Leaf data, exactly these bytes:
${canonicalJson({ at: isoOf(at), kind, payloadHash, service, subject })}

Leaf hash, SHA-256 of the byte 00 and the leaf data:
${row.leafHash}

Path, from the leaf up. "left": the hash below stands left of what you have so far, "right": right of it.
${path(leaves, row.index).join('\n') || '(none: the leaf is the whole tree)'}

Root, which every pack and every other copy of the log of this size must show:
${head.root}

To check: begin with the leaf hash. For each line of the path, put the two hashes side by side as bytes, the byte 01 before
them, and take SHA-256. The last result must be the root.

Hash of the words, in the leaf data: SHA-256 of the salt and the words.
Salt: ${row.salt}
${row.payload === null ? 'The words were deleted.' : `Words, exactly these bytes:\n${row.payload}`}
`
}

/** The siblings from the leaf up, each with the side it stands on. */
function path(leaves: readonly string[], index: number): string[] {
  const sides = sidesOf(index, leaves.length)
  return inclusionProof(leaves, index).map((hash, i) => `${sides[i]} ${hash}`)
}

function sidesOf(index: number, size: number): ('left ' | 'right')[] {
  if (size === 1) return []
  const half = 2 ** Math.floor(Math.log2(size - 1))
  return index < half ? [...sidesOf(index, half), 'right'] : [...sidesOf(index - half, size - half), 'left ']
}

interface Page {
  readonly rows: readonly LogRow[]
  readonly ways: Html
}

/** Newest first. `before`: the index above the first one shown. */
async function newest(store: Store, head: LogHead, before: string | undefined): Promise<Page> {
  const end = Math.min(head.size, numberIn(before) ?? head.size)
  const from = Math.max(0, end - PAGE_SIZE)
  const rows = end === 0 ? [] : await store.log(from, end - from)
  const ways = pagination({
    ...(end < head.size ? { previous: { href: newerHref(end, head), text: 'Newer entries' } } : {}),
    ...(from > 0 ? { next: { href: `/log?before=${from}`, text: 'Older entries' } } : {}),
  })
  return { rows: [...rows].reverse(), ways }
}

function newerHref(end: number, head: LogHead): string {
  return end + PAGE_SIZE >= head.size ? '/log' : `/log?before=${end + PAGE_SIZE}`
}

/** About one thing, oldest first, because that is a story. */
async function bySubject(store: Store, subject: string, from: string | undefined): Promise<Page> {
  const start = numberIn(from) ?? 0
  const rows = await store.log(start, PAGE_SIZE + 1, { subject })
  const shown = rows.slice(0, PAGE_SIZE)
  const query = `subject=${encodeURIComponent(subject)}`
  const ways = pagination({
    ...(start > 0 ? { previous: { href: `/log?${query}`, text: 'From the beginning' } } : {}),
    ...(rows.length > PAGE_SIZE
      ? { next: { href: `/log?${query}&from=${rows[PAGE_SIZE]!.index}`, text: 'Later entries' } }
      : {}),
  })
  return { rows: shown, ways }
}

function headHtml(head: LogHead): Html {
  return html`<p class="govuk-body">${plural(head.size, 'entry', 'entries')}. Root: <code class="hf-hash">${head.root}</code></p>`
}

function rowHtml(row: LogRow): Html {
  const words = wordsOf(row)
  return html`<li class="hf-log__row">
<p class="hf-log__why">${words?.why ?? 'The words of this entry were deleted. Its hash stays.'}</p>
<p class="hf-log__facts">${moment(row.at)} · ${words?.who ?? 'deleted'} · ${row.kind} · <a class="govuk-link" href="/log?subject=${encodeURIComponent(row.subject)}">${row.subject}</a> · <a class="govuk-link" href="/log/${row.index}">entry ${row.index}</a> <code>${row.leafHash.slice(0, 12)}</code></p>
</li>`
}

function wordsOf(row: LogRow): { readonly who: string; readonly why: string; readonly data: unknown } | null {
  if (row.payload === null) return null
  const { who, why, data } = JSON.parse(row.payload) as Record<string, unknown>
  return { who: String(who), why: String(why), data }
}

function pretty(data: unknown): string {
  const text = JSON.stringify(data, null, 2) ?? 'null'
  return text.length > 20_000 ? `${text.slice(0, 20_000)}\n… (the rest is in the proof)` : text
}

async function entryAt(store: Store, index: string): Promise<LogRow | null> {
  const at = numberIn(index)
  if (at === null) return null
  const [row] = await store.log(at, 1)
  return row?.index === at ? row : null
}

function numberIn(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : null
}
