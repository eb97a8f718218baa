import type { Case } from './case.ts'

const digest = 'registry.example/web@sha256:1111111111111111111111111111111111111111111111111111111111111111'

const web = (pod = '', spec = '') => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 4
${spec}  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 60
      containers:
        - name: app
          image: ${digest}
          ports: [{ containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /health/ready, port: 8080 }, periodSeconds: 5 }
          livenessProbe: { httpGet: { path: /health/live, port: 8080 } }
${pod}          lifecycle: { preStop: { exec: { command: [sh, -c, sleep 10] } } }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: web } } }
`

const ecs = (
  service: string,
  group = 'deregistration_delay = 60\n  health_check {\n    path = "/health/ready"\n    interval = 10\n    healthy_threshold = 2\n  }',
) => `resource "aws_ecs_service" "web" {
  name            = "web"
  task_definition = aws_ecs_task_definition.web.arn
  health_check_grace_period_seconds = 60
  load_balancer { target_group_arn = aws_lb_target_group.web.arn }
${service}}
resource "aws_lb_target_group" "web" {
  port = 8080
  ${group}
}
resource "aws_ecs_task_definition" "web" {
  family = "web"
  container_definitions = jsonencode([{ name = "app", image = "${digest}", stopTimeout = 60 }])
}
`
const breaker = '  deployment_circuit_breaker {\n    enable   = true\n    rollback = true\n  }\n'

export const runtime: readonly Case[] = [
  { name: 'a good Kubernetes deployment', files: { 'k8s/web.yaml': web() }, finds: [] },
  {
    name: 'a worker without ports needs no readiness',
    files: {
      'k8s/worker.yaml': `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: worker }\nspec:\n  template:\n    spec:\n      containers: [{ name: app, image: "${digest}" }]\n`,
    },
    finds: [],
  },
  {
    name: 'no readiness',
    files: { 'k8s/web.yaml': web().replace(/ +readinessProbe.*\n/, '') },
    finds: ['kube-readiness'],
  },
  {
    name: 'one path for both probes',
    files: { 'k8s/web.yaml': web().replaceAll(/\/health\/(ready|live)/g, '/status') },
    finds: ['kube-liveness-differs'],
  },
  {
    name: 'preStop longer than the grace period',
    files: { 'k8s/web.yaml': web().replace('sleep 10', 'sleep 60') },
    finds: ['kube-grace-budget'],
  },
  {
    name: 'the ingress waits longer than the pod lives',
    files: {
      'k8s/web.yaml': web(),
      'k8s/ingress.yaml':
        'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations: { nginx.ingress.kubernetes.io/proxy-read-timeout: "55" }\n',
    },
    finds: ['kube-grace-budget'],
  },
  {
    name: 'the ingress waits for less than the pod lives',
    files: {
      'k8s/web.yaml': web(),
      'k8s/ingress.yaml':
        'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations: { nginx.ingress.kubernetes.io/proxy-read-timeout: "45" }\n',
    },
    finds: [],
  },
  {
    name: 'no preStop at all',
    files: { 'k8s/web.yaml': web().replace(/ +lifecycle.*\n/, '') },
    finds: ['kube-prestop'],
  },
  {
    name: 'Recreate',
    files: { 'k8s/web.yaml': web('', '  strategy: { type: Recreate }\n') },
    finds: ['kube-strategy'],
  },
  {
    name: 'all pods may be away',
    files: { 'k8s/web.yaml': web('', '  strategy: { rollingUpdate: { maxUnavailable: 100% } }\n') },
    finds: ['kube-strategy'],
  },
  {
    name: '25 % of three pods rounds down to none: fine',
    files: {
      'k8s/web.yaml': web('', '  strategy: { rollingUpdate: { maxUnavailable: 25%, maxSurge: 25% } }\n').replace(
        'replicas: 4',
        'replicas: 3',
      ),
    },
    finds: [],
  },
  {
    name: 'a rollout of forty minutes',
    files: {
      'k8s/web.yaml': web(
        '',
        '  minReadySeconds: 90\n  strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }\n',
      ).replace('replicas: 4', 'replicas: 12'),
    },
    finds: ['rollback-time-kubernetes'],
  },
  {
    name: 'nothing to go back to',
    files: { 'k8s/web.yaml': web('', '  revisionHistoryLimit: 0\n') },
    finds: ['kube-history'],
  },
  {
    name: 'the newest image of the day',
    files: { 'k8s/web.yaml': web().replace(digest, 'registry.example/web:latest') },
    finds: ['image-digest'],
  },
  {
    name: 'an image that the pipeline fills in',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the file, not of JavaScript.
    files: { 'k8s/web.yaml': web().replace(digest, '"${IMAGE}"') },
    finds: [],
  },
  {
    name: 'a single pod',
    files: { 'k8s/web.yaml': web().replace('replicas: 4', 'replicas: 1') },
    finds: ['kube-replicas'],
  },
  {
    name: 'an autoscaler keeps three',
    files: {
      'k8s/web.yaml': web().replace('  replicas: 4\n', ''),
      'k8s/hpa.yaml':
        'apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: web }\nspec: { minReplicas: 3, maxReplicas: 9, scaleTargetRef: { kind: Deployment, name: web } }\n',
    },
    finds: [],
  },
  {
    name: 'a budget that lets no pod go',
    files: { 'k8s/web.yaml': web().replace('maxUnavailable: 1', 'minAvailable: 4') },
    finds: ['kube-disruption-budget'],
  },
  {
    name: 'a base that the production overlay completes',
    files: {
      'k8s/base/web.yaml': web().replace('replicas: 4', 'replicas: 1').replace('sleep 10', 'sleep 90'),
      'k8s/base/kustomization.yaml': 'resources: [web.yaml]\n',
      'k8s/overlays/production/kustomization.yaml':
        'resources: [../../base]\nreplicas: [{ name: web, count: 3 }]\npatches: [{ path: patch.yaml }]\n',
      'k8s/overlays/production/patch.yaml':
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { template: { spec: { terminationGracePeriodSeconds: 120 } } }\n',
    },
    finds: [],
  },
  {
    name: 'small numbers in a rehearsal overlay',
    files: {
      'k8s/base/web.yaml': web(),
      'k8s/base/kustomization.yaml': 'resources: [web.yaml]\n',
      'k8s/overlays/dev/kustomization.yaml': 'resources: [../../base]\nreplicas: [{ name: web, count: 1 }]\n',
      'k8s/overlays/prod/kustomization.yaml': 'resources: [../../base]\n',
    },
    finds: [],
  },
  {
    name: 'a production overlay that breaks a good base',
    files: {
      'k8s/base/web.yaml': web(),
      'k8s/base/kustomization.yaml': 'resources: [web.yaml]\n',
      'k8s/overlays/prod/kustomization.yaml': 'resources: [../../base]\npatchesStrategicMerge: [grace.yaml]\n',
      'k8s/overlays/prod/grace.yaml':
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { template: { spec: { terminationGracePeriodSeconds: 5 } } }\n',
    },
    finds: ['kube-grace-budget'],
  },
  {
    name: 'a manifest under test/',
    files: { 'test/fixtures/web.yaml': web().replace(/ +readinessProbe.*\n/, '') },
    finds: [],
  },
  {
    name: 'a migration when each copy starts',
    files: { 'k8s/web.yaml': web('          command: [sh, -c, "bundle exec rails db:migrate && exec puma"]\n') },
    finds: ['migrate-on-boot'],
  },
  {
    name: 'a migration as a job',
    files: {
      'k8s/job.yaml': `apiVersion: batch/v1\nkind: Job\nmetadata: { name: migrate }\nspec: { template: { spec: { containers: [{ name: m, image: "${digest}", command: [rails, db:migrate] }] } } }\n`,
    },
    finds: [],
  },
  { name: 'good ECS in Terraform', files: { 'main.tf': ecs(`  desired_count = 4\n${breaker}`) }, finds: [] },
  {
    name: 'a breaker that does not roll back',
    files: { 'main.tf': ecs(`  desired_count = 4\n${breaker.replace('rollback = true', 'rollback = false')}`) },
    finds: ['ecs-auto-rollback'],
  },
  { name: 'no breaker', files: { 'main.tf': ecs('  desired_count = 4\n') }, finds: ['ecs-auto-rollback'] },
  {
    name: 'deployment alarms instead of a breaker',
    files: {
      'main.tf': ecs(
        '  desired_count = 4\n  alarms {\n    enable = true\n    rollback = true\n    alarm_names = ["a"]\n  }\n',
      ),
    },
    finds: [],
  },
  {
    name: 'CodeDeploy has no breaker, rightly',
    files: { 'main.tf': ecs('  desired_count = 4\n  deployment_controller { type = "CODE_DEPLOY" }\n') },
    finds: [],
  },
  {
    name: 'ten tasks, one at a time',
    files: {
      'main.tf': ecs(
        `  desired_count = 10\n  deployment_maximum_percent = 110\n${breaker}`,
        'deregistration_delay = 60',
      ),
    },
    finds: ['rollback-time-ecs'],
  },
  {
    name: 'two tasks, half at once, draining for five minutes',
    files: {
      'main.tf': ecs(
        `  desired_count = 2\n  deployment_minimum_healthy_percent = 50\n  deployment_maximum_percent = 100\n${breaker}`,
        '',
      ),
    },
    finds: ['rollback-time-ecs', 'ecs-capacity'],
  },
  {
    name: 'a deployment that cannot move',
    files: { 'main.tf': ecs(`  desired_count = 3\n  deployment_maximum_percent = 120\n${breaker}`) },
    finds: ['ecs-can-progress'],
  },
  {
    name: 'nothing drains',
    files: { 'main.tf': ecs(`  desired_count = 4\n${breaker}`, 'deregistration_delay = 0') },
    finds: ['drain-zero'],
  },
  {
    name: 'a variable without a value: cannot tell',
    files: { 'main.tf': `variable "count_of_tasks" {}\n${ecs(`  desired_count = var.count_of_tasks\n${breaker}`)}` },
    finds: [],
    open: ['rollback-time-ecs'],
  },
  {
    name: 'the production tfvars decide',
    files: {
      'main.tf': `variable "back" { default = false }\n${ecs(`  desired_count = 4\n${breaker.replace('rollback = true', 'rollback = var.back')}`)}`,
      'env/prod.tfvars': 'back = true\n',
      'env/dev.tfvars': 'back = false\n',
    },
    finds: [],
  },
  {
    name: 'CloudFormation with parameters',
    files: {
      'template.yaml': `AWSTemplateFormatVersion: "2010-09-09"
