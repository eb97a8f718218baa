import { child, fields, items, keySpot, spotOf, text } from '../formats/node.ts'
import { secondsOf } from '../models/value.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const composeStopGrace: Rule = {
  id: 'compose-stop-grace',
  question: 5,
  title: 'A container has time to finish requests when it is stopped',
  formats: ['compose'],
  severity: 'warn',
  reach: 3,
  harm: 'Requests longer than the grace period are cut off whenever the service is deployed or restarted.',
  defaults: 'stop_grace_period 10 s.',
  fix: 'stop_grace_period: 60s, longer than the longest request.',
  cites: 'Compose specification: stop_grace_period',
  bad: {
    'compose.production.yaml':
      'services:\n  web:\n    image: r/web:1.2.3\n    ports: ["80:8080"]\n    stop_grace_period: 1s\n',
  },
  good: {
    'compose.production.yaml':
      'services:\n  web:\n    image: r/web:1.2.3\n    ports: ["80:8080"]\n    stop_grace_period: 60s\n',
  },
  *check(world): Iterable<Verdict> {
    for (const { root, src } of world.composes) {
      for (const [name, service] of fields(child(root, 'services'))) {
        if (items(child(service, 'ports')).length === 0) continue
        const node = child(service, 'stop_grace_period')
        const seconds = node ? secondsOf(text(node)) : 10
        if (seconds === undefined) continue
        const at = node ? spotOf(node) : keySpot(service, 'ports')
        const known = /prod|live/i.test(src.file) || child(service, 'deploy') !== undefined
        if (seconds < 10) yield fail(at, `${name} is killed ${seconds} s after it is asked to stop.`)
        else if (!node && known)
          yield fail(at, `${name} is killed 10 s after it is asked to stop, because stop_grace_period is absent.`, {
            severity: 'info',
          })
        else if (node) yield pass(at)
      }
    }
  },
}
