import { child, fields, type Node, type Spot, spotOf, text } from '../formats/node.ts'
import { containersOf, fieldOf } from '../models/cloud.ts'
import { workloads } from '../models/kube.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'

export const imageDigest: Rule = {
  id: 'image-digest',
  question: 1,
  title: 'What runs, and what one goes back to, is named exactly',
  formats: ['kubernetes', 'kustomization', 'ecs', 'cloudformation', 'terraform', 'compose'],
  severity: 'error',
  reach: 2,
  harm: 'Two pods of one release may run different code, and going back starts the same bad image again.',
  defaults: 'An image without a tag is :latest.',
  fix: 'Name the image by digest (image@sha256:…), written by the pipeline that built it.',
  cites: 'Kubernetes documentation: image names; ECS: task definition image by digest',
  bad: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      containers:\n        - { name: app, image: "registry/web:latest" }\n',
  },
  good: {
    'k8s/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  template:\n    spec:\n      containers:\n        - { name: app, image: "registry/web@sha256:0000000000000000000000000000000000000000000000000000000000000000" }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const { image, owner, at, severity } of images(world)) {
      const name = image.split('@')[0]!
      const tag = /:([\w][\w.-]{0,127})$/.exec(name.slice(name.lastIndexOf('/') + 1))?.[1]
      // A placeholder is filled by the pipeline or an overlay.
      if (/[${}<>]|\bIMAGE\b|PLACEHOLDER|%/i.test(image) || (!image.includes('/') && !tag && !image.includes('@')))
        continue
      if (image.includes('@sha256:')) yield pass(at)
      else if (tag === undefined || /^(latest|main|master|stable|prod|production|live|release|edge|dev)$/.test(tag))
        yield fail(
          at,
          `${owner} runs ${image}, which means something else tomorrow.`,
          severity === undefined ? {} : { severity },
        )
      else yield pass(at)
    }
  },
}

interface Image {
  readonly image: string
  readonly owner: string
  readonly at: Spot
  readonly severity?: 'warn'
}

function images(world: World): readonly Image[] {
  const found: Image[] = []
  const add = (node: Node | undefined, owner: string, severity?: 'warn') => {
    const image = text(node)
    if (node && image !== undefined) found.push({ image, owner, at: spotOf(node), ...(severity ? { severity } : {}) })
  }
  // An overlay may set the image of a base; then the merged object is judged by its overlay's own list.
  const replaced = new Set(
    world
      .documents('kustomization')
      .flatMap(({ root }) => (child(root, 'images')?.kind === 'list' ? imageNames(child(root, 'images')!) : [])),
  )
  for (const workload of workloads(world.kube, ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout'])) {
    if (!workload.object.production) continue
    for (const container of workload.containers) {
      const name = (text(child(container, 'image')) ?? '').split('@')[0]!.replace(/:[^/:]*$/, '')
      if (!replaced.has(name)) add(child(container, 'image'), workload.object.name)
    }
  }
  for (const task of world.cloud.filter((resource) => resource.type === 'ecs-task')) {
    for (const container of containersOf(task) ?? []) add(fieldOf(task, container, 'Image'), task.id)
  }
  for (const { root } of world.composes) {
    for (const [name, service] of fields(child(root, 'services')))
      if (!child(service, 'build')) add(child(service, 'image'), name, 'warn')
  }
  return found
}

function imageNames(list: Node): readonly string[] {
  return list.kind === 'list' ? list.items.map((item) => text(child(item, 'name')) ?? '') : []
}
