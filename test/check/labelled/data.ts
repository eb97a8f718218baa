import type { Case } from './case.ts'

const rules = (body: string) => ({ 'alerts.yml': `groups:\n  - name: service\n    rules:\n${body}` })

export const data: readonly Case[] = [
  {
    name: 'expand',
    files: {
      'migrations/V12__expand.sql':
        "SET lock_timeout = '5s';\nALTER TABLE claim ADD COLUMN channel text;\nCREATE TABLE claim_note (id bigint PRIMARY KEY, claim_id bigint NOT NULL);\nCREATE INDEX ON claim_note (claim_id);\n",
    },
    finds: [],
  },
  {
    name: 'a column dropped',
    files: { 'migrations/V13__drop.sql': "SET lock_timeout = '5s';\nALTER TABLE claim DROP COLUMN fax;\n" },
    finds: ['migration-breaks-running'],
  },
  {
    name: 'a column dropped in the contract phase',
    files: {
      'migrations/V14__contract_fax.sql': "SET lock_timeout = '5s';\nALTER TABLE claim DROP COLUMN fax_deprecated;\n",
    },
    finds: [],
  },
  {
    name: 'a table renamed',
    files: { 'migrations/V15__rename.sql': 'ALTER TABLE claim RENAME TO application;\n' },
    finds: ['migration-breaks-running'],
  },
  {
    name: 'a table renamed behind a view',
    files: {
      'migrations/V15__rename.sql':
        'ALTER TABLE claim RENAME TO application;\nCREATE VIEW claim AS SELECT * FROM application;\n',
    },
    finds: [],
  },
  {
    name: 'a required column without default',
    files: { 'migrations/V16__required.sql': 'ALTER TABLE claim ADD COLUMN region text NOT NULL;\n' },
    finds: ['migration-breaks-running'],
  },
  {
    name: 'a required column with default',
    files: { 'migrations/V16__required.sql': "ALTER TABLE claim ADD COLUMN region text NOT NULL DEFAULT 'unknown';\n" },
    finds: [],
  },
  {
    name: 'NOT NULL on live data',
    files: {
      'db/migrations/0017_not_null.sql':
        "SET lock_timeout = '5s';\nALTER TABLE claim ALTER COLUMN region SET NOT NULL;\n",
    },
    finds: ['migration-breaks-running'],
  },
  {
    name: 'an index that stops writes',
    files: { 'migrations/V18__index.sql': 'CREATE INDEX claim_region ON claim (region);\n' },
    finds: ['migration-locks'],
  },
  {
    name: 'an index beside writes, outside a transaction',
    files: {
      'migrations/V18__index.sql':
        '-- executeInTransaction=false\nCREATE INDEX CONCURRENTLY claim_region ON claim (region);\n',
    },
    finds: [],
  },
  {
    name: 'an index beside writes, inside goose’s transaction',
    files: {
      'migrations/00018_index.sql':
        '-- +goose Up\nCREATE INDEX CONCURRENTLY claim_region ON claim (region);\n-- +goose Down\nDROP INDEX claim_region;\n',
    },
    finds: ['migration-outside-transaction'],
  },
  {
    name: 'a foreign key that reads every row',
    files: {
      'migrations/V19__fk.sql':
        "SET lock_timeout = '5s';\nALTER TABLE claim ADD CONSTRAINT c FOREIGN KEY (person_id) REFERENCES person (id);\n",
    },
    finds: ['migration-locks'],
  },
  {
    name: 'a foreign key in two steps',
    files: {
      'migrations/V19__fk.sql':
        "SET lock_timeout = '5s';\nALTER TABLE claim ADD CONSTRAINT c FOREIGN KEY (person_id) REFERENCES person (id) NOT VALID;\nALTER TABLE claim VALIDATE CONSTRAINT c;\n",
    },
    finds: [],
  },
  {
    name: 'a backfill in one statement',
    files: { 'migrations/V20__fill.sql': "UPDATE claim SET region = 'north';\n" },
    finds: ['migration-backfill'],
  },
  {
    name: 'rows thrown away',
    files: { 'migrations/V21__clean.sql': 'DELETE FROM claim_history;\n' },
    finds: ['migration-loses-data'],
  },
  {
    name: 'an old migration has long been applied',
    files: Object.fromEntries([
      ['migrations/V01__drop.sql', 'ALTER TABLE claim DROP COLUMN fax;'],
      ...Array.from({ length: 6 }, (_, i) => [`migrations/V0${i + 2}__t.sql`, `CREATE TABLE t${i} (id int);`]),
    ]),
    finds: [],
  },
  {
    name: 'the down section may drop',
    files: {
      'migrations/00022_note.sql':
        '-- +goose Up\nALTER TABLE claim ADD COLUMN note text;\n-- +goose Down\nALTER TABLE claim DROP COLUMN note;\n',
    },
    finds: [],
  },
  { name: 'a query is not a migration', files: { 'queries/cleanup.sql': 'DROP TABLE claim;\n' }, finds: [] },
  {
    name: 'Rails removes a column',
    files: {
      'db/migrate/20261101101010_remove_fax.rb':
        'class RemoveFax < ActiveRecord::Migration[7.1]\n  def change\n    remove_column :claims, :fax\n  end\nend\n',
    },
    finds: ['migration-breaks-running'],
  },
  {
    name: 'Alembic drops only on the way down',
    files: {
      'alembic/versions/ab12_note.py':
        "def upgrade():\n    op.add_column('claim', sa.Column('note', sa.Text()))\n\ndef downgrade():\n    op.drop_column('claim', 'note')\n",
    },
    finds: [],
  },
  {
    name: 'good alerts',
    files: rules(
      '      - record: journey:submit:failed5m\n        expr: sum(rate(submissions_total{outcome="failed"}[5m])) / sum(rate(submissions_total[5m]))\n      - alert: SubmitFailing\n        expr: journey:submit:failed5m > 14.4 * 0.001\n        for: 2m\n        labels: { severity: critical }\n        annotations: { runbook_url: "https://runbooks.example/submit-failing" }\n      - alert: SubmitSilent\n        expr: absent(submissions_total)\n        for: 5m\n        labels: { severity: critical }\n        annotations: { runbook_url: "https://runbooks.example/silent" }\n',
    ),
    finds: [],
  },
  {
    name: 'a burn rate that no outage reaches',
    files: rules(
      '      - alert: Burn\n        expr: sum(rate(submissions_total{outcome="failed"}[1h])) / sum(rate(submissions_total[1h])) > (14.4 * (1 - 0.93)) and sum(rate(submissions_total{outcome="failed"}[5m])) / sum(rate(submissions_total[5m])) > (14.4 * (1 - 0.93))\n',
    ),
    finds: ['alert-can-fire'],
  },
  {
    name: 'a percentage compared as a share',
    files: rules(
      '      - alert: Failing\n        expr: sum(rate(http_errors_total[5m])) / sum(rate(http_requests_total[5m])) > 5\n',
    ),
    finds: ['alert-can-fire'],
  },
  {
    name: 'a share turned into a percentage',
    files: rules(
      '      - alert: Failing\n        expr: 100 * sum(rate(http_errors_total[5m])) / sum(rate(http_requests_total[5m])) > 5\n',
    ),
    finds: [],
  },
  {
    name: 'up can be 0',
    files: rules('      - alert: Down\n        expr: up{job="web"} == 0\n        for: 2m\n'),
    finds: [],
  },
  {
    name: 'up is never below 0',
    files: rules('      - alert: Down\n        expr: up{job="web"} < 0\n'),
    finds: ['alert-can-fire'],
  },
  {
    name: 'success that falls back to 1',
    files: rules(
      '      - alert: LowSuccess\n        expr: (sum(rate(ok_total[5m])) / sum(rate(all_total[5m])) or vector(1)) < 0.99\n',
    ),
    finds: ['alert-fallback'],
  },
  {
    name: 'errors that fall back to 0',
    files: rules('      - alert: Errors\n        expr: (sum(increase(errors_total[5m])) or vector(0)) > 10\n'),
    finds: [],
  },
  {
    name: 'a raw counter',
    files: rules('      - alert: Errors\n        expr: sum(payment_failures_total) > 0\n'),
    finds: ['alert-latches'],
  },
  {
    name: 'half an hour before anybody is called',
    files: rules(
      '      - alert: Slow\n        expr: histogram_quantile(0.99, sum by (le) (rate(request_seconds_bucket[5m]))) > 3\n        for: 45m\n        labels: { severity: page }\n        annotations: { runbook_url: "https://runbooks.example/slow" }\n',
    ),
    finds: ['alert-in-time'],
  },
  {
    name: 'a name with a slip',
    files: rules(
      '      - record: job:failed:ratio5m\n        expr: sum(rate(a_total{o="failed"}[5m])) / sum(rate(a_total[5m]))\n      - alert: F\n        expr: job:faild:ratio5m > 0.05\n',
    ),
    finds: ['alert-series-exist'],
  },
  {
    name: 'a page without a runbook',
    files: rules(
      '      - alert: F\n        expr: sum(rate(b_total{o="failed"}[5m])) > 1\n        labels: { severity: critical }\n',
    ),
    finds: ['alert-runbook'],
  },
  {
    name: 'a receiver that reaches nobody',
    files: { 'alertmanager.yml': 'route: { receiver: rota }\nreceivers:\n  - name: rota\n' },
    finds: ['alert-routed'],
  },
  {
    name: 'a muted watchdog route',
    files: {
      'alertmanager.yml':
        'route:\n  receiver: rota\n  routes: [{ receiver: "null", matchers: [ alertname="Watchdog" ] }]\nreceivers:\n  - name: rota\n    webhook_configs: [{ url: "http://rota.example" }]\n  - name: "null"\n',
    },
    finds: [],
  },
  {
    name: 'a good CloudWatch alarm',
    files: {
      'alarms.tf':
        'resource "aws_cloudwatch_metric_alarm" "failing" {\n  namespace = "Service"\n  metric_name = "SubmissionsFailed"\n  comparison_operator = "GreaterThanThreshold"\n  threshold = 5\n  period = 60\n  evaluation_periods = 2\n  treat_missing_data = "notBreaching"\n  alarm_actions = [aws_sns_topic.rota.arn]\n}\n',
    },
    finds: [],
  },
  {
    name: 'milliseconds where seconds are measured',
    files: {
      'alarms.yaml':
        'Resources:\n  Slow:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      Namespace: AWS/ApplicationELB\n      MetricName: TargetResponseTime\n      ComparisonOperator: GreaterThanThreshold\n      Threshold: 1500\n      Period: 60\n      EvaluationPeriods: 3\n      Dimensions: [{ Name: LoadBalancer, Value: !Ref Lb }]\n      AlarmActions: [!Ref Rota]\n',
    },
    finds: ['alarm-can-fire'],
  },
  {
    name: 'an alarm on REST metrics of an HTTP API',
    files: {
      'alarms.tf':
        'resource "aws_cloudwatch_metric_alarm" "errors" {\n  namespace = "AWS/ApiGateway"\n  metric_name = "5XXError"\n  threshold = 1\n  period = 60\n  dimensions = { ApiId = "x" }\n  alarm_actions = [aws_sns_topic.rota.arn]\n}\n',
    },
    finds: ['alarm-can-fire'],
  },
  {
    name: 'an alarm that trusts silence',
    files: {
      'alarms.tf':
        'resource "aws_cloudwatch_metric_alarm" "canary" {\n  namespace = "CloudWatchSynthetics"\n  metric_name = "SuccessPercent"\n  comparison_operator = "LessThanThreshold"\n  threshold = 90\n  period = 60\n  alarm_actions = [aws_sns_topic.rota.arn]\n}\n',
    },
    finds: ['alarm-silence'],
  },
  {
    name: 'an alarm that tells nobody',
    files: {
      'alarms.tf':
        'resource "aws_cloudwatch_metric_alarm" "errors" {\n  namespace = "Service"\n  metric_name = "Errors"\n  threshold = 1\n  period = 60\n}\n',
    },
    finds: ['alarm-acts'],
  },
  {
    name: 'the playbook’s own kit',
    files: {
      '.kiro/hooks/deployment-validator.yaml':
        'name: deployment-validator\nevent: file_saved\nmatch: "**/*deploy*.yml"\nprompt: Check\n',
      '.kiro/agents/ops-analyst.md': '# Ops Analyst Agent\n\nYou analyse requirements.\n',
      '.kiro/steering/product.md':
        '# Product\n\n- [List the 2-3 journeys in your service where failure causes real harm]\n',
    },
    finds: ['kiro-hook-loads', 'kiro-agent-loads', 'kiro-steering-filled'],
  },
  {
    name: 'an old hook',
    files: {
      '.kiro/hooks/check.kiro.hook':
        '{"name":"check","version":"1","when":{"type":"fileEdited","patterns":["**/*.yml"]},"then":{"type":"askAgent","prompt":"check"}}',
    },
    finds: ['kiro-hook-loads'],
  },
  {
    name: 'a hook with an unknown trigger and type',
    files: {
      '.kiro/hooks/a.json':
        '{"version":"v1","hooks":[{"name":"a","trigger":"FileSaved","action":{"type":"prompt","prompt":"x"}}]}',
    },
    finds: ['kiro-hook-loads'],
  },
  {
    name: 'a good Kiro folder',
    files: {
      '.kiro/hooks/a.json':
        '{"version":"v1","hooks":[{"name":"a","trigger":"PostFileSave","matcher":"(^|/)(?:deploy/[^/]+\\\\.yaml|Jenkinsfile)$","action":{"type":"command","command":"npx --no-install holdfast check --only rollback-path"},"timeout":20}]}',
      '.kiro/agents/ops.md':
        '---\nname: ops\ndescription: reads deployment files\ntools: [read]\nresources: ["file://deploy/**"]\n---\nYou analyse deployments.\n',
      '.kiro/steering/product.md': '---\ninclusion: always\n---\nHeating payments.\n',
      'deploy/notes.yaml': 'note: what the hook and the agent look at\n',
      '.kiro/specs/runbooks/tasks.md':
        '- [ ] 1. Write the stuck-queue runbook\n  - Done when: a colleague follows it in 20 minutes\n',
    },
    finds: [],
  },
  {
    name: 'an MCP server that may do everything',
    files: {
      '.kiro/settings/mcp.json': '{"mcpServers":{"a":{"command":"uvx","args":["ops-mcp"],"autoApprove":["*"]}}}',
    },
    finds: ['kiro-mcp'],
  },
  {
    name: 'a good runbook',
    files: {
      'docs/runbooks/stuck-queue.md':
        '# Letters are not sent\n\nCitizens see "Application received" and get no letter. Tell them with comms/letters.md.\n\n## Is it real?\n\n```sh\nholdfast watch status\n```\n\nExpect: "oldest waiting" under 120 s. If not, go on.\n\n## First\n\n```sh\nsystemctl restart letters\n```\n\nExpect "active" within 1 minute. If not after 10 minutes, escalate to the on-call lead: 0300 555 0100.\n',
    },
    finds: [],
  },
  {
    name: 'a bad runbook',
    files: {
      'docs/runbooks/db.md':
        '# Database problems\n\nInvestigate the database and take the usual tools. It should be fine after a restart of the primary. Details are in the wiki, TBC, and the platform people know the rest of it.\n',
    },
    finds: ['runbook-filled', 'runbook-steps', 'runbook-decisions', 'runbook-escalation', 'runbook-citizens'],
  },
  {
    name: 'a report without actions',
    files: {
      'docs/incidents/2026-02-03-outage.md':
        '# Outage\n\nUsers complained at 14:20.\n\n## Timeline\n\n- 14:20 complaints\n- 15:00 fixed\n',
    },
    finds: ['incident-report'],
  },
  {
    name: 'an exception without an end',
    files: {
      Dockerfile: 'FROM node:20.19.2\n# holdfast-allow: docker-signal reason="old base" owner="team"\nCMD npm start\n',
    },
    finds: ['allowance-holds', 'docker-signal'],
  },
]
