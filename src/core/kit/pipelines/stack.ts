/** A release as a change of the infrastructure's own stack: applied, waited for, called off. */
import type { Service } from '../../define/schema.ts'
import { snake } from '../infra/model.ts'
import { USES_COMMON } from './common.ts'
import { type Found, RELEASE_ARGUMENT, TAKEN_BACK } from './steps.ts'

/** Name of the file in which Terraform's other values stand. */
export const APPLY = 'production'

/** Hands what was found to the tool that applies the infrastructure, and waits for its real end. */
export function applyLines(service: Service, found: readonly Found[]): string[] {
  const { id } = service.service
  const folder = 'ops/infrastructure'
  const record = `aws cloudformation describe-stack-events --stack-name ${id} --max-items 200 > deployment.json`
  const [first] = found
  switch (service.tooling.infrastructure) {
    case 'terraform':
      return [
        // The state may hold secrets, so it is no evidence.
        `trap 'printf "{\\"release\\":\\"%s\\",\\"exit\\":%d}\\n" "$release" "$?" > deployment.json' EXIT`,
        `terraform -chdir=${folder}/${id} init -input=false || stop "Terraform could not begin. No release was moved." 3`,
        `# What else the configuration asks for stands in ${folder}/${id}/${APPLY}.auto.tfvars.`,
        `terraform -chdir=${folder}/${id} apply -input=false -auto-approve -lock-timeout=5m${found.map(({ parameter, variable }) => ` -var "${snake(parameter)}=$${variable}"`).join('')} || { ${TAKEN_BACK}; stop "Terraform did not come to a good end: the platform takes $release back, or never began. See what serves." 4; }`,
      ]
    case 'cdk':
      return [
        `trap '${record}' EXIT`,
        '# Parameters that are not named here keep their values.',
        `(cd ${folder} && npx cdk deploy ${id} --require-approval never${found.map(({ parameter, variable }) => ` --parameters "${id}:${parameter}=$${variable}"`).join('')}) || echo "Not at its good end; the stack itself is asked." >&2`,
        ...settledStack(id, first),
      ]
    default:
      return [
        `trap '${record}' EXIT`,
        '# Parameters that are not named here keep their values. This command waits for an hour at most, and a release may bake for longer.',
        `aws cloudformation deploy --stack-name ${id} --template-file ${folder}/${id}.template.yml --no-fail-on-empty-changeset --parameter-overrides${found.map(({ parameter, variable }) => ` "${parameter}=$${variable}"`).join('')} || echo "Not at its good end; the stack itself is asked." >&2`,
        ...settledStack(id, first),
      ]
  }
}

/** The stack says when it is over, and what it holds then: a stack that went back is in order, and holds the release before. */
function settledStack(id: string, first: Found | undefined): string[] {
  const ask = (query: string) =>
    `aws cloudformation describe-stacks --stack-name ${id} --query "${query}" --output text`
  return [
    'while :; do',
    `  state="$(${ask('Stacks[0].StackStatus')})"`,
    `  case "$state" in *_IN_PROGRESS) sleep "\${POLL_SECONDS:-30}" ;; *) break ;; esac`,
    'done',
    ...(first
      ? [
          `holds="$(${ask(`Stacks[0].Parameters[?ParameterKey=='${first.parameter}'].ParameterValue`)})"`,
          `if [ "$holds" != "$${first.variable}" ] || { [ "$state" != UPDATE_COMPLETE ] && [ "$state" != CREATE_COMPLETE ]; }; then`,
          `  ${TAKEN_BACK}`,
          '  stop "$release did not come out: the stack is in $state and holds $holds. Citizens are on the release before, unless deployment.json says that going back failed." 4',
          'fi',
        ]
      : []),
  ]
}

/** Up to the release that served before: a stack that still changes is called off first. */
export function stackBack(service: Service, says: string, release: string): string[] {
  const { id } = service.service
  return [
    `# ${says}`,
    ...USES_COMMON,
    ...RELEASE_ARGUMENT(release),
    'needs aws',
    'at_target',
    ...(service.tooling.infrastructure === 'terraform' ? [] : calledOff(id)),
    'read_ledger',
    'may_return "$release"',
    // What was called off never became the release that serves.
    ...(service.tooling.infrastructure === 'terraform'
      ? []
      : ['if [ "$called_off" = yes ] && [ "$(serving)" = "$release" ]; then exit 0; fi']),
  ]
}

/** A stack that is still changing goes back to what it was. */
function calledOff(id: string): string[] {
  return [
    'called_off=no',
    `state="$(aws cloudformation describe-stacks --stack-name ${id} --query 'Stacks[0].StackStatus' --output text)"`,
    'if [ "$state" = UPDATE_IN_PROGRESS ]; then',
    `  aws cloudformation cancel-update-stack --stack-name ${id}`,
    `  aws cloudformation wait stack-rollback-complete --stack-name ${id} || stop "The stack did not come back to what it was: a person must look." 5`,
    '  called_off=yes',
    '  remember failed called-off || true',
    `  log "the release that was on its way was called off, by \${who:-nobody named}: \${REASON:-no reason given}"`,
    'fi',
  ]
}
