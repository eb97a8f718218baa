import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attributes, html, type Part } from './html.ts'

test('whatever a person or a service wrote is text, never markup', () => {
  const hostile = `<script>alert("1")</script> & 'x'`
  const escaped = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;'
  assert.equal(html`<p title="${hostile}">${hostile}</p>`.text, `<p title="${escaped}">${escaped}</p>`)
  assert.equal(html`${[hostile, [hostile]]}`.text, escaped + escaped)
  assert.equal(attributes({ title: hostile }).text, ` title="${escaped}"`)
})

test('finished HTML goes in as it is, nothing and false as nothing', () => {
  assert.equal(html`<b>${html`<i>${1}</i>`}${false}${null}</b>`.text, '<b><i>1</i></b>')
})

test('a page that forgot a value stops loudly instead of printing "undefined"', () => {
  assert.throws(() => html`<p>${undefined as unknown as Part}</p>`, /every value/)
})
