import { allText, child, keySpot } from '../formats/node.ts'
import { productionJobs } from '../models/pipeline.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const deployIdentity: Rule = {
  id: 'deploy-identity',
  question: 9,
  title: 'The deployment signs in as this run, not with a shared key',
  formats: ['github-workflow'],
  severity: 'warn',
  reach: 1,
  harm: 'With a shared key the audit log cannot tell a deployment from a theft, and a stolen key changes what citizens see.',
  defaults: 'A key kept as a secret works until somebody changes it.',
  fix: 'Use OpenID Connect: permissions: { id-token: write } and role-to-assume.',
  cites: 'playbook: audit logging for all deployment actions',
  bad: {
    '.github/workflows/cd.yml': `on: push
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    env: { AWS_ACCESS_KEY_ID: "\${{ secrets.AWS_ACCESS_KEY_ID }}", AWS_SECRET_ACCESS_KEY: "\${{ secrets.AWS_SECRET_ACCESS_KEY }}" }
    steps: [{ run: cdk deploy }]
`,
  },
  good: {
    '.github/workflows/cd.yml': `on: push
permissions: { id-token: write, contents: read }
jobs:
  deploy:
    environment: production
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: { role-to-assume: "arn:aws:iam::111122223333:role/deploy", aws-region: eu-west-2 }
      - run: cdk deploy
`,
  },
  *check(world): Iterable<Verdict> {
    for (const pipeline of world.pipelines) {
      if (pipeline.tool !== 'github') continue
      for (const { job } of productionJobs(pipeline)) {
        const words = `${allText(job.node)}\n${allText(child(pipeline.node, 'env'))}`
        const key =
          /secrets\.(\w*(?:AWS_SECRET_ACCESS_KEY|GCP_SA_KEY|AZURE_CREDENTIALS|KUBE_?CONFIG|KUBECONFIG)\w*)/.exec(
            words,
          )?.[1]
        if (key)
          yield fail(
            job.node && child(job.node, 'env') ? keySpot(job.node, 'env') : job.at,
            `"${job.id}" signs in with the long-lived secret ${key}.`,
          )
        else if (
          /role-to-assume|workload_identity_provider|id-token/.test(
            words + allText(child(pipeline.node, 'permissions')),
          )
        )
          yield pass(job.at)
      }
    }
  },
}
