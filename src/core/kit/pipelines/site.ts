/** A site of files as part of a release: published under its own prefix, switched by one change of a path, watched, and switched back. */
import type { Component, Service } from '../../define/schema.ts'
import { ownOf } from '../infra/ecs.ts'
import { pascal, snake } from '../infra/model.ts'
import { PREFIX, SITE_REGION, siteAlarms, siteName } from '../infra/site.ts'
import { word } from './release.ts'
import { APPLY } from './stack.ts'

const ofSite = (site: Component) => snake(pascal(site.id))

/** Minutes for which the script watches the alarms of the site after the switch. */
export function siteBakeMinutes(service: Service, site: Component): number {
  const own = ownOf(service, site)
  return Math.ceil(own?.blueGreen?.bakeMinutes ?? service.deployment.blueGreen.bakeMinutes)
}

/** Variables that name the bucket of each site: `SITE_FILES_BUCKET`. */
export function bucketVariable(site: Component): string {
  return `${ofSite(site).toUpperCase()}_FILES_BUCKET`
}

/** Shared by deployment and way back: moves the path, empties the edges, and waits until that is so. */
export function siteFunctions(service: Service, site: Component): string[] {
  const name = siteName(service, site)
  const stack = `${service.service.id}-site`
  const [release, before] = [`${pascal(site.id)}Release`, `${pascal(site.id)}Before`]
  return [
    `# The release of ${site.id} that citizens get, and the one whose files open pages may still ask for. One path changes, and the edges are emptied.`,
    `${ofSite(site)}_to() {`,
    '  local id empty',
    ...switchLines(service, stack, release, before).map((line) => `  ${line}`),
    `  id="$(aws cloudfront list-distributions --query ${word(`DistributionList.Items[?Comment=='${name}'].Id`)} --output text)"`,
    `  empty="$(aws cloudfront create-invalidation --distribution-id "$id" --paths '/*' --query Invalidation.Id --output text)" || return`,
    '  aws cloudfront wait invalidation-completed --distribution-id "$id" --id "$empty"',
    '}',
  ]
}

function switchLines({ tooling }: Service, stack: string, release: string, before: string): string[] {
  const folder = 'ops/infrastructure'
  switch (tooling.infrastructure) {
    case 'terraform':
      return [
        `terraform -chdir=${folder}/${stack} init -input=false > /dev/null || return`,
        `# What else the configuration asks for stands in ${folder}/${stack}/${APPLY}.auto.tfvars.`,
        `terraform -chdir=${folder}/${stack} apply -input=false -auto-approve -lock-timeout=5m -var "${snake(release)}=$1" -var "${snake(before)}=$2" || return`,
      ]
    case 'cdk':
      return [
        `(cd ${folder} && npx cdk deploy ${stack} --exclusively --require-approval never --parameters "${stack}:${release}=$1" --parameters "${stack}:${before}=$2") || return`,
      ]
    default:
      return [
        `aws cloudformation deploy --region ${SITE_REGION} --stack-name ${stack} --template-file ${folder}/${stack}.template.yml --no-fail-on-empty-changeset --parameter-overrides "${release}=$1" "${before}=$2" || return`,
      ]
  }
}

/** The files are there, and are published under a prefix that is never written again; no citizen sees them yet. */
export function sitePublished(site: Component): string[] {
  const variable = bucketVariable(site)
  const seconds = site.cacheSeconds ?? 60
  return [
    `site="\${${variable}:?The bucket of the files of ${site.id}}"`,
    `aws s3api head-object --bucket "$bucket" --key "$release/${site.id}/index.html" > /dev/null || stop "There is no such release of ${site.id}: $release. Nothing was changed."`,
    '# A prefix that is complete is never written again: what a release is cannot change after it was looked at.',
    `if ! aws s3api head-object --bucket "$site" --key "published/$release" > /dev/null 2>&1; then`,
    `  aws s3 cp --recursive --only-show-errors --cache-control "max-age=${seconds}" "s3://$bucket/$release/${site.id}/" "s3://$site/${PREFIX}$release/" || stop "The files of ${site.id} could not be published. No citizen sees any of them." 3`,
    '  echo "$release" | aws s3 cp --only-show-errors - "s3://$site/published/$release" || stop "It could not be written down that the files are complete. No citizen sees any of them." 3',
    'fi',
  ]
}

/** The switch, and the look at what citizens get for as long as the definition watches. */
export function siteSwitched(service: Service, site: Component): string[] {
  const minutes = siteBakeMinutes(service, site)
  const { maxMinutes } = service.deployment.rollback
  const alarms = siteAlarms(service, site).map(word).join(' ')
  const back = `WHO="\${who:-deploy.sh}" REASON="taken back by its alarms" bash ops/pipeline/rollback.sh "$before"`
  return [
    'before="$(serving)"',
    `before="\${before:-$release}"`,
    `if ! ${ofSite(site)}_to "$release" "$before"; then remember failed "$release" || true; if [ "$before" != "$release" ] && ${back}; then stop "The switch of ${site.id} failed. Everything is back on $before." 4; fi; stop "The switch of ${site.id} failed half way: a person must look." 5; fi`,
    `# Watched for ${minutes} min, every half minute; ${maxMinutes} min are promised for the way back.`,
    ...(minutes > 0
      ? [
          'unseen=0',
          `for _ in $(seq ${minutes * 2}); do`,
          `  rings="$(aws cloudwatch describe-alarms --region ${SITE_REGION} --state-value ALARM --alarm-names ${alarms} --query 'MetricAlarms[].AlarmName' --output text)" || { rings=""; unseen=$((unseen + 1)); }`,
          '  # Not to see is no good sign: two and a half minutes of it are too many.',
          '  if [ "$unseen" -ge 5 ]; then rings="the alarms cannot be asked"; fi',
          `  if [ -n "$rings" ] && [ "$rings" != None ] && [ "\${WAY_BACK:-no}" = no ] && [ -z "$ringing" ]; then`,
          '    remember failed "$release" || true',
          `    if [ "$before" != "$release" ] && ${back}; then stop "$release was taken back: $rings." 4; fi`,
          '    stop "It rings ($rings), and there is nothing to go back to by itself: a person must look." 5',
          '  fi',
          `  sleep "\${POLL_SECONDS:-30}"`,
          'done',
        ]
      : []),
  ]
}

/** On the way back: what served before is still there under its own prefix. */
export function siteBack(site: Component): string[] {
  return [
    'now="$(serving)"',
    `${ofSite(site)}_to "$release" "\${now:-$release}" || stop "${site.id} could not be switched back: a person must look." 5`,
  ]
}