Parameters: { Desired: { Type: Number, Default: 4 } }
Resources:
  Web:
    Type: AWS::ECS::Service
    Properties:
      DesiredCount: !Ref Desired
      DeploymentConfiguration: { DeploymentCircuitBreaker: { Enable: true, Rollback: true } }
      HealthCheckGracePeriodSeconds: 60
      LoadBalancers: [{ TargetGroupArn: !Ref Group, ContainerName: app, ContainerPort: 8080 }]
  Group:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      HealthCheckPath: /health/ready
      TargetGroupAttributes: [{ Key: deregistration_delay.timeout_seconds, Value: "60" }]
  Data:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Snapshot
    UpdateReplacePolicy: Snapshot
    Properties: { DeletionProtection: true }
`,
    },
    finds: [],
  },
  {
    name: 'a table that goes with its stack, in JSON',
    files: {
      'template.json':
        '{"Resources":{"Cases":{"Type":"AWS::DynamoDB::Table","Properties":{"BillingMode":"PAY_PER_REQUEST"}}}}',
    },
    finds: ['stateful-kept'],
  },
  {
    name: 'CodeDeploy without alarms that stops the old release at once',
    files: {
      'template.yaml': `Resources:
  Group:
    Type: AWS::CodeDeploy::DeploymentGroup
    Properties:
      AutoRollbackConfiguration: { Enabled: true, Events: [DEPLOYMENT_FAILURE] }
      DeploymentConfigName: CodeDeployDefault.ECSAllAtOnce
      BlueGreenDeploymentConfiguration:
        TerminateBlueInstancesOnDeploymentSuccess: { Action: TERMINATE, TerminationWaitTimeInMinutes: 0 }
