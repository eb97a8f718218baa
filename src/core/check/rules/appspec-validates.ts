import { child, fields, items, keySpot, type Node, num, spotOf, text } from '../formats/node.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const appspecValidates: Rule = {
  id: 'appspec-validates',
  question: 6,
  title: 'CodeDeploy tries the new release before citizens do',
  formats: ['appspec'],
  severity: 'warn',
  reach: 2,
  harm: 'The first to try the new release are citizens.',
  defaults: 'No hooks. On instances a hook may run for 3,600 s unless it has a timeout.',
  fix: 'Add AfterAllowTestTraffic or BeforeAllowTraffic (ECS, Lambda) or ValidateService with a timeout (instances), and let it fail the deployment.',
  cites: 'CodeDeploy user guide: AppSpec hooks section',
  bad: { 'appspec.yml': 'version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: scripts/install.sh\n' },
  good: {
    'appspec.yml':
      'version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - { location: scripts/install.sh, timeout: 120 }\n  ValidateService:\n    - { location: scripts/smoke.sh, timeout: 120 }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const { root } of world.documents('appspec')) {
      const hooks = child(root, 'hooks') ?? child(root, 'Hooks')
      const names = hookNames(hooks)
      const start =
        hooks && root.kind === 'map' ? keySpot(root, child(root, 'hooks') ? 'hooks' : 'Hooks') : spotOf(root)
      if (
        !names.some((name) =>
          /^(ValidateService|AfterAllowTestTraffic|BeforeAllowTraffic|AfterAllowTraffic)$/.test(name),
        )
      )
        yield fail(start, 'No hook looks at the new release before or after traffic moves to it.')
      else yield pass(start)
      if (hooks?.kind !== 'map') continue
      for (const [, list] of fields(hooks)) {
        for (const hook of items(list)) {
          const seconds = child(hook, 'timeout')
          const length = num(seconds)
          if (length !== undefined && length > 900)
            yield fail(spotOf(seconds!), `This hook may hold the deployment for ${length} s.`, {
              arithmetic: `${length} s > 900 s promised for taking it back`,
            })
          else if (!seconds && text(child(hook, 'location')))
            yield fail(spotOf(hook), 'This hook may hold the deployment for 3,600 s, because timeout is absent.', {
              severity: 'info',
            })
        }
      }
    }
  },
}

/** Instances name their hooks in a map, ECS and Lambda in a list of single entries. */
function hookNames(hooks: Node | undefined): readonly string[] {
  return hooks?.kind === 'list'
    ? hooks.items.flatMap((item) => fields(item).map(([name]) => name))
    : fields(hooks).map(([name]) => name)
}
