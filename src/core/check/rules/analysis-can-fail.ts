import { child, fields, items, num, spotOf, text } from '../formats/node.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const analysisCanFail: Rule = {
  id: 'analysis-can-fail',
  question: 10,
  title: 'The analysis of a release can fail it',
  formats: ['kubernetes', 'kustomization'],
  severity: 'error',
  reach: 2,
  harm: 'The analysis looks at the release, sees it fail, and promotes it all the same.',
  defaults:
    'failureLimit 0, inconclusiveLimit 0; a metric fails when there are more bad measurements than failureLimit.',
  fix: 'Let failureLimit be smaller than count, and give a failureCondition or a successCondition.',
  cites: 'Argo Rollouts documentation: analysis',
  bad: {
    'analysis.yaml':
      'apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: { name: success }\nspec:\n  metrics: [{ name: rate, interval: 1m, count: 3, failureLimit: 3, successCondition: "result[0] > 0.99", provider: { prometheus: { query: up } } }]\n',
  },
  good: {
    'analysis.yaml':
      'apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: { name: success }\nspec:\n  metrics: [{ name: rate, interval: 1m, count: 5, failureLimit: 1, successCondition: "result[0] > 0.99", provider: { prometheus: { query: up } } }]\n',
  },
  *check(world): Iterable<Verdict> {
    for (const object of world.kube.filter(({ kind }) => /^(Cluster)?AnalysisTemplate$/.test(kind))) {
      const dry = items(child(object.node, 'spec', 'dryRun')).map((item) => text(child(item, 'metricName')))
      for (const metric of items(child(object.node, 'spec', 'metrics'))) {
        const name = text(child(metric, 'name')) ?? 'a metric'
        const at = spotOf(metric)
        const limitNode = child(metric, 'failureLimit')
        const limit = limitNode ? num(limitNode) : 0
        const countNode = child(metric, 'count')
        const count = countNode ? num(countNode) : child(metric, 'interval') ? undefined : 1
        // A job or a web check without conditions is judged by its own exit or status.
        const [provider] = fields(child(metric, 'provider')).map(([key]) => key)
        const judged = child(metric, 'successCondition') ?? child(metric, 'failureCondition')
        if (dry.includes(name) || dry.includes('.*'))
          yield fail(at, `"${name}" is only tried out (dryRun): it fails no release.`, { severity: 'warn' })
        else if (limit !== undefined && limit < 0)
          yield fail(at, `"${name}" may fail for ever: failureLimit is ${limit}.`)
        else if (limit !== undefined && count !== undefined && count <= limit)
          yield fail(at, `"${name}" cannot fail: it measures ${count} times and forgives ${limit}.`, {
            arithmetic: `count ${count} ≤ failureLimit ${limit}`,
          })
        else if (!judged && provider !== undefined && !/^(job|kayenta|web|plugin)$/.test(provider))
          yield fail(at, `"${name}" has no condition, so every value of it is a success.`)
        else yield pass(at)
      }
    }
  },
}
