import { composeWaysBack } from '../rollback/compose.ts'
import { judgeWay } from '../rollback-time.ts'
import type { Rule, Verdict } from '../rule.ts'

export const rollbackTimeCompose: Rule = {
  id: 'rollback-time-compose',
  question: 1,
  title: 'A swarm stack is back on the old release within 15 minutes',
  formats: ['compose'],
  severity: 'error',
  reach: 2,
  harm: 'One copy after the other goes back, and citizens meet the bad release until the last has.',
  defaults:
    'rollback_config: parallelism 1, delay 0, monitor 5 s, order stop-first. update_config does not hold for the way back.',
  fix: 'deploy.rollback_config: { parallelism: 0, order: start-first }.',
  cites: 'Compose specification: deploy, rollback_config',
  bad: {
    'docker-compose.prod.yml':
      'services:\n  web:\n    image: r/web:1.2.3\n    ports: ["80:8080"]\n    stop_grace_period: 60s\n    healthcheck: { test: [CMD, check], interval: 15s }\n    deploy:\n      replicas: 8\n      update_config: { order: start-first, failure_action: rollback, monitor: 30s }\n      rollback_config: { delay: 60s, monitor: 30s }\n',
  },
  good: {
    'docker-compose.prod.yml':
      'services:\n  web:\n    image: r/web:1.2.3\n    ports: ["80:8080"]\n    stop_grace_period: 60s\n    healthcheck: { test: [CMD, check], interval: 15s }\n    deploy:\n      replicas: 8\n      update_config: { order: start-first, failure_action: rollback, monitor: 30s }\n      rollback_config: { parallelism: 4, order: start-first }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const answer of composeWaysBack(world)) yield judgeWay(answer)
  },
}
