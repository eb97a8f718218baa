/**
 * What CodeDeploy and systemd do on a machine: take the release out in peace, put the next one in, and let it answer citizens only when
 * it says that it can. The bundle is the repository's root, where CodeDeploy looks for appspec.yml.
 */
import type { Component, Service } from '../../define/schema.ts'
import { word } from '../pipelines/release.ts'
import { budgetOf } from './figures.ts'

export interface MachineFile {
  readonly path: string
  readonly text: string
  /** What must be the first line. */
  readonly head?: string
}

export function machineFiles(service: Service): readonly MachineFile[] {
  const web = service.runtime.components.find((component) => component.kind === 'web')
  if (!web || service.runtime.kind !== 'ec2') return []
  const folder = 'ops/codedeploy'
  const head = '#!/bin/bash\n'
  return [
    { path: 'appspec.yml', text: appspec(service, web, folder) },
    { path: `${folder}/stop.sh`, head, text: stopScript(service, web) },
    { path: `${folder}/start.sh`, head, text: startScript(service, web, folder) },
    { path: `${folder}/validate.sh`, head, text: validateScript(web) },
    ...(web.command ? [{ path: `${folder}/${unitOf(service, web)}.txt`, text: unit(service, web) }] : []),
  ]
}

const unitOf = (service: Service, web: Component) => `${service.service.id}-${web.id}.service`
const homeOf = (service: Service, web: Component) => `/opt/${service.service.id}/${web.id}`

function appspec(service: Service, web: Component, folder: string): string {
  const budget = budgetOf(web)
  const hook = (script: string, seconds: number, why: string) => [
    `    # ${why}`,
    `    - { location: ${folder}/${script}.sh, timeout: ${seconds}, runas: root }`,
  ]
  return [
    `# One release of ${service.service.id} on one machine. The balancer has let go of the machine before, and takes it back after ValidateService.`,
    'version: 0.0',
    'os: linux',
    'file_exists_behavior: OVERWRITE',
    'files:',
    `  - { source: /, destination: ${homeOf(service, web)} }`,
    'hooks:',
    '  ApplicationStop:',
    ...hook('stop', budget.stop + 10, `${budget.says}, and 10 s for systemd`),
    '  ApplicationStart:',
    ...hook('start', 30, 'systemd answers at once; whether the program can serve is asked below'),
    '  ValidateService:',
    ...hook(
      'validate',
      web.startSecondsMax + 30,
      `starting takes up to ${web.startSecondsMax} s; after 30 s more the release has failed, and CodeDeploy goes back`,
    ),
  ].join('\n')
}

function stopScript(service: Service, web: Component): string {
  const name = unitOf(service, web)
  return [
    '# Requests under way are finished: systemd sends SIGTERM, and waits as long as the unit says. On a new machine there is nothing to stop.',
    'set -euo pipefail',
    `if systemctl is-active --quiet ${name}; then systemctl stop ${name}; fi`,
  ].join('\n')
}

function startScript(service: Service, web: Component, folder: string): string {
  const name = unitOf(service, web)
  return [
    'set -euo pipefail',
    ...(web.command
      ? [
          `install -m 0644 ${homeOf(service, web)}/${folder}/${name}.txt /etc/systemd/system/${name}`,
          'systemctl daemon-reload',
        ]
      : [`# The definition says no command for ${web.id}: the machine image brings the unit ${name}.`]),
    `systemctl enable --quiet ${name}`,
    `systemctl restart ${name}`,
  ].join('\n')
}

function validateScript(web: Component): string {
  return [
    `# Tries: ${web.readyChecks.join('; ') || 'what a citizen needs'}. Three good answers in a row, because one can be luck.`,
    'set -euo pipefail',
    'good=0',
    `for _ in $(seq ${web.startSecondsMax + 20}); do`,
    `  if curl --fail --silent --max-time 3 "http://127.0.0.1:\${PORT:-8080}${web.ready}" >/dev/null; then good=$((good + 1)); else good=0; fi`,
    '  if [ "$good" -ge 3 ]; then exit 0; fi',
    '  sleep 1',
    'done',
    `echo "${web.ready} did not answer three times in a row within ${web.startSecondsMax + 20} s: this release cannot serve" >&2`,
    'exit 1',
  ].join('\n')
}

function unit(service: Service, web: Component): string {
  const budget = budgetOf(web)
  const replaced = web.command!.map((part) => part.replaceAll('{port}', '8080').replaceAll('{release}', '.'))
  return [
    '# start.sh copies this to /etc/systemd/system without the ending.',
    '[Unit]',
    `Description=${web.id} of ${service.service.id}`,
    'After=network-online.target',
    '[Service]',
    `WorkingDirectory=${homeOf(service, web)}`,
    `ExecStart=/usr/bin/env ${replaced.map(word).join(' ')}`,
    'Environment=PORT=8080',
    ...Object.entries(web.env).map(([name, text]) => `Environment=${JSON.stringify(`${name}=${text}`)}`),
    ...(web.secretEnv.length > 0
      ? [
          `# Holds ${web.secretEnv.join(', ')}; written by the machine's own role, never by the release.`,
          `EnvironmentFile=/etc/${service.service.id}/${web.id}.env`,
        ]
      : []),
    `# ${budget.says}`,
    'KillSignal=SIGTERM',
    `TimeoutStopSec=${budget.stop}`,
    'Restart=on-failure',
    'RestartSec=2',
    '[Install]',
    'WantedBy=multi-user.target',
  ].join('\n')
}