`,
    },
    finds: ['codedeploy-auto-rollback', 'codedeploy-alarms', 'codedeploy-keeps-blue', 'all-at-once'],
  },
  {
    name: 'a good image',
    files: {
      Dockerfile:
        'FROM node:20.19.2 AS build\nRUN npm ci\nFROM node:20.19.2-slim\nCOPY --from=build /app /app\nENTRYPOINT ["/usr/bin/tini", "--"]\nCMD ["node", "dist/server.js"]\n',
    },
    finds: [],
  },
  {
    name: 'shell form in the last stage',
    files: { Dockerfile: 'FROM python:3.12.4\nCMD gunicorn app:app --bind 0.0.0.0:8000 && echo stopped\n' },
    finds: ['docker-signal'],
  },
  {
    name: 'shell form only in a build stage',
    files: {
      Dockerfile:
        'FROM golang:1.23.1 AS build\nCMD go build\nFROM scratch\nCOPY --from=build /app /app\nENTRYPOINT ["/app"]\n',
    },
    finds: [],
  },
  { name: 'exec inside a shell', files: { Dockerfile: 'FROM python:3.12.4\nCMD exec gunicorn app:app\n' }, finds: [] },
  {
    name: 'npm is process 1',
    files: { Dockerfile: 'FROM node:20.19.2\nCMD ["npm", "run", "start"]\n' },
    finds: ['docker-signal'],
  },
  {
    name: 'an image for migrations only',
    files: { 'Dockerfile.migrations': 'FROM flyway/flyway:10.1\nCMD ["flyway", "migrate"]\n' },
    finds: [],
  },
  {
    name: 'Prisma at every start',
    files: {
      Dockerfile: 'FROM node:20.19.2\nCMD ["npm", "start"]\n',
      'package.json': '{"scripts":{"start":"prisma migrate deploy && node server.js"}}',
    },
    finds: ['migrate-on-boot', 'docker-signal'],
  },
  {
    name: 'a compose file for developers',
    files: {
      'docker-compose.yml':
        'services:\n  web:\n    build: .\n    ports: ["3000:3000"]\n    depends_on: [db]\n  db:\n    image: postgres\n',
    },
    finds: [],
    may: ['image-digest'],
  },
  {
    name: 'a good production stack',
    files: {
      'docker-compose.prod.yml': `services:\n  web:\n    image: ${digest}\n    ports: ["80:8080"]\n    stop_grace_period: 90s\n    deploy: { replicas: 3, update_config: { order: start-first, failure_action: rollback } }\n`,
    },
    finds: [],
  },
  {
    name: 'a stack that stops first',
    files: {
      'docker-compose.prod.yml': `services:\n  web:\n    image: ${digest}\n    ports: ["80:8080"]\n    stop_grace_period: 3s\n    deploy: { replicas: 1, update_config: { delay: 5s } }\n`,
    },
    finds: ['compose-update', 'compose-stop-grace'],
  },
  {
    name: 'a good nginx',
    files: {
      'nginx/site.conf':
        'upstream app { server 10.0.0.1:8080; keepalive 32; }\nserver {\n  listen 443 ssl;\n  error_page 502 503 504 /unavailable.html;\n  location = /unavailable.html { root /srv; internal; }\n  location / { proxy_pass http://app; proxy_read_timeout 30s; proxy_next_upstream error timeout; }\n}\n',
    },
    finds: [],
  },
  {
    name: 'nginx that repeats submissions',
    files: {
      'nginx.conf':
        'http { server { error_page 503 /u.html; location / { proxy_pass http://a; proxy_next_upstream error timeout http_502 non_idempotent; } } }\n',
    },
    finds: ['front-retries-posts'],
  },
  {
    name: 'a good HAProxy',
    files: {
      'haproxy.cfg':
        'defaults\n  mode http\n  timeout server 30s\n  errorfile 503 /etc/haproxy/503.http\nbackend app\n  option httpchk GET /health/ready\n  default-server check inter 2s\n  server a 10.0.0.1:80\n',
    },
    finds: [],
  },
  {
    name: 'HAProxy that repeats and does not check',
    files: {
      'haproxy.cfg':
        'global\n  hard-stop-after 5s\ndefaults\n  mode http\n  timeout server 60s\n  retry-on all-retryable-errors\nbackend app\n  server a 10.0.0.1:80\n',
    },
    finds: ['front-retries-posts', 'front-checks-health', 'front-error-page', 'front-shutdown'],
  },
  {
    name: 'answers kept in memory',
    files: {
      'src/app.ts':
        "import session from 'express-session'\nimport { close } from './close'\napp.use(session({ secret: 'x', cookie: { secure: true } }))\napp.listen(3000)\nprocess.on('SIGTERM', close)\n",
    },
    finds: ['session-in-memory'],
  },
  {
    name: 'answers kept in Redis',
    files: {
      'src/app.ts':
        "import session from 'express-session'\napp.use(session({ secret: 'x', store, cookie: { secure: true } }))\nconst server = app.listen(3000)\nprocess.on('SIGTERM', () => server.close())\n",
    },
    finds: [],
  },
  {
    name: 'a CronJob in UTC for a payment run',
    files: {
      'k8s/pay.yaml':
        'apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: payment-file }\nspec: { schedule: "30 20 * * 1-5" }\n',
    },
    finds: ['schedule-local-time'],
  },
  {
    name: 'a CronJob that cleans up every ten minutes',
    files: {
      'k8s/clean.yaml':
        'apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: clean-sessions }\nspec: { schedule: "*/10 * * * *" }\n',
    },
    finds: [],
  },
  {
    name: 'a page that stands alone',
    files: {
      'static/service-unavailable.html':
        '<!DOCTYPE html><html lang="en"><head><title>Service unavailable</title><style>h1{font-size:2em}</style></head><body><h1>Sorry, the service is unavailable</h1><p>You will be able to use it from 9am on Tuesday.</p><p>Telephone: 0300 790 6268</p></body></html>',
    },
    finds: [],
  },
  {
    name: 'a page that needs a script and says nothing',
    files: {
      'static/maintenance.html':
        '<html><head><script src="https://cdn.example/x.js"></script></head><body><h1>Down for maintenance</h1></body></html>',
    },
    finds: ['page-self-contained', 'page-helps'],
  },
  {
    name: 'a program about Dockerfiles is not a Dockerfile',
    files: {
      'src/dockerfile.ts': 'export const a = 1\n',
      'docs/Jenkinsfile.md': '# Jenkinsfile\n',
      Dockerfile: 'FROM node:20.19.2\nCMD ["node", "a.js"]\n',
    },
    finds: [],
  },
  {
    name: 'Fastify keeps idle connections longer by itself',
    files: {
      'lb.tf': 'resource "aws_lb" "main" {\n  idle_timeout = 60\n}\n',
      'server.ts':
        "import fastify from 'fastify'\nconst app = fastify()\nawait app.listen({ port: 80 })\nprocess.on('SIGTERM', () => app.close())\n",
    },
    finds: [],
  },
]
