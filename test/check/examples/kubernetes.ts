import { child } from '../../../src/core/check/formats/node.ts'
import type { World } from '../../../src/core/check/world.ts'
import { type FormatExample, place, shown } from './example.ts'

const HELPERS = `{{- define "web.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "web.labels" -}}
app.kubernetes.io/name: {{ include "web.name" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}
`

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "web.name" . }}
  labels:
    {{- include "web.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  template:
    spec:
      terminationGracePeriodSeconds: {{ .Values.grace | default 30 }}
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          env:
          {{- range $key, $value := .Values.env }}
            - name: {{ $key | upper }}
              value: {{ $value | quote }}
          {{- end }}
`

export const kubernetes: readonly FormatExample[] = [
  {
    format: 'helm-template',
    name: 'a chart rendered with the values of production; each value stands where it was written',
    files: {
      'chart/Chart.yaml': 'apiVersion: v2\nname: claim\nversion: 1.0.0\nappVersion: "4.2"\n',
      'chart/values.yaml':
        'replicas: 1\ngrace: 45\nautoscaling: { enabled: false }\nimage: { repository: example.org/claim, tag: "" }\nresources: {}\nenv: {}\n',
      'chart/values-prod.yaml': 'replicas: 4\nresources:\n  limits: { memory: 512Mi }\nenv:\n  mode: live\n',
      'chart/values-dev.yaml': 'replicas: 1\n',
      'chart/templates/_helpers.tpl': HELPERS,
      'chart/templates/web.yaml': DEPLOYMENT,
    },
    read: (world) => [
      ...objects(world),
      at(world, 'spec', 'replicas'),
      at(world, 'metadata', 'labels', 'app.kubernetes.io/version'),
      pod(world, 'terminationGracePeriodSeconds'),
      pod(world, 'containers', 0, 'image'),
      pod(world, 'containers', 0, 'resources', 'limits', 'memory'),
      pod(world, 'containers', 0, 'env', 0, 'name'),
      pod(world, 'containers', 0, 'env', 0, 'value'),
    ],
    gives: [
      'Deployment claim chart/templates/web.yaml:1:1 chart/values-prod.yaml',
      '4 at chart/values-prod.yaml:1:11',
      '4.2 at chart/Chart.yaml:4:13',
      '45 at chart/values.yaml:2:8',
      'example.org/claim:4.2 at chart/templates/web.yaml:16:18',
      '512Mi at chart/values-prod.yaml:3:21',
      'MODE at chart/values-prod.yaml:5:9',
      'live at chart/values-prod.yaml:5:9',
    ],
  },
  {
    format: 'helm',
    name: 'what cannot be rendered, and a chart from elsewhere, are said with their line',
    files: {
      'chart/Chart.yaml':
        'apiVersion: v2\nname: claim\nversion: 1.0.0\ndependencies:\n  - name: redis\n    version: 18.x.x\n    repository: https://charts.example.org\n  - name: off\n    condition: off.enabled\n  - name: inner\n',
      'chart/values.yaml': 'off: { enabled: false }\ninner: { replicas: 5 }\n',
      'chart/charts/inner/Chart.yaml': 'apiVersion: v2\nname: inner\nversion: 1.0.0\n',
      'chart/charts/inner/values.yaml': 'replicas: 1\n',
      'chart/charts/inner/templates/web.yaml':
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: inner }\nspec:\n  replicas: {{ .Values.replicas }}\n',
      'chart/templates/secret.yaml': 'kind: Secret\nmetadata:\n  name: s\ndata:\n  key: {{ genPrivateKey "rsa" }}\n',
      'chart/templates/host.yaml': 'kind: Ingress\nmetadata:\n  name: {{ .Values.web.host }}\n',
      'chart/templates/broken.yaml': 'kind: Ingress\n{{ if .Values.x }}\n',
    },
    read: (world) => [
      ...objects(world),
      at(world, 'spec', 'replicas'),
      ...world.unseen.map((one) => `${place(one.at)} ${one.says}`),
    ],
    gives: [
      'Deployment inner chart/charts/inner/templates/web.yaml:1:1 chart/Chart.yaml',
      '5 at chart/values.yaml:2:20, by default',
      'chart/Chart.yaml:5:5 What the chart redis, which claim depends on, puts into the cluster is not in this tree.',
      'chart/templates/secret.yaml:5:10 secret.yaml of the chart claim is not rendered here. We cannot render the function genPrivateKey.',
      'chart/templates/host.yaml:3:11 host.yaml of the chart claim is not rendered here. We cannot render .Values.web.host, because .Values.web has no value.',
      'chart/templates/broken.yaml:2:19 broken.yaml of the chart claim is not rendered here. The if is never closed.',
    ],
  },
  {
    format: 'kustomization',
    name: 'overlays: patches in files and in place, JSON patches, images, replicas, names; a base from elsewhere is said',
    files: {
      'base/kustomization.yaml': 'resources: [web.yaml, job.yaml]\n',
      'base/web.yaml':
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n        - name: app\n          image: example.org/claim:1\n',
      'base/job.yaml': 'apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: nightly }\n',
      'prod/kustomization.yaml':
        'resources:\n  - ../base\n  - github.com/example/ingress?ref=v2\nnamePrefix: live-\nreplicas:\n  - { name: web, count: 4 }\nimages:\n  - name: example.org/claim\n    digest: sha256:aa\npatches:\n  - path: grace.yaml\n  - target: { kind: Deployment, name: w.* }\n    patch: |-\n      - op: add\n        path: /spec/template/spec/containers/0/lifecycle\n        value: { preStop: { sleep: { seconds: 20 } } }\n  - patch: |\n      $patch: delete\n      kind: CronJob\n      metadata: { name: nightly }\n',
      'prod/grace.yaml':
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      terminationGracePeriodSeconds: 60\n',
    },
    read: (world) => [
      ...objects(world),
      at(world, 'spec', 'replicas'),
      pod(world, 'containers', 0, 'image'),
      pod(world, 'terminationGracePeriodSeconds'),
      pod(world, 'containers', 0, 'lifecycle', 'preStop', 'sleep', 'seconds'),
      ...world.unseen.map((one) => `${one.ref} ${place(one.at)}`),
    ],
    gives: [
      'Deployment live-web base/web.yaml:1:1 prod',
      '4 at prod/kustomization.yaml:6:25',
      'example.org/claim@sha256:aa at prod/kustomization.yaml:9:13',
      '60 at prod/grace.yaml:7:38',
      '20 at prod/kustomization.yaml:16:47',
      'github.com/example/ingress?ref=v2 prod/kustomization.yaml:3:5',
    ],
  },
]

function objects(world: World): readonly string[] {
  return world.kube.map((one) => `${one.kind} ${one.name} ${place(one.at)} ${one.overlay ?? ''}`.trimEnd())
}

function at(world: World, ...path: readonly (string | number)[]): string {
  return shown(child(world.kube[0]?.node, ...path))
}

function pod(world: World, ...path: readonly (string | number)[]): string {
  return at(world, 'spec', 'template', 'spec', ...path)
}
