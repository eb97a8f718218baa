import { nearest } from '../../words.ts'
import { readJson } from '../formats/json.ts'
import { child, keySpot, spotOf, text } from '../formats/node.ts'
import { hooksOf, kiroSources, TRIGGERS } from '../models/kiro.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const kiroHookLoads: Rule = {
  id: 'kiro-hook-loads',
  question: 8,
  title: 'Each Kiro hook is in the form that Kiro loads',
  formats: ['kiro'],
  severity: 'error',
  reach: 1,
  harm: 'The check that everybody believes in never runs, and a dangerous deployment file passes.',
  defaults: 'Kiro 1.x loads .kiro/hooks/*.json with version "v1"; every other form is dropped without a word.',
  fix: 'Write it as {"version":"v1","hooks":[{"name":…,"trigger":"PostFileSave","matcher":"<regular expression>","action":{"type":"command","command":…}}]}. holdfast check kiro --fix does so for every form that Kiro has had; another tool’s form is for a person to write anew.',
  cites: 'Kiro documentation: hooks; facts checked on IDE 1.2',
  everywhere: true,
  bad: {
    '.kiro/hooks/deployment-validator.yaml':
      'name: deployment-validator\nevent: file_saved\nmatch: "**/*deploy*.yml"\nprompt: Check this.\n',
  },
  good: {
    '.kiro/hooks/deployment-validator.json':
      '{"version":"v1","hooks":[{"name":"deployment-validator","trigger":"PostFileSave","matcher":"(^|/)deploy/[^/]+\\\\.ya?ml$","action":{"type":"command","command":"npx --no-install holdfast check"},"timeout":30}]}',
  },
  *check(world): Iterable<Verdict> {
    for (const src of kiroSources(world, /(^|\/)\.kiro\/hooks\/|\.kiro\.hook$/)) {
      // What `check kiro --fix` keeps of a file that git does not hold.
      if (src.file.endsWith('.before-holdfast')) continue
      const start = { file: src.file, line: 1, col: 1 }
      if (!/(^|\/)\.kiro\/hooks\/[^/]+\.json$/.test(src.file)) {
        const why = src.file.endsWith('.kiro.hook')
          ? 'the form of Kiro 0.x'
          : /\.json$/.test(src.file)
            ? 'not directly in .kiro/hooks'
            : 'not a .json file'
        yield fail(start, `Kiro does not load this hook: it is ${why}.`)
        continue
      }
      const { root, problems } = readJson(src)
      const hooks = hooksOf(src)
      if (!root || problems.length > 0) yield fail(start, 'Kiro does not load this hook: the JSON is broken.')
      else if (!hooks)
        yield fail(
          start,
          child(root, 'when')
            ? 'Kiro does not load this hook: when/then is the form of Kiro 0.x.'
            : 'Kiro drops the whole file: version must be "v1" and hooks a list.',
        )
      else if (hooks.length === 0) yield fail(start, 'Kiro drops the file: its list of hooks is empty.')
      for (const hook of hooks ?? []) {
        const type = text(child(hook.action, 'type'))
        const known = (TRIGGERS as readonly string[]).includes(hook.trigger)
        if (!known) {
          const near = nearest(hook.trigger, TRIGGERS)
          yield fail(
            keySpot(hook.node, 'trigger'),
            `Kiro drops "${hook.name}": there is no trigger "${hook.trigger}"${near ? ` (${near}, perhaps)` : ''}.`,
          )
        } else if (!hook.action || (type !== 'command' && type !== 'agent'))
          yield fail(
            hook.action ? spotOf(hook.action) : hook.at,
            `Kiro rejects the file: the action of "${hook.name}" must be of type command or agent.`,
          )
        else if (!text(child(hook.action, type === 'command' ? 'command' : 'prompt')))
          yield fail(
            spotOf(hook.action),
            `Kiro rejects the file: the action of "${hook.name}" has no ${type === 'command' ? 'command' : 'prompt'}.`,
          )
        else yield pass(hook.at)
      }
    }
  },
}
