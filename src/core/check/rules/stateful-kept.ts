import { child, flag, items, spotOf, text } from '../formats/node.ts'
import { field, typeOf } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'

export const statefulKept: Rule = {
  id: 'stateful-kept',
  question: 2,
  title: 'Taking the stack back cannot delete citizens’ data',
  formats: ['cloudformation', 'terraform', 'terraform-plan'],
  severity: 'error',
  reach: 3,
  harm: 'A rollback, a rename or a mistaken delete destroys what citizens have sent.',
  defaults:
    'CloudFormation deletes most resources with the stack; RDS instances outside clusters leave a snapshot. UpdateReplacePolicy is Delete.',
  fix: 'DeletionPolicy: Retain (or Snapshot) and UpdateReplacePolicy: Retain; in Terraform lifecycle { prevent_destroy = true } or deletion_protection.',
  cites: 'CloudFormation user guide: DeletionPolicy and UpdateReplacePolicy attributes',
  bad: {
    'data.yaml':
      'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  Applications:\n    Type: AWS::DynamoDB::Table\n    Properties: { BillingMode: PAY_PER_REQUEST }\n',
  },
  good: {
    'data.yaml':
      'AWSTemplateFormatVersion: "2010-09-09"\nResources:\n  Applications:\n    Type: AWS::DynamoDB::Table\n    DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n    Properties: { BillingMode: PAY_PER_REQUEST }\n',
  },
  *check(world): Iterable<Verdict> {
    yield* destroyedByPlan(world)
    for (const resource of world.cloud.filter((candidate) => candidate.type === 'stateful')) {
      const guarded =
        flag(
          field(
            resource,
            'DeletionProtection',
            'DeletionProtectionEnabled',
            'deletion_protection',
            'deletion_protection_enabled',
          ),
        ) === true
      if (resource.from === 'terraform') {
        // What a plan destroys is said above, where the plan says it.
        if (resource.actions?.includes('delete')) continue
        const prevents = flag(field(resource, 'lifecycle.prevent_destroy')) === true
        if (prevents || guarded) yield pass(resource.at)
        else
          yield fail(resource.at, `${resource.written}.${resource.id} may be destroyed or replaced by an apply.`, {
            severity: 'warn',
          })
        continue
      }
      // A bucket for logs or artefacts can be filled again; CloudFormation refuses to delete a bucket that holds anything.
      if (resource.written === 'AWS::S3::Bucket') continue
      const deletion = child(resource.whole, 'DeletionPolicy')
      const replace = child(resource.whole, 'UpdateReplacePolicy')
      const keeps = (node: ReturnType<typeof child>) =>
        ['Retain', 'Snapshot', 'RetainExceptOnCreate'].includes(text(node) ?? '')
      const snapshots = /^AWS::RDS::/.test(resource.written)
      if ((deletion ? keeps(deletion) : snapshots) && (keeps(replace) || guarded)) yield pass(resource.at)
      else if (deletion?.kind === 'opaque' || replace?.kind === 'opaque') continue
      else if (deletion && !keeps(deletion)) yield fail(spotOf(deletion), `${resource.id} is deleted with the stack.`)
      else if (deletion ? !keeps(deletion) : !snapshots)
        yield fail(resource.at, `${resource.id} is deleted with the stack.`)
      else
        yield fail(
          resource.at,
          `${resource.id} is deleted when a change makes CloudFormation replace it: UpdateReplacePolicy is ${replace ? text(replace) : 'absent'}.`,
          { severity: 'warn' },
        )
    }
  },
}

/** What a plan deletes is no longer among its planned values; only its list of changes tells. */
function* destroyedByPlan(world: World): Iterable<Verdict> {
  for (const { root } of world.documents('terraform-plan')) {
    for (const change of items(child(root, 'resource_changes'))) {
      const actions = child(change, 'change', 'actions')
      const does = items(actions).map((action) => text(action))
      if (!actions || !does.includes('delete') || typeOf(text(child(change, 'type')) ?? '') !== 'stateful') continue
      const before = child(change, 'change', 'before')
      // The provider refuses to delete a protected one.
      if (flag(child(before, 'deletion_protection') ?? child(before, 'deletion_protection_enabled')) === true) continue
      const name = (text(child(change, 'address')) ?? '').slice(0, 200)
      yield fail(
        spotOf(actions),
        `The plan ${does.includes('create') ? 'replaces' : 'deletes'} ${name}, and its data with it.`,
      )
    }
  }
}
