/** Deployments that aim at another environment than they say, and the many that only look like it. */
import type { Case } from './case.ts'

const deploy = (environment: string, steps: string, job = '') => `on: { push: { branches: [main] } }
permissions: { contents: read, id-token: write }
concurrency: { group: deploy, cancel-in-progress: false }
jobs:
  deploy:
    environment: ${environment}
    runs-on: ubuntu-latest
    timeout-minutes: 20
${job}    steps:
${steps}`
const sha = '11bd71901bbe5b1630ceea73d27597364c9af683'
const assume = (role: string) =>
  `      - uses: aws-actions/configure-aws-credentials@${sha}\n        with: { role-to-assume: "${role}", aws-region: eu-west-2 }\n`
const cdk = '      - run: cdk deploy --require-approval never\n'
const gates = [
  'gate-tests',
  'gate-security-scan',
  'gate-accessibility',
  'gate-approval',
  'rollback-path',
  'rollback-rehearsed',
  'stable-but-rolled-back',
  'deploy-waits',
]
const at = (
  environment: string,
  steps: string,
  finds: readonly string[],
  name: string,
  more: Case['files'] = {},
): Case => ({
  name,
  files: { '.github/workflows/cd.yml': deploy(environment, steps), ...more },
  finds,
  may: gates,
})
const overlay = (environment: string, namespace: string, finds: readonly string[], name: string): Case => ({
  name,
  files: {
    [`k8s/overlays/${environment}/kustomization.yaml`]: `namespace: ${namespace}\nresources: [../../base]\n`,
    'k8s/base/kustomization.yaml': 'resources: [config.yaml]\n',
    'k8s/base/config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: flags }\ndata: { offer: "yes" }\n',
  },
  finds,
})
const wrong = ['right-target']

