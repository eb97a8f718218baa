import { spotOf, text } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const registryImmutable: Rule = {
  id: 'registry-immutable',
  question: 1,
  title: 'A release’s image cannot be overwritten',
  formats: ['cloudformation', 'terraform'],
  severity: 'warn',
  reach: 2,
  harm: 'Going back to release 41 may start something that was never tested, because the tag was pushed again.',
  defaults: 'Tags are mutable.',
  fix: 'image_tag_mutability = "IMMUTABLE".',
  cites: 'Amazon ECR user guide: image tag mutability',
  bad: { 'ecr.tf': 'resource "aws_ecr_repository" "web" {\n  name = "web"\n}\n' },
  good: {
    'ecr.tf': 'resource "aws_ecr_repository" "web" {\n  name = "web"\n  image_tag_mutability = "IMMUTABLE"\n}\n',
  },
  *check(world): Iterable<Verdict> {
    for (const repository of world.cloud.filter((resource) => resource.type === 'registry')) {
      const node = field(repository, 'ImageTagMutability')
      if (node?.kind === 'opaque') continue
      if (text(node)?.startsWith('IMMUTABLE')) yield pass(spotOf(node!))
      else
        yield fail(node ? spotOf(node) : repository.at, `Tags of ${repository.id} may be pushed again.`, {
          soft: node?.soft,
        })
    }
  },
}
