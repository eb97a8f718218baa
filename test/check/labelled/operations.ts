/** Runbooks, incident reports, Kiro folders and ways back. */
import type { Case } from './case.ts'

const rehearsed = 'Last rehearsed 2026-10-05 by the on-call pair: 8 minutes.'
const book = (body: string, head = 'Citizens see "Sorry, there is a problem" after they submit.') =>
  `# Submissions fail\n\n${head} ${rehearsed}\n\n${body}\n\nIf it is not better after 15 minutes, escalate to the duty manager (PagerDuty "apply-secondary") and publish comms/outage.md.\n\nAt the end submit a test application as a citizen would: you should see "Application received".\n`
const hook = (over: object) =>
  JSON.stringify({
    version: 'v1',
    hooks: [
      {
        name: 'a',
        trigger: 'PostFileSave',
        matcher: '(^|/)deploy/[^/]+\\.yml$',
        action: { type: 'command', command: 'npx --no-install holdfast check --hook' },
        ...over,
      },
    ],
  })
const deployed = { 'deploy/notes.yml': 'note: what the hook is for\n' }

export const operations: readonly Case[] = [
  {
    name: 'a runbook of a small team, with curl’s own braces and a link that is there',
    files: {
      'docs/runbooks/errors.md': book(
        "Check that it is real:\n\n```sh\ncurl -s -o /dev/null -w '%{http_code}\\n' https://apply.service.gov.uk/health\n```\n\nYou should see `200`. If you see `503`, see [how to roll back](rollback.md).",
      ),
      'docs/runbooks/rollback.md': book(
        '1. Choose **Actions**, **Rollback**, **Run workflow**. It should say "done" after 6 minutes.',
      ),
    },
    finds: [],
  },
  {
    name: 'a command with a hole in it',
    files: { 'runbooks/pods.md': book('```sh\nkubectl logs <the-bad-one>\n```\n\nYou should see "ready".') },
    finds: ['runbook-commands'],
  },
  {
    name: 'a placeholder that the text explains',
    files: {
      'runbooks/pods.md': book(
        'Note the name of the pod that is not ready.\n\n```sh\nkubectl logs <pod-name>\n```\n\nYou should see "ready".',
      ),
    },
    finds: [],
  },
  {
    name: 'a script from the network',
    files: {
      'runbooks/fix.md': book(
        '```sh\ncurl -s https://ops.example.gov.uk/fix.sh | sudo bash\n```\n\nIt should print "fixed".',
      ),
    },
    finds: ['runbook-commands'],
  },
  {
    name: 'a command that is hidden in a comment',
    files: {
      'runbooks/fix.md': book(
        '```sh\n# uncomment for production\nsystemctl restart app\n```\n\nIt should print "active".',
      ),
    },
    finds: ['runbook-commands'],
  },
  {
    name: 'a quotation mark that is never closed',
    files: { 'runbooks/fix.md': book('```sh\necho "hello\n```\n\nIt should print "hello".') },
    finds: ['runbook-commands'],
  },
  {
    name: 'quotation marks of every kind',
    files: {
      'runbooks/fix.md': book(
        "```sh\necho 'it'\"'\"'s' \\\"x\\\" # don't mind\npsql -c \"SELECT 'a'\"\n```\n\nIt should print two lines.",
      ),
    },
    finds: [],
  },
  {
    name: 'two commands, and only one says what to expect',
    files: {
      'runbooks/fix.md': book(
        '```sh\nsystemctl status app\n```\n\nYou should see "active".\n\n## Restart\n\n```sh\nsystemctl restart app\n```\n\n## And then',
      ),
    },
    finds: ['runbook-result'],
  },
  {
    name: 'a person instead of a role',
    files: {
      'runbooks/fix.md': book('```sh\nsystemctl status app\n```\n\nYou should see "active". If not, call Sarah.'),
    },
    finds: ['runbook-people'],
  },
  {
    name: 'a link to nowhere',
    files: {
      'runbooks/fix.md': book('See [the diagram](../images/queue.png). **Press** "Restart": it should say "active".'),
    },
    finds: ['runbook-links'],
  },
  {
    name: 'a runbook that leads to the test environment',
    files: {
      'runbooks/fix.md': book(
        'Open https://console.staging.example.gov.uk/queues and press "Restart": it should say "active".',
      ),
    },
    finds: ['runbook-links'],
  },
  {
    name: 'a runbook that names the test environment on purpose',
    files: {
      'runbooks/fix.md': book(
        'Try it on staging first: https://console.staging.example.gov.uk/queues, press "Restart": it should say "active".',
      ),
    },
    finds: [],
  },
  {
    name: 'a rehearsal of three years ago',
    files: {
      'runbooks/fix.md': book('Press "Restart": it should say "active".').replace('2026-10-05', '2023-10-05'),
    },
    finds: ['runbook-rehearsed'],
  },
  {
    name: 'a step that is missing',
    files: { 'runbooks/fix.md': book('1. Press "Restart": it should say "active".\n3. Press "Send".') },
    finds: ['runbook-shape'],
  },
  {
    name: 'a key in a runbook',
    files: {
      'runbooks/fix.md': book('Sign in with AKIAIOSFODNN7EXAMPLE and press "Restart": it should say "active".'),
    },
    finds: ['kiro-secrets'],
  },
  {
    name: 'a good incident report, over midnight',
    files: {
      'incidents/2026-05-02.md':
        '# Letters were late\n\nIncident lead: on-call primary. Noticed by alert; 240 citizens waited.\n\n## Timeline\n\n- 23:50 alert\n- 00:10 restarted\n- 00:30 letters sent\n\n## Actions\n\n- Raise the limit (owner: platform team, due 2026-06-01)\n',
    },
    finds: [],
  },
  {
    name: 'a timeline that goes backwards',
    files: {
      'incidents/2026-05-02.md':
        '# Letters were late\n\nIncident lead: on-call primary. Noticed by alert.\n\n## Timeline\n\n- 14:50 alert\n- 14:10 restarted\n\n## Actions\n\n- Raise the limit (owner: platform team, due 2026-06-01)\n',
    },
    finds: ['incident-report'],
  },
  {
    name: 'a day that never was',
    files: {
      'incidents/report.md':
        '# Letters were late on 2026-02-30\n\nIncident lead: on-call primary. Noticed by alert.\n\n## Actions\n\n- Raise the limit (owner: platform team, due 2026-06-01)\n',
    },
    finds: ['incident-report'],
  },
  {
    name: 'actions without an owner',
    files: {
      'incidents/report.md':
        '# Letters were late\n\nIncident lead: on-call primary. Noticed by alert.\n\n## Actions\n\n- Raise the limit by 2026-06-01\n',
    },
    finds: ['incident-report'],
  },
  { name: 'a hook that loads, fires and ends', files: { '.kiro/hooks/a.json': hook({}), ...deployed }, finds: [] },
  {
    name: 'a hook whose matcher is a glob',
    files: { '.kiro/hooks/a.json': hook({ matcher: '**/deploy/*.yml' }), ...deployed },
    finds: ['kiro-hook-matches'],
  },
  {
    name: 'a matcher that catches nothing here',
    files: { '.kiro/hooks/a.json': hook({ matcher: '(^|/)pipelines/[^/]+\\.yml$' }), ...deployed },
    finds: ['kiro-hook-breadth'],
  },
  {
    name: 'a hook that starts an agent at every save, which starts it again',
    files: { '.kiro/hooks/a.json': hook({ action: { type: 'agent', prompt: 'Mend what is wrong.' } }), ...deployed },
    finds: ['kiro-hook-agent', 'kiro-hook-loop'],
  },
  {
    name: 'two hooks that set each other off',
    files: {
      '.kiro/hooks/a.json': hook({ action: { type: 'command', command: './render.sh > out/pipeline.yml' } }),
      '.kiro/hooks/b.json': hook({
        name: 'b',
        matcher: '(^|/)out/[^/]+\\.yml$',
        action: { type: 'command', command: './lint.sh | tee deploy/lint.yml' },
      }),
      'render.sh': '',
      'lint.sh': '',
      'out/pipeline.yml': '',
      ...deployed,
    },
    finds: ['kiro-hook-loop'],
  },
  {
    name: 'a hook that deletes',
    files: { '.kiro/hooks/a.json': hook({ action: { type: 'command', command: 'rm -rf build' } }), ...deployed },
    finds: ['kiro-hook-safe'],
  },
  {
    name: 'a hook that runs a script nobody has',
    files: {
      '.kiro/hooks/a.json': hook({ action: { type: 'command', command: './scripts/validate.sh' } }),
      ...deployed,
    },
    finds: ['kiro-hook-safe'],
  },
  {
    name: 'permissions as a bare list, a tool that is none, a resource of nothing',
    files: {
      '.kiro/agents/ops.md':
        '---\nname: ops\ndescription: looks\ntools: [reed]\npermissions: [{ capability: fs_read, effect: allow }]\nresources: ["file://ops/**"]\n---\nYou look.\n',
      ...deployed,
    },
    finds: ['kiro-agent-scope'],
  },
  {
    name: 'an agent of version 2',
    files: { '.kiro/agents/ops.json': '{"name":"ops","prompt":"Look","tools":["read"],"allowedTools":["read"]}' },
    finds: ['kiro-agent-scope'],
  },
  {
    name: 'steering for files that are not there',
    files: {
      '.kiro/steering/deployments.md':
        '---\ninclusion: fileMatch\nfileMatchPattern: ["**/pipelines/*.yml"]\n---\nDeployments.\n',
      ...deployed,
    },
    finds: ['kiro-steering-matches'],
  },
  {
    name: 'steering that fills the context',
    files: {
      '.kiro/steering/ops.md': `---\ninclusion: always\n---\n${'The queue of letters is watched. '.repeat(600)}\n`,
    },
    finds: ['kiro-tokens'],
  },
  {
    name: 'a spec whose threads hold',
    files: {
      '.kiro/specs/rollback/requirements.md':
        '# Rollback\n\n### Requirement 1: Back in time\n\n#### Acceptance Criteria\n\n1. WHEN a release fails THE pipeline SHALL take it back within 15 minutes\n2. THE pipeline SHALL record who decided\n',
      '.kiro/specs/rollback/tasks.md':
        '- [ ] 1. Make the way back\n  - [ ] 1.1 Rehearse the rollback on staging with the on-call pair\n    - Done when: a colleague does it in under 15 minutes\n    - _Requirements: 1.1_\n  - [ ] 1.2 Record the decision in the deployment log\n    - Done when: the log names the role\n    - _Requirements: 1.2_\n\n## Task Dependency Graph\n\n```json\n{"waves":[["1.1"],["1.2"]]}\n```\n',
    },
    finds: [],
  },
  {
    name: 'a spec whose threads are cut',
    files: {
      '.kiro/specs/rollback/requirements.md':
        '# Rollback\n\n### Requirement 1: Back in time\n\n#### Acceptance Criteria\n\n1. Rollback should be fast\n',
      '.kiro/specs/rollback/tasks.md':
        '- [ ] 1. Rehearse the rollback on staging\n  - Done when: under 15 minutes\n  - _Requirements: 3.1_\n\n## Task Dependency Graph\n\n```json\n{"waves":[["7"]]}\n```\n',
    },
    finds: ['kiro-requirements', 'kiro-task-waves'],
  },
  {
    name: 'a task for a week',
    files: {
      '.kiro/specs/a/tasks.md':
        '- [ ] 1. Write and test and deploy and document api.ts, queue.ts, worker.ts and letters.ts\n  - Done when: a colleague says so\n',
    },
    finds: ['kiro-task-size'],
  },
  {
    name: 'an Argo rollout that goes back through every pause',
    files: {
      'rollout.yaml':
        'apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: { name: web }\nspec:\n  replicas: 4\n  strategy: { canary: { steps: [{ setWeight: 20 }, { pause: { duration: 10m } }, { setWeight: 50 }, { pause: { duration: 10m } }] } }\n  template: { spec: { containers: [{ name: worker, image: "r/w@sha256:1111111111111111111111111111111111111111111111111111111111111111" }] } }\n',
    },
    finds: ['rollback-time-argo'],
  },
  {
    name: 'an analysis that forgives everything',
    files: {
      'analysis.yaml':
        'apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: { name: success }\nspec: { metrics: [{ name: rate, interval: 1m, count: 3, failureLimit: 5, successCondition: "result[0] > 0.99", provider: { prometheus: { query: up } } }] }\n',
    },
    finds: ['analysis-can-fail'],
  },
  {
    name: 'a canary that is over before its alarm can speak',
    files: {
      'cd.tf':
        'resource "aws_cloudwatch_metric_alarm" "errors" {\n  alarm_name = "errors"\n  metric_name = "HTTPCode_Target_5XX_Count"\n  period = 300\n  evaluation_periods = 2\n  treat_missing_data = "notBreaching"\n  alarm_actions = ["arn:aws:sns:eu-west-2:1:page"]\n}\nresource "aws_codedeploy_deployment_group" "web" {\n  deployment_config_name = "CodeDeployDefault.ECSCanary10Percent5Minutes"\n  auto_rollback_configuration {\n    enabled = true\n    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]\n  }\n  alarm_configuration {\n    enabled = true\n    alarms  = [aws_cloudwatch_metric_alarm.errors.alarm_name]\n  }\n  blue_green_deployment_config {\n    terminate_blue_instances_on_deployment_success {\n      action = "TERMINATE"\n      termination_wait_time_in_minutes = 60\n    }\n  }\n}\n',
    },
    finds: ['canary-outlasts-alarm'],
    may: ['alarm-can-fire', 'alarm-silence', 'rollback-time-codedeploy'],
  },
  {
    name: 'an entry of the capability map that has run out',
    files: {
      'holdfast-capabilities.yaml':
        'capabilities:\n  - match: org/x.yml@*\n    digest: git:8f4b7f84864484a7bf31766abe9204da3cbe65b3\n    provides: [gate.scan]\n    evidence: a.md\n    owner: platform\n    expires: 2025-01-01\n',
    },
    finds: ['capability-holds'],
  },
]
