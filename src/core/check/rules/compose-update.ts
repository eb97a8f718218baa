import { child, fields, items, keySpot, num, spotOf, text } from '../formats/node.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const composeUpdate: Rule = {
  id: 'compose-update',
  question: 5,
  title: 'A stack starts the new copy before it stops the old one, and goes back when it fails',
  formats: ['compose'],
  severity: 'error',
  reach: 3,
  harm: 'The service is away while each copy is replaced, and a broken release stays.',
  defaults: 'order stop-first, failure_action pause, monitor 5 s.',
  fix: 'deploy.update_config: { order: start-first, failure_action: rollback, monitor: 60s }.',
  cites: 'Compose specification: deploy, update_config',
  bad: {
    'docker-compose.prod.yml':
      'services:\n  web:\n    image: r/web:1.2.3\n    ports: ["80:8080"]\n    deploy:\n      replicas: 1\n      update_config: { parallelism: 1 }\n',
  },
  good: {
    'docker-compose.prod.yml':
      'services:\n  web:\n    image: r/web:1.2.3\n    ports: ["80:8080"]\n    deploy:\n      replicas: 2\n      update_config: { order: start-first, failure_action: rollback, monitor: 60s }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const { root } of world.composes) {
      for (const [name, service] of fields(child(root, 'services'))) {
        const deploy = child(service, 'deploy')
        // Without deploy settings the file is not for a swarm, and docker compose replaces a container in any case.
        if (!deploy || (!child(deploy, 'update_config') && !child(deploy, 'replicas'))) continue
        if (items(child(service, 'ports')).length === 0 && items(child(service, 'expose')).length === 0) continue
        const update = child(deploy, 'update_config')
        const at = update ? spotOf(update) : keySpot(service, 'deploy')
        const order = text(child(update, 'order')) ?? 'stop-first'
        const action = text(child(update, 'failure_action')) ?? 'pause'
        const replicas = num(child(deploy, 'replicas')) ?? 1
        if (order !== 'start-first' && replicas < 2)
          yield fail(at, `The only copy of ${name} is stopped before the new one starts (order ${order}).`)
        else if (action !== 'rollback')
          yield fail(at, `When a new ${name} fails, the update does not go back: failure_action is ${action}.`, {
            severity: 'warn',
          })
        else yield pass(at)
      }
    }
  },
}
