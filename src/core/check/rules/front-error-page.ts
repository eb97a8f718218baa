import { directivesWithin } from '../formats/nginx.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const frontErrorPage: Rule = {
  id: 'front-error-page',
  question: 11,
  title: 'When the service is away, citizens are told what to do',
  formats: ['nginx', 'haproxy'],
  severity: 'warn',
  reach: 2,
  harm: 'Citizens see "502 Bad Gateway" and do not know whether their answers were saved, when to come back or whom to call.',
  defaults: 'The front’s own error page, in English, without a contact.',
  fix: 'error_page 502 503 504 /unavailable.html (nginx), errorfile 503 (HAProxy), with a page that names a contact.',
  cites: 'playbook: is there a communication plan for extended incidents?',
  bad: { 'nginx.conf': 'http { server { location / { proxy_pass http://app; } } }\n' },
  good: {
    'nginx.conf':
      'http { server { error_page 502 503 504 /unavailable.html; location / { proxy_pass http://app; } } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const file of world.nginx) {
      const all = [...directivesWithin(file.directives)]
      const proxy = all.find((directive) => /^(proxy|fastcgi|uwsgi)_pass$/.test(directive.name))
      if (!proxy) continue
      const page = all.find(
        (directive) => directive.name === 'error_page' && directive.args.some((arg) => /^50[0234]$/.test(arg)),
      )
      const included = all.some((directive) => directive.name === 'include' && /error/i.test(directive.args.join(' ')))
      if (page || included) yield pass({ file: file.src.file, ...file.src.lines.placeOf((page ?? proxy).at) })
      else
        yield fail(
          { file: file.src.file, ...file.src.lines.placeOf(proxy.at) },
          'When the application is away, citizens get the bare error page of nginx.',
        )
    }
    for (const sections of world.haproxy) {
      const backend = sections.find(
        (section) =>
          (section.kind === 'backend' || section.kind === 'listen') &&
          section.lines.some((line) => line.name === 'server'),
      )
      if (!backend) continue
      const page = sections.some(
        (section) =>
          section.kind === 'http-errors' ||
          section.lines.some((line) => /^(errorfile|errorfiles|errorloc30[23]|http-error)$/.test(line.name)),
      )
      if (page) yield pass(backend.at)
      else yield fail(backend.at, 'When the application is away, citizens get the bare error page of HAProxy.')
    }
  },
}
