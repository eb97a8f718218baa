import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const frontChecksHealth: Rule = {
  id: 'front-checks-health',
  question: 6,
  title: 'The balancer asks each server whether it is well',
  formats: ['haproxy'],
  severity: 'error',
  reach: 3,
  harm: 'Part of the citizens are sent to a server that is dead or still starting.',
  defaults: 'A HAProxy server without "check" counts as up for ever; "check" alone only opens a connection.',
  fix: 'Add "check" to each server and "option httpchk GET /health/ready" to the backend.',
  cites: 'HAProxy documentation: server check, option httpchk',
  bad: { 'haproxy.cfg': 'backend app\n  mode http\n  server a 10.0.0.1:8080\n  server b 10.0.0.2:8080\n' },
  good: {
    'haproxy.cfg':
      'backend app\n  mode http\n  option httpchk GET /health/ready\n  server a 10.0.0.1:8080 check\n  server b 10.0.0.2:8080 check\n',
  },
  *check(world): Iterable<Verdict> {
    for (const sections of world.haproxy) {
      const defaults = sections.filter((section) => section.kind === 'defaults').flatMap((section) => section.lines)
      for (const section of sections.filter(
        (candidate) => candidate.kind === 'backend' || candidate.kind === 'listen',
      )) {
        const servers = section.lines.filter((line) => line.name === 'server')
        const all = [...defaults, ...section.lines]
        const checksAll = all.some((line) => line.name === 'default-server' && line.args.includes('check'))
        const asks = all.some(
          (line) =>
            line.args[0] === 'httpchk' ||
            line.name === 'http-check' ||
            line.args[0] === 'tcp-check' ||
            line.args[0] === 'pgsql-check',
        )
        for (const server of servers) {
          if (!checksAll && !server.args.includes('check'))
            yield fail(server.at, `HAProxy believes that ${server.args[0] ?? 'this server'} is always up.`)
          else if (!asks && all.some((line) => line.name === 'mode' && line.args[0] === 'http'))
            yield fail(
              server.at,
              `HAProxy only opens a connection to ${server.args[0] ?? 'this server'}; it does not ask whether the application is well.`,
              { severity: 'warn' },
            )
          else yield pass(server.at)
        }
      }
    }
  },
}