export const targets: readonly Case[] = [
  at(
    'staging',
    assume('arn:aws:iam::111122223333:role/ProdDeploy') + cdk,
    wrong,
    'staging with the role of production',
  ),
  at('staging', assume('arn:aws:iam::111122223333:role/StagingDeploy') + cdk, [], 'staging with its own role'),
  at(
    'staging',
    assume('arn:aws:iam::111122223333:role/prod-account-staging-deploy') + cdk,
    [],
    'a role that names both',
  ),
  at('production', assume('arn:aws:iam::111122223333:role/deployer') + cdk, [], 'a role that names none'),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of the workflow.
  at('staging', assume('${{ secrets.PRODUCTION_ROLE }}') + cdk, wrong, 'staging with the secret of production'),
  at(
    'staging',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of the workflow.
    assume("${{ inputs.live == 'true' && secrets.PROD_ROLE || secrets.DEV_ROLE }}") + cdk,
    [],
    'an expression that chooses the role',
  ),
  at(
    'production',
    assume('arn:aws:iam::444455556666:role/staging-read') +
      '      - run: aws s3 cp s3://artefacts/release.zip .\n' +
      assume('arn:aws:iam::111122223333:role/deploy') +
      cdk,
    [],
    'the artefact is fetched from staging before production’s role is taken',
  ),
  at(
    'production',
    '      - run: terraform apply -auto-approve -var-file=env/staging.tfvars\n',
    wrong,
    'production with the values of staging',
  ),
  at(
    'production',
    '      - run: terraform plan -var-file=env/staging.tfvars -out plan\n      - run: terraform apply plan\n',
    wrong,
    'production applies a plan that was made for staging',
  ),
  at(
    'production',
    '      - run: |\n          terraform plan \\\n            -var-file=env/base.tfvars \\\n            -var-file=env/production.tfvars -out plan\n      - run: terraform apply plan\n',
    [],
    'base values under those of production',
  ),
  at(
    'production',
    '      - run: helm upgrade web ./chart -f values.yaml -f values-dev.yaml --namespace web --wait\n',
    wrong,
    'a chart with the values of development',
  ),
  at(
    'production',
    '      - run: |\n          kubectl --context staging get configmap flags -o yaml > flags.yaml\n          kubectl --context production apply -f flags.yaml\n          kubectl --context production rollout status deployment/web\n',
    [],
    'flags are read from staging and applied to production',
  ),
  at(
    'staging',
    '      - run: |\n          kubectl config use-context prod-cluster\n          kubectl apply -f k8s/web.yaml\n          kubectl rollout status deployment/web\n',
    wrong,
    'staging in the context of production',
  ),
  at(
    'development',
    '      - run: |\n          kubectl config use-context live.cloud-platform\n          kubectl -n claims-dev apply -f k8s/web.yaml\n          kubectl -n claims-dev rollout status deployment/web\n',
    [],
    'a cluster called live that holds every environment',
  ),
  at(
    'staging',
    '      - run: helm upgrade web ./chart --kube-context prod-shared --namespace claims-staging --wait\n',
    [],
    'a shared cluster with a namespace for each environment',
  ),
  at(
    'production',
    '      - run: aws cloudformation deploy --stack-name driving-test --template-file stack.yaml\n',
    [],
    'a service that books driving tests',
  ),
  at(
    'production',
    '      - run: aws ecs update-service --cluster web-staging --service web --force-new-deployment\n',
    wrong,
    'production updates the cluster of staging',
  ),
  at(
    'production',
    "      - if: github.ref == 'refs/heads/develop'\n        run: cdk deploy -c env=dev --profile dev\n      - if: github.ref == 'refs/heads/main'\n        run: cdk deploy -c env=prod --profile prod\n",
    [],
    'steps that choose by branch',
  ),
  at(
    'production',
    assume('arn:aws:iam::444455556666:role/deployer') + cdk,
    wrong,
    'the account that the values give to staging',
    {
      'infra/staging.tfvars': 'account_id = "444455556666"\n',
      'infra/production.tfvars': 'account_id = "111122223333"\n',
    },
  ),
  at('production', assume('arn:aws:iam::444455556666:role/deployer') + cdk, [], 'one account for both environments', {
    'infra/staging.tfvars': 'account_id = "444455556666"\n',
    'infra/production.tfvars': 'account_id = "444455556666"\n',
  }),
  at(
    'staging',
    assume('arn:aws:iam::111122223333:role/deployer') + cdk,
    wrong,
    'the account that the definition gives to production',
    { 'service.yaml': 'environments:\n  - { id: production, kind: production, account: "111122223333" }\n' },
  ),
  {
    name: 'a called workflow that is told staging and given the role of production',
    files: {
      '.github/workflows/cd.yml': `on: push
jobs:
  staging:
    uses: ./.github/workflows/deploy.yml
    with: { environment: staging, role-to-assume: "arn:aws:iam::111122223333:role/prod-deploy" }
`,
      '.github/workflows/deploy.yml': `on:
  workflow_call: { inputs: { environment: { type: string }, role-to-assume: { type: string } } }
jobs:
  deploy:
    environment: \${{ inputs.environment }}
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/configure-aws-credentials@${sha}
        with: { role-to-assume: "\${{ inputs.role-to-assume }}", aws-region: eu-west-2 }
      - run: cdk deploy
`,
    },
    finds: wrong,
    may: [...gates, 'deploy-concurrency', 'deploy-timeout'],
  },
  {
    name: 'a matrix that deploys to both',
    files: {
      '.github/workflows/cd.yml': deploy(
        // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of the workflow.
        '${{ matrix.env }}',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of the workflow.
        '      - run: terraform apply -auto-approve -var-file=${{ matrix.env }}.tfvars\n',
        '    strategy: { max-parallel: 1, matrix: { env: [staging, production] } }\n',
      ),
    },
    finds: [],
    may: gates,
  },
  {
    name: 'a Jenkins stage for staging in the context of production, and a promotion from staging',
    files: {
      Jenkinsfile: `pipeline {
  agent any
  options { disableConcurrentBuilds() }
  stages {
    stage('Deploy to staging') { steps { sh 'kubectl --context prod apply -f k8s/ && kubectl --context prod rollout status deployment/web' } }
    stage('Promote from staging') { steps { sh 'kubectl --context prod apply -f k8s/ && kubectl --context prod rollout status deployment/web' } }
  }
}
`,
    },
    finds: wrong,
    may: [...gates, 'deploy-timeout'],
  },
  {
    name: 'a CodePipeline stage for production that changes the cluster of staging',
    files: {
      'pipeline.json': JSON.stringify({
        pipeline: {
          name: 'web',
          stages: [
            { name: 'Source', actions: [{ name: 'S', actionTypeId: { category: 'Source', provider: 'S3' } }] },
            { name: 'Approve', actions: [{ name: 'A', actionTypeId: { category: 'Approval', provider: 'Manual' } }] },
            {
              name: 'Production',
              actions: [
                {
                  name: 'Deploy',
                  actionTypeId: { category: 'Deploy', provider: 'ECS' },
                  configuration: { ClusterName: 'claims-staging', ServiceName: 'web' },
                },
              ],
            },
          ],
        },
      }),
    },
    finds: wrong,
    may: gates,
  },
  overlay('production', 'claims-staging', wrong, 'an overlay for production in the namespace of staging'),
  overlay('production', 'claims-production', [], 'an overlay in the namespace of its environment'),
  overlay('staging', 'claims', [], 'an overlay whose namespace says nothing'),
]
