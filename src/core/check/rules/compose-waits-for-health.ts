import { child, fields, keySpot, spotOf, text } from '../formats/node.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const composeWaitsForHealth: Rule = {
  id: 'compose-waits-for-health',
  question: 6,
  title: 'A service starts when what it needs is ready, not merely started',
  formats: ['compose'],
  severity: 'warn',
  reach: 2,
  harm: 'After a restart the service answers errors until its database has come up.',
  defaults: 'depends_on as a list waits only until the other container has been started.',
  fix: 'depends_on: { db: { condition: service_healthy } }, with a healthcheck on db.',
  cites: 'Compose specification: depends_on',
  bad: {
    'compose.yaml':
      'services:\n  web: { image: r/web:1.2.3, depends_on: { db: { condition: service_healthy } } }\n  db: { image: postgres:16.4 }\n',
  },
  good: {
    'compose.yaml':
      'services:\n  web: { image: r/web:1.2.3, depends_on: { db: { condition: service_healthy } } }\n  db: { image: postgres:16.4, healthcheck: { test: [CMD, pg_isready] } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const { root, src } of world.composes) {
      const services = new Map(fields(child(root, 'services')))
      for (const [name, service] of services) {
        const needs = child(service, 'depends_on')
        if (!needs) continue
        const at = keySpot(service, 'depends_on')
        if (needs.kind === 'list') {
          if (/prod|live/i.test(src.file))
            yield fail(at, `${name} starts as soon as the containers it needs have been started, ready or not.`, {
              severity: 'info',
            })
          continue
        }
        for (const [other, how] of fields(needs)) {
          const waits = text(child(how, 'condition')) === 'service_healthy'
          const target = services.get(other)
          // The image may carry a HEALTHCHECK of its own when the file builds it.
          if (waits && target && !child(target, 'healthcheck') && !child(target, 'build'))
            yield fail(
              spotOf(how),
              `${name} waits for ${other} to be healthy, and ${other} has no health check, so it may never start.`,
            )
          else if (waits) yield pass(spotOf(how))
        }
      }
    }
  },
}
