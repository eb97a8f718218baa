import { child, items, type Node, spotOf, text } from '../formats/node.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const alertRouted: Rule = {
  id: 'alert-routed',
  question: 10,
  title: 'Each alert reaches somebody',
  formats: ['alertmanager'],
  severity: 'error',
  reach: 2,
  harm: 'The alert fires, and is sent nowhere.',
  defaults: 'A receiver without any integration swallows what it gets.',
  fix: 'Give the receiver an integration that reaches the rota (PagerDuty, webhook, e-mail).',
  cites: 'Prometheus documentation: Alertmanager configuration, receivers',
  bad: {
    'alertmanager.yml':
      'route:\n  receiver: default\n  routes:\n    - matchers: [ severity="critical" ]\n      receiver: on-call\nreceivers:\n  - name: default\n    email_configs: [{ to: team@example.test }]\n  - name: on-call\n',
  },
  good: {
    'alertmanager.yml':
      'route:\n  receiver: default\n  routes:\n    - matchers: [ severity="critical" ]\n      receiver: on-call\nreceivers:\n  - name: default\n    email_configs: [{ to: team@example.test }]\n  - name: on-call\n    pagerduty_configs: [{ routing_key_file: /run/secrets/key }]\n',
  },
  *check(world): Iterable<Verdict> {
    for (const { root } of world.documents('alertmanager')) {
      const receivers = new Map(items(child(root, 'receivers')).map((node) => [text(child(node, 'name')) ?? '', node]))
      for (const route of routesOf(child(root, 'route'), 0)) {
        const node = child(route, 'receiver')
        const name = text(node)
        if (!node || name === undefined) continue
        const receiver = receivers.get(name)
        const words = JSON.stringify(items(child(route, 'matchers')).map((item) => text(item)))
        const quiet = /watchdog|info|inhibit|none|null|deadmans/i.test(`${words} ${[...wordsOf(route)].join(' ')}`)
        const empty = receiver?.kind === 'map' && ![...receiver.entries.keys()].some((key) => key.endsWith('_configs'))
        if (!receiver) yield fail(spotOf(node), `There is no receiver "${name}".`)
        else if (empty && !quiet) yield fail(spotOf(node), `The receiver "${name}" sends to nobody.`)
        else yield pass(spotOf(node))
      }
    }
  },
}

function* routesOf(route: Node | undefined, depth: number): Generator<Node> {
  if (!route || depth > 20) return
  yield route
  for (const inner of items(child(route, 'routes'))) yield* routesOf(inner, depth + 1)
}

/** Matchers in the older form: match and match_re. */
function* wordsOf(route: Node): Generator<string> {
  for (const key of ['match', 'match_re']) {
    const node = child(route, key)
    if (node?.kind === 'map') for (const { value } of node.entries.values()) yield text(value) ?? ''
  }
}
