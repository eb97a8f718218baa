import { fail, pass, type Rule, type Verdict } from '../rule.ts'

// Forms that nothing but a secret has, from the issuers' own documentation.
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/, 'an AWS access key'],
  [/-----BEGIN (?:RSA |EC |OPENSSH |DSA )?PRIVATE KEY-----/, 'a private key'],
  [/\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{40,}\b/, 'a GitHub token'],
  [/\bxox[abprs]-[A-Za-z0-9-]{20,}\b/, 'a Slack token'],
  [/\bhttps:\/\/hooks\.slack\.com\/services\/T\w+\/B\w+\/\w{16,}/, 'a Slack webhook'],
  [
    /\b[\w-]+-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/,
    'a GOV.UK Notify key',
  ],
  [
    /\b(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|redis|amqp):\/\/[^\s:@/]+:(?!\$|\*|<|password|pass\b|xxx)[^\s@/]{6,}@/i,
    'a password in an address',
  ],
]

export const kiroSecrets: Rule = {
  id: 'kiro-secrets',
  question: 9,
  title: 'No secret stands in what agents read or people print',
  formats: ['kiro', 'runbook', 'incident-report'],
  severity: 'error',
  reach: 2,
  harm: 'Everybody who reads the runbook, and every model that is sent it, can act on citizens’ data.',
  defaults: 'Steering, agents and runbooks are sent to a model as they are.',
  fix: 'Take it out, revoke it today, and name the place where it is kept.',
  cites: 'Holdfast: no secrets in the definition, the log or the page text',
  everywhere: true,
  bad: {
    'runbooks/queue.md':
      '# Queue is stuck\n\nCitizens wait. Log in with `AKIAIOSFODNN7EXAMPLE` and escalate to the lead.\n',
  },
  good: {
    'runbooks/queue.md':
      '# Queue is stuck\n\nCitizens wait. Sign in with the role on-call-payments and escalate to the lead.\n',
  },
  *check(world): Iterable<Verdict> {
    for (const format of ['kiro', 'runbook', 'incident-report'] as const) {
      for (const src of world.sources(format)) {
        const found = SECRETS.map(([pattern, what]) => ({ match: pattern.exec(src.text), what })).find(
          ({ match }) => match,
        )
        if (found?.match)
          yield fail({ file: src.file, ...src.lines.placeOf(found.match.index) }, `The file holds ${found.what}.`)
        else yield pass({ file: src.file, line: 1, col: 1 })
      }
    }
  },
}
