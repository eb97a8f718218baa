/**
 * The page for when the service is closed or away. Self-contained: no script, nothing from elsewhere, far below 60 KB, so that any web
 * server, balancer or content network can answer with it while everything else is down.
 */
import { Temporal } from 'temporal-polyfill'
import type { Service } from '../define/schema.ts'
import type { Instant } from '../time.ts'
import { escapeHtml as html } from '../words.ts'
import { insteadOf } from './source.ts'

const NAMES = new Intl.DisplayNames(['en-GB'], { type: 'language' })

/** "Welsh" for "cy". */
export function languageName(code: string): string {
  return NAMES.of(code) ?? code
}

/** Languages of the service in which the page has no words yet. */
export function untranslated({ service, comms }: Service): readonly string[] {
  return service.languages.filter(
    (language) => language !== 'en' && !comms.unavailable.some((words) => words.language === language),
  )
}

/** Nobody is told to come back sooner than this: a page that is reloaded every minute keeps a service down. */
const RETRY_MINUTES_MIN = 5

/** Minutes after which to try again: what the most urgent journey promises. */
export function retryMinutes(service: Service): number {
  return Math.max(RETRY_MINUTES_MIN, Math.min(...service.journeys.map(({ tolerance }) => tolerance.recoverMinutes)))
}

/** `back`: when the service is open again, if that is known. */
export function unavailablePage(service: Service, back?: Instant): string {
  const { contact, savedAnswers } = service.comms
  const name = html(service.service.name)
  const instead = insteadOf(service)
  const telephone = `<a href="tel:${contact.phone.replace(/[^\d+]/g, '')}">${html(contact.phone)}</a>`
  const minutes = retryMinutes(service)
  const retry = back === undefined ? String(minutes * 60) : new Date(back).toUTCString()
  const when =
    back === undefined
      ? `You will be able to use the service later. Try again in ${minutes} minutes.`
      : `You will be able to use the service from ${html(openingOf(back, service.service.timezone))}.`
  const inLanguage = (language: string) => {
    const words = service.comms.unavailable.find((one) => one.language === language)
    if (!words)
      return [
        `<!-- ${languageName(language)}: not translated yet. comms.unavailable in service.yaml takes a translator's words. -->`,
      ]
    const call = `<p>${html(words.says)} ${telephone}</p>`
    return [`<section lang="${html(language)}">`, `<h2>${html(words.heading)}</h2>`, call, '</section>']
  }
  const lines = [
    `<p>${when}</p>`,
    ...(savedAnswers ? [`<p>${html(savedAnswers)}</p>`] : []),
    ...(instead ? [`<p>${html(instead)}</p>`] : []),
    '<h2>Get help</h2>',
    `<p>Telephone: ${telephone}<br>${html(contact.hours)}</p>`,
    ...(contact.textphone ? [`<p>Textphone: ${html(contact.textphone)}</p>`] : []),
    ...(contact.post ? [`<p>Post: ${html(contact.post)}</p>`] : []),
    ...(contact.email ? [`<p>Email: <a href="mailto:${html(contact.email)}">${html(contact.email)}</a></p>`] : []),
    ...service.service.languages.filter((language) => language !== 'en').flatMap(inLanguage),
  ]
  return `<!DOCTYPE html>
<!-- Serve with status 503, "Retry-After: ${retry}" and "Cache-Control: no-store". Never with 200 or a redirect. -->
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Sorry, the service is unavailable – ${name}</title>
<style>
body{margin:0;font:19px/1.4 arial,sans-serif;color:#0b0c0c;background:#fff}
header{background:#0b0c0c;color:#fff;padding:15px}
header p,main{max-width:960px;margin:0 auto;padding:0 15px}
h1{font-size:1.7em;line-height:1.2}
a{color:#1d70b8}
a:focus{outline:3px solid #fd0;background:#fd0;color:#0b0c0c}
</style>
</head>
<body>
<header><p>${name}</p></header>
<main>
<h1>Sorry, the service is unavailable</h1>
${lines.join('\n')}
</main>
</body>
</html>`
}

/** "9am on Monday 23 November 2026", as the Design System asks for day, date and time. */
export function openingOf(at: Instant, zone: string): string {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)
  const day = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  })
    .format(at)
    .replace(',', '')
  // "Midnight" leaves open which of two days is meant.
  if (local.hour === 0 && local.minute === 0) return `the beginning of ${day}`
  if (local.hour === 12 && local.minute === 0) return `midday on ${day}`
  const hour = local.hour % 12 === 0 ? 12 : local.hour % 12
  const minutes = local.minute === 0 ? '' : `:${String(local.minute).padStart(2, '0')}`
  return `${hour}${minutes}${local.hour < 12 ? 'am' : 'pm'} on ${day}`
}
