/**
 * Small repositories of ten stacks, as lists of files, for measuring which of them a hook must look at. `+` marks what a person would
 * say decides how the service is deployed; everything else is a trap or ordinary. Texts are only as long as they have to be.
 */

export interface LabelledFile {
  readonly path: string
  readonly text: string
  /** A person would say that it decides how releases reach citizens. */
  readonly decides: boolean
}

export interface Repository {
  readonly name: string
  readonly files: readonly LabelledFile[]
}

/** One line a file: mark, path, then its text after "|", with ¶ for a line break. */
function repository(name: string, lines: string): Repository {
  const files = lines
    .trim()
    .split('\n')
    .map((line): LabelledFile => {
      const [, mark, path, text = ''] = line.trim().match(/^([+-]) (\S+)(?: \| (.*))?$/) ?? []
      if (!mark || !path) throw new Error(`Not a line of a repository: ${line}`)
      return { path, text: text.replaceAll('¶', '\n'), decides: mark === '+' }
    })
  return { name, files }
}

export const REPOSITORIES: readonly Repository[] = [
  repository(
    'Node, GitHub Actions, ECS by task definition',
    `
    + .github/workflows/cd.yml | on: push¶jobs:¶  production:¶    environment: production¶    steps:¶      - uses: ./.github/actions/ship¶      - run: bash scripts/smoke.sh
    + .github/actions/ship/action.yml | runs:¶  using: composite¶  steps:¶    - uses: aws-actions/amazon-ecs-deploy-task-definition@v2
    + scripts/smoke.sh | curl -fsS https://example.org/health
    - scripts/seed-dev-data.sh | psql < seed.sql
    - .github/workflows/lint.yml | on: pull_request¶jobs:¶  lint:¶    steps:¶      - run: npm run lint
    - .github/workflows/docs.yml | jobs:¶  pages:¶    steps:¶      - uses: actions/deploy-pages@v4
    - .github/dependabot.yml | version: 2¶updates: []
    + ecs/task-definition.json | {"family":"web","containerDefinitions":[{"name":"web","stopTimeout":60}]}
    + ecs/service.json | {"serviceName":"web","desiredCount":4}
    + Dockerfile | FROM node:22
    - docker-compose.dev.yml | services:¶  db:¶    image: postgres
    - package.json | {"scripts":{"deploy":"aws ecs update-service"}}
    - package-lock.json | {}
    - tsconfig.json | {}
    - docs/deployment.md | Run kubectl apply.
    - docs/adr/0007-release-pipeline.yml | status: accepted
    - test/fixtures/deploy/pipeline.yml | run: kubectl apply
    - config/default.json | {"port":3000}
    - openapi.yaml | openapi: 3.1.0¶paths: {}
    - CHANGELOG.md | ## Release 4
    `,
  ),
  repository(
    'Python, Jenkins, Kubernetes with Helm',
    `
    + Jenkinsfile | @Library('ours') _¶pipeline { stages { stage('d') { steps { shipTo('prod') ; sh 'helm upgrade web chart -f chart/values-prod.yaml' } } } }
    + vars/shipTo.groovy | def call(e) { sh "kubectl rollout status deploy/web" }
    - vars/notifySlack.groovy | def call() { slackSend 'done' }
    + chart/Chart.yaml | apiVersion: v2¶name: web
    + chart/values.yaml | replicas: 2
    + chart/values-prod.yaml | replicas: 6
    + chart/templates/deployment.yaml | apiVersion: apps/v1¶kind: Deployment
    + chart/templates/_helpers.tpl | {{- define "web.name" -}}
    + Dockerfile | FROM python:3.13
    - Dockerfile.dev | FROM python:3.13
    - requirements.txt | django==5.2
    - app/settings.py | DEBUG = False
    - app/deploy_notes.py | TEXT = "kubectl apply"
    - tests/test_pipeline.yaml | kind: Deployment
    - mkdocs.yml | site_name: docs
    - .pre-commit-config.yaml | repos: []
    - locale/cy/release.json | {"title":"Rhyddhau"}
    `,
  ),
  repository(
    'Ruby on Rails with Kamal',
    `
    + config/deploy.yml | service: web¶servers: [1.2.3.4]
    + config/deploy.production.yml | proxy: { host: example.org }
    + Dockerfile | FROM ruby:3.4
    + .github/workflows/release.yml | jobs:¶  d:¶    steps:¶      - run: bin/release
    + bin/release | #!/bin/sh¶kamal deploy
    - bin/rails | #!/usr/bin/env ruby
    - config/database.yml | production: {}
    - config/environments/production.rb | Rails.application.configure {}
    - config/locales/cy.yml | cy: {}
    - db/migrate/20260101_add_release_to_cases.rb | add_column :cases, :release, :string
    - .github/workflows/ci.yml | jobs:¶  t:¶    steps:¶      - run: bundle exec rspec
    - .rubocop.yml | AllCops: {}
    - spec/fixtures/deploy.yml | kamal deploy
    `,
  ),
  repository(
    'Java, CodePipeline, CloudFormation',
    `
    + buildspec.yml | version: 0.2¶phases: { build: { commands: [mvn verify] } }
    + appspec.yaml | version: 0.0¶Resources: []
    + cloudformation/service.yml | AWSTemplateFormatVersion: "2010-09-09"¶Resources:¶  S:¶    Type: AWS::ECS::Service
    + cloudformation/pipeline.json | {"AWSTemplateFormatVersion":"2010-09-09","Resources":{"P":{"Type":"AWS::CodePipeline::Pipeline"}}}
    + cloudformation/alarms.yml | Resources:¶  A:¶    Type: AWS::CloudWatch::Alarm
    + Dockerfile | FROM eclipse-temurin:21
    - pom.xml | <project/>
    - src/main/resources/application.yml | server: { port: 8080 }
    - src/main/resources/application-production.yml | spring: {}
    - src/test/resources/pipeline.json | {"containerDefinitions":[]}
    - src/main/resources/db/migration/V7__release_flag.sql | alter table a add b int
    - docs/runbooks/rollback.md | kubectl rollout undo
    - checkstyle.yml | rules: []
    `,
  ),
  repository(
    'Terraform with modules, GitLab',
    `
    + .gitlab-ci.yml | deploy:¶  script: [terraform apply]
    + terraform/main.tf | module "web" { source = "./modules/web" }
    + terraform/variables.tf | variable "replicas" {}
    + terraform/prod.tfvars | replicas = 6
    + terraform/modules/web/main.tf | resource "aws_ecs_service" "web" {}
    + terraform/modules/web/lb.tf | resource "aws_lb_target_group" "web" {}
    - terraform/modules/web/tests/web.tf | run "plan" {}
    - terraform/modules/web/examples/basic/main.tf | module "web" {}
    + Dockerfile | FROM golang:1.25
    - .golangci.yml | linters: {}
    - config/feature-flags.yaml | release_banner: true
    - api/release.go | package api
    - data/deployments-2025.json | [{"date":"2025-01-01"}]
    - .tool-versions | terraform 1.13
    `,
  ),
  repository(
    'Lambda with SAM, and a static site',
    `
    + template.yaml | AWSTemplateFormatVersion: "2010-09-09"¶Transform: AWS::Serverless-2016-10-31
    + samconfig.toml | [prod.deploy.parameters]
    + .github/workflows/main.yml | jobs:¶  ship:¶    environment:¶      name: production¶    steps:¶      - run: sam deploy --config-env prod
    - .github/workflows/codeql.yml | jobs:¶  s:¶    steps:¶      - uses: github/codeql-action/analyze@v3
    - events/release-event.json | {"Records":[]}
    - site/data/releases.json | []
    - site/package.json | {}
    - src/handler.ts | export const handler = () => "deploy"
    - tests/events/deploy.json | {"AWS::x":"AWS::Lambda::Function"}
    `,
  ),
  repository(
    'CDK in TypeScript, Azure Pipelines',
    `
    + azure-pipelines.yml | stages: []
    + infra/cdk.json | {"app":"npx ts-node bin/app.ts"}
    + infra/lib/service-stack.ts | import * as ecs from 'aws-cdk-lib/aws-ecs'
    + infra/lib/pipeline-stack.ts | import { Stack } from 'aws-cdk-lib'
    - infra/lib/names.ts | export const NAME = 'web'
    - infra/test/service-stack.ts | import { Template } from 'aws-cdk-lib/assertions'
    - infra/tsconfig.json | {}
    + Dockerfile | FROM node:22
    - web/lib/deployments.ts | export const deployments = []
    - web/src/pipeline.yaml | steps: [one, two]
    - renovate.json | {}
    `,
  ),
  repository(
    'Kustomize overlays with Argo CD, reusable workflows',
    `
    + .github/workflows/release.yml | jobs:¶  checks:¶    uses: ./.github/workflows/checks.yml¶  ship:¶    uses: ./.github/workflows/_ship.yml
    + .github/workflows/checks.yml | on: workflow_call¶jobs:¶  scan:¶    steps:¶      - run: npm audit
    + .github/workflows/_ship.yml | on: workflow_call¶jobs:¶  s:¶    environment: production¶    steps:¶      - run: argocd app sync web
    - .github/workflows/stale.yml | jobs:¶  s:¶    steps:¶      - uses: actions/stale@v9
    + k8s/base/kustomization.yaml | resources: [web.yaml]
    + k8s/base/web.yaml | apiVersion: apps/v1¶kind: Deployment
    + k8s/base/hpa.yaml | apiVersion: autoscaling/v2¶kind: HorizontalPodAutoscaler
    + k8s/overlays/prod/kustomization.yaml | resources: [../../base]
    + k8s/overlays/prod/patch.yaml | apiVersion: apps/v1¶kind: Deployment
    + argocd/application.yaml | apiVersion: argoproj.io/v1alpha1¶kind: Application
    - kind-cluster.yaml | kind: Cluster¶apiVersion: kind.x-k8s.io/v1alpha4
    - skaffold.yaml | apiVersion: skaffold/v4¶kind: Config
    - examples/deployment.yaml | apiVersion: apps/v1¶kind: Deployment
    - src/i18n/deployments.yaml | title: Deployments
    `,
  ),
  repository(
    'EC2 with Ansible, Makefile and CircleCI',
    `
    + .circleci/config.yml | jobs:¶  d:¶    steps:¶      - run: make deploy-prod
    + Makefile | deploy-prod:¶	ansible-playbook ansible/site.yml -i ansible/prod.yml
    + ansible/site.yml | - hosts: web
    + ansible/prod.yml | all: { hosts: {} }
    - ansible/molecule.test.yml | driver: {}
    - Makefile.docs | html:¶	sphinx-build
    + docker-compose.yml | services:¶  web:¶    image: web@sha256:0
    - docker-compose.override.yml | services: {}
    - monitoring/dashboard-release.json | {"panels":[]}
    - data/pipeline.yaml | wells: []
    - README.md | make deploy
    `,
  ),
  repository(
    'Cloud Foundry, .NET, monorepo of two services',
    `
    + .github/workflows/deploy-api.yml | jobs:¶  d:¶    steps:¶      - run: ./ci/push.sh api
    + ci/push.sh | cf push -f api/manifest.yml --strategy rolling
    + api/manifest.yml | applications:¶  - name: api¶    instances: 4
    - web/manifest.json | {"name":"web app","start_url":"/"}
    - .github/workflows/containers.yml | jobs:¶  l:¶    steps:¶      - run: hadolint api/Dockerfile
    + api/Dockerfile | FROM mcr.microsoft.com/dotnet/aspnet:10.0
    - .github/workflows/labeler.yml | jobs:¶  l:¶    steps:¶      - uses: actions/labeler@v5
    - .github/labeler.yml | deployment: [ci/**]
    - api/appsettings.Production.json | {}
    - api/Migrations/20260101_Release.cs | class Release {}
    - ci/changelog.sh | git log
    - docs/release-process.yaml | steps: [cf push]
    `,
  ),
]
