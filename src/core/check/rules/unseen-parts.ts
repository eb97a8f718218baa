import { cannotTell, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'

export const unseenParts: Rule = {
  id: 'unseen-parts',
  question: 8,
  title: 'What decides what runs is in the repository, or somebody vouches for it',
  formats: ['terraform', 'kustomization', 'jenkinsfile', 'sql', 'migration-code', 'liquibase'],
  severity: 'warn',
  reach: 1,
  harm: 'A remote module, base or library may cut citizens off, and nothing here would show it.',
  defaults: 'What is not in the tree is not judged, and never counted as right.',
  fix: 'Check it where it lives, and vouch for it in holdfast-capabilities.yaml with a digest.',
  cites: 'Holdfast: capability maps',
  bad: { 'main.tf': 'module "service" {\n  source = "git::https://example.test/modules/service.git?ref=v3"\n}\n' },
  good: {
    'main.tf': 'module "service" {\n  source = "./service"\n}\n',
    'service/main.tf': 'resource "aws_sqs_queue" "letters" {\n  visibility_timeout_seconds = 120\n}\n',
  },
  *check(world): Iterable<Verdict> {
    const told = new Set<string>()
    for (const { kind, at, says, needs, ref } of world.unseen) {
      // Charts have a rule of their own; objectives that other tools write are looked at by the rules on alerts.
      if (/^(helm-|slo$)/.test(kind) || told.has(ref)) continue
      told.add(ref)
      yield cannotTell(at, says, needs, ref)
    }
    yield* seenWhole(world)
  },
}

function* seenWhole(world: World): Iterable<Verdict> {
  const open = new Set(world.unseen.map((one) => one.at.file))
  for (const format of ['terraform', 'kustomization', 'jenkinsfile'] as const)
    for (const { file } of world.sources(format)) if (!open.has(file)) yield pass({ file, line: 1, col: 1 })
}
