import { directivesWithin } from '../formats/nginx.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const frontRetriesPosts: Rule = {
  id: 'front-retries-posts',
  question: 5,
  title: 'The front never sends a submission twice',
  formats: ['nginx', 'haproxy'],
  severity: 'error',
  reach: 3,
  harm: 'One application or payment is made twice, because the front repeated a POST whose answer got lost.',
  defaults: 'nginx repeats POST only with non_idempotent; HAProxy’s retry-on all-retryable-errors repeats any request.',
  fix: 'Take non_idempotent away; in HAProxy add http-request disable-l7-retry if METH_POST.',
  cites: 'nginx documentation: proxy_next_upstream; HAProxy documentation: retry-on',
  bad: {
    'nginx.conf':
      'http {\n  server {\n    location / {\n      proxy_pass http://app;\n      proxy_next_upstream error timeout non_idempotent;\n    }\n  }\n}\n',
  },
  good: {
    'nginx.conf':
      'http {\n  server {\n    location / {\n      proxy_pass http://app;\n      proxy_next_upstream error timeout;\n    }\n  }\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const file of world.nginx) {
      for (const directive of directivesWithin(file.directives)) {
        if (directive.name !== 'proxy_next_upstream') continue
        const at = { file: file.src.file, ...file.src.lines.placeOf(directive.at) }
        if (directive.args.includes('non_idempotent'))
          yield fail(at, 'A POST whose answer is lost is sent to another server again.')
        else yield pass(at)
      }
    }
    for (const sections of world.haproxy) {
      const guarded = sections.some((section) => section.lines.some((line) => line.args.includes('disable-l7-retry')))
      for (const line of sections.flatMap((section) => section.lines)) {
        if (line.name !== 'retry-on') continue
        const repeats = line.args.some((arg) =>
          /^(all-retryable-errors|empty-response|response-timeout|junk-response|5\d\d)$/.test(arg),
        )
        if (repeats && !guarded)
          yield fail(
            line.at,
            `"retry-on ${line.args.join(' ')}" repeats a POST that may already have been carried out.`,
          )
        else yield pass(line.at)
      }
    }
  },
}
