/**
 * Alertmanager's routes: a second way to people that needs no Holdfast. Holdfast pages from the same counts by itself and climbs
 * the ladder; Alertmanager knows no rotas, so it writes to everybody who may be meant.
 */
import type { Service } from '../define/schema.ts'
import { yamlText } from './alerts.ts'

const isAddress = (text: string | undefined): text is string => text !== undefined && /^[^\s@]+@[^\s@]+$/.test(text)

/** Addresses of the rungs that are woken at once; of the next ones when none of those has an address. */
export function addressesOf(service: Service): readonly string[] {
  const { ladder, rotas, people } = service.oncall
  for (const after of [...new Set(ladder.map((rung) => rung.afterMinutes))].sort((a, b) => a - b)) {
    const found = ladder
      .filter((rung) => rung.afterMinutes === after)
      .flatMap((rung) => {
        if (isAddress(rung.to)) return [rung.to]
        const ids = rotas.find((rota) => rota.id === rung.rota)?.people ?? []
        return ids.flatMap((id) => people.find((person) => person.id === id)?.email ?? [])
      })
    if (found.length > 0) return [...new Set(found)]
  }
  return []
}

export function routesText(service: Service): string {
  const to = addressesOf(service)
  const [first] = to
  const webhooks = service.oncall.ladder.filter((rung) => rung.route === 'webhook' && rung.to !== undefined)
  const hours = (service.comms.updateEveryMinutes.P1 ?? 60) / 60
  const { id } = service.service
  const mail = (subject: string, resolved: boolean) =>
    to.length > 0
      ? [
          '    email_configs:',
          `      - to: ${yamlText(to.join(', '))}`,
          `        headers: { Subject: ${yamlText(subject)} }`,
          '        text: >-',
          '          {{ range .Alerts }}{{ .Annotations.summary }}. Since {{ .StartsAt }}.',
          '          Do this: {{ .Annotations.runbook }} {{ end }}',
          '        html: ""',
          `        send_resolved: ${resolved}`,
        ]
      : []
  return [
    '# A second way to people that needs no Holdfast: Holdfast pages from the same counts by itself, and climbs the ladder.',
    ...(first
      ? [
          'global:',
          '  # The mail relay beside Alertmanager; name your own, and smtp_auth_password_file, where it asks for a password.',
          '  smtp_smarthost: "localhost:25"',
          '  smtp_require_tls: false',
          `  smtp_from: ${yamlText(first)}`,
        ]
      : []),
    'route:',
    '  receiver: tickets',
    '  group_by: [service, journey, failure_mode]',
    '  group_wait: 30s',
    '  group_interval: 5m',
    '  repeat_interval: 24h',
    '  routes:',
    `    - matchers: [ ${yamlText(`service="${id}"`)}, 'severity="page"' ]`,
    '      receiver: pages',
    '      # Citizens fail now: nothing is waited for. Said again as often as an update is due.',
    '      group_wait: 0s',
    '      group_interval: 1m',
    `      repeat_interval: ${hours >= 1 && Number.isInteger(hours) ? `${hours}h` : `${Math.round(hours * 60)}m`}`,
    'inhibit_rules:',
    '  # Who is woken for a journey needs no ticket about it.',
    `  - source_matchers: [ ${yamlText(`service="${id}"`)}, 'severity="page"' ]`,
    `    target_matchers: [ ${yamlText(`service="${id}"`)}, 'severity="ticket"' ]`,
    '    equal: [journey]',
    'receivers:',
    `  # ${service.oncall.ladder.map((rung) => `${rung.role}: ${rung.to ?? `rota ${rung.rota}`}${rung.afterMinutes > 0 ? ` after ${rung.afterMinutes} min` : ''}`).join('; ')}`,
    '  - name: pages',
    ...mail(`${service.service.name}: {{ .Status }} {{ .CommonLabels.alertname }}`, true),
    ...(to.length === 0
      ? ['    webhook_configs:', '      - url_file: /etc/alertmanager/pager-url', '        send_resolved: true']
      : webhooks.flatMap((rung) => [
          `    # ${rung.role}, route "${rung.to}": its address is a secret, and Alertmanager reads one from a file from 0.26 on:`,
          `    #   webhook_configs: [ { url_file: /etc/alertmanager/${rung.to}-url, send_resolved: true } ]`,
        ])),
    '  - name: tickets',
    ...mail(`${service.service.name}: for working hours: {{ .CommonLabels.alertname }}`, false),
    ...(to.length === 0 ? ['    webhook_configs:', '      - url_file: /etc/alertmanager/tickets-url'] : []),
  ].join('\n')
}
