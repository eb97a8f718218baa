/**
 * What a citizen sees when the gateway itself has to answer: one self-contained page, plain words, nothing loaded from
 * elsewhere, never kept by a cache.
 */
import type { ServerResponse } from 'node:http'

export interface Page {
  readonly status: number
  readonly title: string
  readonly says: string
  /** Seconds after which trying again makes sense. */
  readonly retryAfterS?: number
}

export const PAGES = {
  unavailable: {
    status: 503,
    title: 'Sorry, the service is unavailable',
    says: 'You can try again in a few minutes. If you were in the middle of a form, keep this page open and reload it.',
    retryAfterS: 30,
  },
  broken: {
    status: 502,
    title: 'Sorry, there is a problem with the service',
    says: 'Try again later. If you have just sent something, check whether it arrived before you send it again.',
  },
  late: {
    status: 504,
    title: 'Sorry, the service is taking too long',
    says: 'Try again later. If you have just sent something, check whether it arrived before you send it again.',
  },
  stalled: { status: 408, title: 'The upload stopped', says: 'Nothing arrived for a while. Send it again.' },
  refused: { status: 400, title: 'This request cannot be read', says: 'Go back and try again.' },
  tooLong: { status: 414, title: 'The address is too long', says: 'Go back and try again.' },
} as const satisfies Record<string, Page>

export function pageHtml({ title, says }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>body{font:1.1875rem/1.4 system-ui,sans-serif;color:#0b0c0c;max-width:40em;margin:2em auto;padding:0 15px}h1{font-size:2rem}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${says}</p>
</main>
</body>
</html>
`
}

export function pageHeaders(page: Page, body: string, close: boolean): string[] {
  const list = [
    ...['Content-Type', 'text/html; charset=utf-8', 'Content-Length', String(Buffer.byteLength(body))],
    ...['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'],
  ]
  if (page.retryAfterS !== undefined) list.push('Retry-After', String(page.retryAfterS))
  if (close) list.push('Connection', 'close')
  return list
}

/** Answers with a page, where nothing has been answered yet; else cuts the connection, so that nobody takes half for whole. */
export function sendPage(res: ServerResponse, page: Page, close = false): void {
  if (res.headersSent) {
    res.destroy()
    return
  }
  const body = pageHtml(page)
  res.writeHead(page.status, pageHeaders(page, body, close))
  res.end(res.req?.method === 'HEAD' ? undefined : body)
}
