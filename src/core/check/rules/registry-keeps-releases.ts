import { readJson } from '../formats/json.ts'
import { fields, items, type Node, num, type Spot, spotOf, text, walk } from '../formats/node.ts'
import { field, type Resource } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

// Enough images for the releases of a rollback window, builds of other branches included.
const IMAGES_MIN = 10

export const registryKeepsReleases: Rule = {
  id: 'registry-keeps-releases',
  question: 1,
  title: 'The registry keeps the releases one may have to go back to',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'The old release cannot be started again, because its image was cleaned away.',
  defaults: 'Without a lifecycle policy every image is kept.',
  fix: 'Keep at least 10 images, or by age at least as long as the rollback window.',
  cites: 'Amazon ECR user guide: lifecycle policies',
  bad: {
    'ecr.tf':
      'resource "aws_ecr_lifecycle_policy" "web" {\n  policy = jsonencode({ rules = [{ rulePriority = 1, selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 2 }, action = { type = "expire" } }] })\n}\n',
  },
  good: {
    'ecr.tf':
      'resource "aws_ecr_lifecycle_policy" "web" {\n  policy = jsonencode({ rules = [{ rulePriority = 1, selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 30 }, action = { type = "expire" } }] })\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const resource of world.cloud.filter(
      (candidate) => candidate.type === 'registry-policy' || candidate.type === 'registry',
    )) {
      for (const { selection, at } of selections(resource)) {
        const status = text(selection.get('tagStatus'))
        const type = text(selection.get('countType'))
        const count = num(selection.get('countNumber'))
        if (status === 'untagged' || count === undefined) continue
        if (type === 'imageCountMoreThan' && count < IMAGES_MIN)
          yield fail(at, `Only the last ${count} images of ${resource.id} are kept.`, {
            arithmetic: `${count} < ${IMAGES_MIN}`,
          })
        else if (type === 'sinceImagePushed' && count < 14)
          yield fail(
            at,
            `Images of ${resource.id} are deleted ${count} days after they were built, also the one that runs.`,
            { severity: 'warn' },
          )
        else yield pass(at)
      }
    }
  },
}

function selections(resource: Resource): { selection: ReadonlyMap<string, Node>; at: Spot }[] {
  const policy = field(resource, 'policy', 'LifecyclePolicy.LifecyclePolicyText')
  if (!policy) return []
  const written = text(policy)
  const root = written ? readJson({ ...policy.src, text: written }).root : policy
  const at = spotOf(policy)
  return [...walk(root)].flatMap((node) => {
    const entry = node.kind === 'map' ? node.entries.get('selection')?.value : undefined
    return entry ? [{ selection: new Map(fields(items(entry)[0])), at: written ? at : spotOf(entry) }] : []
  })
}
