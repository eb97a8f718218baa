// The console's only script of its own. Without it every page works; with it pages keep themselves up to date.
import { initAll } from './govuk-frontend.min.js'

initAll()

const path = document.body.dataset.live
if (path && 'EventSource' in window) keepUpToDate(path)

// "Starting": try again by itself.
const retry = document.querySelector('a[data-retry]')
if (retry) setTimeout(() => location.reload(), Number(retry.dataset.retry) * 1000)

function keepUpToDate(path) {
  const waiting = new Map()
  const asOf = document.getElementById('as-of')
  let last = Date.now()
  let source

  connect()
  document.addEventListener('focusout', () => setTimeout(flush, 0))
  // The page must never look live while it is not.
  setInterval(() => {
    if (Date.now() - last > 25000) say('Not up to date: no news for a while. Trying to reconnect.', true)
  }, 5000)

  function connect() {
    source = new EventSource(`${path}${location.search}`)
    source.addEventListener('regions', (event) => {
      const news = JSON.parse(event.data)
      heard(news.at)
      document.title = news.title
      const announce = document.getElementById('announce')
      if (announce && announce.textContent !== news.announce) announce.textContent = news.announce
      for (const { id, html } of news.regions) {
        waiting.set(id, html)
      }
      flush()
    })
    source.addEventListener('beat', (event) => heard(JSON.parse(event.data).at))
    source.addEventListener('trouble', (event) => {
      last = Date.now()
      say(JSON.parse(event.data).says, true)
    })
    source.addEventListener('ended', () => {
      source.close()
      say('You are signed out. Load the page again to sign in.', true)
      last = Number.POSITIVE_INFINITY
    })
    source.onerror = () => {
      // Closed means refused (too many pages open, or a restart): try again later. Otherwise the browser reconnects by itself.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 10000)
    }
  }

  function heard(at) {
    last = Date.now()
    say(`Live. As of ${at}.`, false)
  }

  function say(words, old) {
    if (!asOf) return
    asOf.textContent = `${words} `
    asOf.classList.toggle('hf-old', old)
    document.body.classList.toggle('hf-is-old', old)
  }

  function flush() {
    for (const [id, html] of waiting) {
      const region = document.getElementById(id)
      if (!region) waiting.delete(id)
      else if (!isBusy(region)) {
        waiting.delete(id)
        replace(region, html)
      }
    }
  }

  // Somebody is typing, or about to press: what is under their hands does not move.
  function isBusy(region) {
    const focused = document.activeElement
    if (region.contains(focused) && focused.matches('input, textarea, button')) return true
    return [...region.querySelectorAll('input[type=text], textarea')].some(
      ({ value, defaultValue }) => value !== defaultValue,
    )
  }

  function replace(region, html) {
    const open = new Set([...region.querySelectorAll('details[open][id]')].map(({ id }) => id))
    const focused = region.contains(document.activeElement) ? pathTo(region, document.activeElement) : null
    const scrolled = [...region.querySelectorAll('.hf-scroll')].map(({ scrollLeft }) => scrollLeft)
    const template = document.createElement('template')
    template.innerHTML = html
    for (const id of open) template.content.getElementById(id)?.setAttribute('open', '')
    region.replaceChildren(template.content)
    region.querySelectorAll('.hf-scroll').forEach((box, i) => {
      box.scrollLeft = scrolled[i] ?? 0
    })
    if (focused) follow(region, focused)?.focus({ preventScroll: true })
    initAll({ scope: region })
  }

  // Which child of which child: the same place in the new content.
  function pathTo(region, element) {
    const steps = []
    for (let node = element; node !== region; node = node.parentElement) {
      steps.unshift([...node.parentElement.children].indexOf(node))
    }
    return steps
  }

  function follow(region, steps) {
    let node = region
    for (const step of steps) node = node?.children[step]
    return node
  }
}
