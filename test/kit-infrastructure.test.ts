import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { num, text } from '../src/core/check/formats/node.ts'
import { judge } from '../src/core/check/judge.ts'
import { type Resource as Cloud, containersOf, field, fieldOf } from '../src/core/check/models/cloud.ts'
import { deregistration } from '../src/core/check/models/ecs.ts'
import { RULES } from '../src/core/check/table.ts'
import type { Tree } from '../src/core/check/tree.ts'
import { worldOf } from '../src/core/check/world.ts'
import { render } from '../src/core/kit/file.ts'
import { cdkStackText, member } from '../src/core/kit/infra/cdk.ts'
import { cloudformationText } from '../src/core/kit/infra/cloudformation.ts'
import { bare, isProps, isSpecial, type Resource, snake, type Value } from '../src/core/kit/infra/model.ts'
import { terraformText } from '../src/core/kit/infra/terraform.ts'
import { ATTRIBUTES, REFERENCES } from '../src/core/kit/infra/terraform-types.ts'
import { infrastructureFiles } from '../src/core/kit/infrastructure.ts'
import { standIn } from './kit/cdk.ts'
import { shapeFaults, terraformFaults, terraformGives } from './kit/shapes.ts'
import { SHAPES } from './kit/world.ts'
import { allBlocks, allTemplates, STACKS } from './kit/written.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-kit-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const run = standIn(folder)

const stacks = STACKS

const treeOf = (path: string, text: string): Tree => ({ files: [{ path, text }], problems: [] })
const cloudOf = (path: string, text: string) => worldOf(treeOf(path, text), 0).cloud

/** A value of the model as CloudFormation's own intrinsics. */
function plain(value: Value): unknown {
  if (isSpecial(value)) {
    if (value.$ === 'ref') return { Ref: value.id }
    if (value.$ === 'att') return { 'Fn::GetAtt': [value.id, value.name] }
    if (value.$ === 'join')
      return {
        'Fn::Sub': value.parts
          .map((part) =>
            isSpecial(part) && part.$ === 'ref'
              ? `\${${part.id}}`
              : isSpecial(part) && part.$ === 'att'
                ? `\${${part.id}.${part.name}}`
                : String(part),
          )
          .join(''),
      }
    return plain(value.value)
  }
  if (Array.isArray(value)) return (value as readonly Value[]).map(plain)
  if (isProps(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
  return value
}

/** Names as aws-cdk-lib has them, for every key that is CloudFormation's. */
function asMembers(value: Value): unknown {
  if (isSpecial(value))
    return value.$ === 'noted'
      ? asMembers(value.value)
      : value.$ === 'raw'
        ? joined(plain(value.value))
        : joined(plain(value))
  if (Array.isArray(value)) return (value as readonly Value[]).map(asMembers)
  if (isProps(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [member(key), asMembers(inner)]))
  return value
}

/** The stand-in joins texts and references into one text. */
function joined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(joined)
  const sub = (value as Record<string, unknown>)['Fn::Sub']
  if (typeof sub === 'string') return sub
  const ref = (value as Record<string, unknown>).Ref
  if (typeof ref === 'string' && ref.startsWith('AWS::')) return `\${${ref}}`
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, joined(inner)]))
}

const said = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

for (const [name, stack] of stacks) {
  const template = cloudformationText(stack)
  const resources = (parse(template) as { Resources: Record<string, { Type: string; Properties: unknown }> }).Resources

  test(`${name}: every reference is to something that stands before it`, () => {
    const known = new Set(stack.parameters.map((parameter) => parameter.name))
    const look = (value: Value, at: string): void => {
      if (isSpecial(value)) {
        if (value.$ === 'ref' || value.$ === 'att')
          assert.ok(known.has(value.id) || value.id.startsWith('AWS::'), `${at} names ${value.id}`)
        else if (value.$ === 'join') for (const part of value.parts) look(part, at)
        else look(value.value, at)
      } else if (Array.isArray(value)) for (const item of value as readonly Value[]) look(item, at)
      else if (isProps(value)) for (const item of Object.values(value)) look(item, at)
    }
    for (const { id, props, update, dependsOn = [] } of stack.resources) {
      look(props, id)
      if (update) look(update, id)
      for (const other of dependsOn) assert.ok(known.has(other), `${id} waits for ${other}`)
      known.add(id)
    }
    const text = JSON.stringify(stack.resources)
    for (const { name: parameter } of stack.parameters)
      assert.ok(text.includes(`"id":"${parameter}"`), `${parameter} is used`)
  })

  test(`${name}: the CloudFormation template is the model, and of the shape that is documented`, () => {
    assert.deepEqual(
      resources,
      Object.fromEntries(
        stack.resources.map(({ id, type, props, keep, dependsOn, update }) => [
          id,
          {
            Type: type,
            ...(dependsOn ? { DependsOn: dependsOn } : {}),
            ...(keep ? { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' } : {}),
            ...(update ? { UpdatePolicy: plain(update) } : {}),
            Properties: plain(props),
          },
        ]),
      ),
    )
    assert.deepEqual(shapeFaults(resources), [])
  })

  test(`${name}: the CDK program says the same`, async () => {
    const recorded = await run(`s${stacks.findIndex(([one]) => one === name)}`, cdkStackText(stack))
    assert.deepEqual(
      recorded.map(({ id }) => id),
      stack.resources.map(({ id }) => id),
    )
    for (const [i, { id, type, props, keep, update, dependsOn = [] }] of stack.resources.entries()) {
      const one = recorded[i]!
      assert.equal(one.kind.toLowerCase(), type.split('::').slice(1).join(' ').toLowerCase(), id)
      assert.deepEqual(said(one.props), asMembers(props), id)
      assert.equal(one.options.deletionPolicy, keep ? 'Retain' : undefined, id)
      assert.deepEqual(said(one.options.updatePolicy ?? null), update ? asMembers(update) : null, id)
      assert.deepEqual([...one.after], dependsOn, id)
    }
  })

  test(`${name}: Terraform has the same numbers`, () => {
    const hcl = terraformText(stack, 'eu-west-2')
    const cloud = cloudOf('main.tf', hcl)
    let compared = 0
    for (const resource of stack.resources)
      for (const [what, wanted, got] of figuresOf(resource, cloud)) {
        assert.equal(got, wanted, `${resource.id} ${what}`)
        compared++
      }
    assert.ok(compared >= 1, `${compared} figures were compared`)
    const { problems } = worldOf(treeOf('main.tf', hcl), 0)
    assert.deepEqual([...problems], [])
  })

  test(`${name}: holdfast check finds nothing to complain of`, () => {
    for (const [path, body] of [
      ['a.template.yml', template],
      ['main.tf', terraformText(stack, 'eu-west-2')],
    ] as const) {
      const { findings } = judge(treeOf(path, body), RULES, Date.UTC(2026, 10, 23))
      const loud = findings.filter((finding) => finding.verdict === 'fail' && finding.severity !== 'info')
      assert.deepEqual(
        loud.map((finding) => `${finding.file}:${finding.line} ${finding.rule} ${finding.says}`),
        [],
      )
    }
  })
}

test('every resource is of the shape that AWS’s own schemas say: names, types, allowed values, what must be there', () => {
  const written = allTemplates()
  assert.ok(written.length > 300, `${written.length} resources`)
  const wheres = [...new Set(written.map(({ where }) => where))]
  assert.deepEqual(
    wheres.flatMap((where) =>
      shapeFaults(Object.fromEntries(written.filter((one) => one.where === where).map((one) => [one.id, one]))).map(
        (fault) => `${where}: ${fault}`,
      ),
    ),
    [],
  )
  const wrong = {
    Type: 'AWS::Lambda::Alias',
    Properties: { Name: 5, FunctionNme: 'f', FunctionVersion: { 'Fn::GetAtt': ['a', 'Nothing'] } },
  }
  assert.deepEqual(shapeFaults({ a: wrong }), [
    'a has no FunctionName',
    'a.Name: 5 is not string',
    'a.FunctionNme: no such property',
    'a.FunctionVersion: AWS::Lambda::Alias gives no Nothing',
  ])
})

test('every attribute, block and reference of Terraform is one of the AWS provider', () => {
  const blocks = allBlocks()
  assert.ok(blocks.length > 150, `${blocks.length} blocks`)
  assert.deepEqual(
    blocks.flatMap((one) => terraformFaults(one).map((fault) => `${one.where}: ${fault}`)),
    [],
  )
  const asked = [
    ...Object.values(REFERENCES),
    ...Object.entries(ATTRIBUTES).map(([path, attribute]) => [REFERENCES[path.split('.')[0]!]![0], attribute] as const),
  ]
  for (const [type, attribute] of asked) assert.ok(terraformGives(type, attribute), `${type}.${attribute}`)
  const body = new Map([
    ['function_name', [{ value: 5 }]],
    ['nme', [{ value: 'x' }]],
    ['name', [{ block: new Map() }]],
  ])
  assert.deepEqual(terraformFaults({ where: '', id: 'a', type: 'aws_lambda_alias', body }), [
    'aws_lambda_alias.a has no function_version',
    'aws_lambda_alias.a.nme: no such attribute or block',
    'aws_lambda_alias.a.name is an attribute, not a block',
  ])
})

/** A number of the model, by path. */
function modelNumber(resource: Resource, path: string): number | string | undefined {
  let here: Value | undefined = resource.props
  for (const step of path.split('.')) {
    const inner: Value | undefined = here === undefined ? undefined : bare(here)
    here =
      inner === undefined
        ? undefined
        : Array.isArray(inner)
          ? inner[Number(step)]
          : isProps(inner)
            ? inner[step]
            : undefined
  }
  const value = here === undefined ? undefined : bare(here)
  if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value)
  return typeof value === 'number' || typeof value === 'string' ? value : undefined
}

/** Where each figure stands in Terraform, read with the checker's own reader: the table of the renderer is not asked. */
const FIGURES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'AWS::Logs::LogGroup': [['RetentionInDays', 'retention_in_days']],
  'AWS::ElasticLoadBalancingV2::TargetGroup': [
    ['HealthCheckIntervalSeconds', 'health_check.interval'],
    ['HealthCheckTimeoutSeconds', 'health_check.timeout'],
    ['HealthyThresholdCount', 'health_check.healthy_threshold'],
    ['UnhealthyThresholdCount', 'health_check.unhealthy_threshold'],
    ['HealthCheckPath', 'health_check.path'],
  ],
  'AWS::ECS::Service': [
    ['DesiredCount', 'desired_count'],
    ['HealthCheckGracePeriodSeconds', 'health_check_grace_period_seconds'],
    ['DeploymentConfiguration.MinimumHealthyPercent', 'deployment_minimum_healthy_percent'],
    ['DeploymentConfiguration.MaximumPercent', 'deployment_maximum_percent'],
    ['DeploymentConfiguration.Strategy', 'deployment_configuration.strategy'],
    ['DeploymentConfiguration.BakeTimeInMinutes', 'deployment_configuration.bake_time_in_minutes'],
    [
      'DeploymentConfiguration.CanaryConfiguration.CanaryPercent',
      'deployment_configuration.canary_configuration.canary_percent',
    ],
    [
      'DeploymentConfiguration.CanaryConfiguration.CanaryBakeTimeInMinutes',
      'deployment_configuration.canary_configuration.canary_bake_time_in_minutes',
    ],
  ],
  'AWS::CloudWatch::Alarm': [
    ['Period', 'period'],
    ['Threshold', 'threshold'],
    ['EvaluationPeriods', 'evaluation_periods'],
    ['ComparisonOperator', 'comparison_operator'],
    ['TreatMissingData', 'treat_missing_data'],
  ],
  'AWS::Lambda::Function': [
    ['Timeout', 'timeout'],
    ['MemorySize', 'memory_size'],
  ],
  'AWS::CodeDeploy::DeploymentConfig': [
    ['MinimumHealthyHosts.Value', 'minimum_healthy_hosts.value'],
    ['TrafficRoutingConfig.TimeBasedCanary.CanaryPercentage', 'traffic_routing_config.time_based_canary.percentage'],
    ['TrafficRoutingConfig.TimeBasedCanary.CanaryInterval', 'traffic_routing_config.time_based_canary.interval'],
  ],
  'AWS::CodeDeploy::DeploymentGroup': [
    [
      'BlueGreenDeploymentConfiguration.TerminateBlueInstancesOnDeploymentSuccess.TerminationWaitTimeInMinutes',
      'blue_green_deployment_config.terminate_blue_instances_on_deployment_success.termination_wait_time_in_minutes',
    ],
  ],
  'AWS::AutoScaling::AutoScalingGroup': [
    ['MinSize', 'min_size'],
    ['MaxSize', 'max_size'],
    ['DesiredCapacity', 'desired_capacity'],
    ['HealthCheckGracePeriod', 'health_check_grace_period'],
    ['DefaultInstanceWarmup', 'default_instance_warmup'],
    ['InstanceMaintenancePolicy.MinHealthyPercentage', 'instance_refresh.preferences.min_healthy_percentage'],
    ['InstanceMaintenancePolicy.MaxHealthyPercentage', 'instance_refresh.preferences.max_healthy_percentage'],
    ['LifecycleHookSpecificationList.0.HeartbeatTimeout', 'initial_lifecycle_hook.heartbeat_timeout'],
  ],
  'AWS::Scheduler::Schedule': [
    ['ScheduleExpression', 'schedule_expression'],
    ['ScheduleExpressionTimezone', 'schedule_expression_timezone'],
    ['Target.RetryPolicy.MaximumEventAgeInSeconds', 'target.retry_policy.maximum_event_age_in_seconds'],
  ],
  'AWS::XRay::SamplingRule': [['SamplingRule.FixedRate', 'fixed_rate']],
  'AWS::ECR::Repository': [['ImageTagMutability', 'image_tag_mutability']],
  'AWS::S3::Bucket': [['LifecycleConfiguration.Rules.0.ExpirationInDays', 'rule.expiration.days']],
}

function figuresOf(resource: Resource, cloud: readonly Cloud[]): (readonly [string, unknown, unknown])[] {
  const name = snake(resource.id)
  const named = cloud.filter((one) => one.id === name)
  const read = (path: string) => {
    for (const one of named) {
      const node = field(one, path)
      if (node) return num(node) ?? text(node)
    }
    return undefined
  }
  const rows = (FIGURES[resource.type] ?? []).flatMap(([ours, theirs]): (readonly [string, unknown, unknown])[] => {
    const wanted = modelNumber(resource, ours)
    return wanted === undefined ? [] : [[ours, wanted, read(theirs)]]
  })
  if (resource.type === 'AWS::ElasticLoadBalancingV2::TargetGroup') {
    const delay = deregistration(named[0]!)
    rows.push([
      'drain',
      modelNumber(resource, 'TargetGroupAttributes.0.Value'),
      delay.known && delay.said ? delay.value : undefined,
    ])
  }
  if (resource.type === 'AWS::ECS::TaskDefinition') {
    const [container] = containersOf(named[0]!) ?? []
    rows.push([
      'stop',
      modelNumber(resource, 'ContainerDefinitions.0.StopTimeout'),
      num(fieldOf(named[0]!, container, 'stopTimeout')),
    ])
    rows.push(['memory', modelNumber(resource, 'Memory'), Number(read('memory'))])
  }
  if (resource.type === 'AWS::ECR::Repository') {
    const policy = named.find((one) => one.written === 'aws_ecr_lifecycle_policy')!
    const kept = (source: string | undefined) => /"countNumber":(\d+)/.exec(source ?? '')?.[1]
    rows.push([
      'images kept',
      kept(String(modelNumber(resource, 'LifecyclePolicy.LifecyclePolicyText'))),
      kept(text(field(policy, 'policy'))),
    ])
  }
  return rows
}

test('every figure that stands in a comment was computed from the definition', () => {
  const notes: string[] = []
  const look = (value: Value): void => {
    if (isSpecial(value)) {
      if (value.$ === 'noted') notes.push(value.why)
      if (value.$ === 'noted' || value.$ === 'raw') look(value.value)
    } else if (Array.isArray(value)) for (const item of value as readonly Value[]) look(item)
    else if (isProps(value)) for (const item of Object.values(value)) look(item)
  }
  for (const [, stack] of stacks)
    for (const { props, update } of stack.resources) look(update ? { ...props, update } : props)
  assert.ok(notes.length > 200, `${notes.length} notes`)
  for (const note of notes) assert.doesNotMatch(note, /NaN|Infinity|undefined|\[object/, note)
})

test('machines: CodeDeploy stops in peace, and lets nobody in before the release can serve', () => {
  for (const service of [SHAPES.get('machines, rolling')!, SHAPES.get('machines, blue-green')!]) {
    const web = service.runtime.components.find((component) => component.kind === 'web')!
    const source = { service: { ...service, tooling: { ...service.tooling, infrastructure: 'terraform' as const } } }
    const files = infrastructureFiles({ ...source, deploymentFiles: [], files: [] }).map((file) => ({
      path: file.path,
      text: render(file),
    }))
    const { hooks } = parse(files.find((file) => file.path === 'appspec.yml')!.text) as {
      hooks: Record<string, { location: string; timeout: number }[]>
    }
    for (const { location } of Object.values(hooks).flat())
      assert.ok(
        files.some((file) => file.path === location),
        location,
      )
    assert.ok(hooks.ApplicationStop![0]!.timeout > web.stopSecondsMax)
    assert.ok(hooks.ValidateService![0]!.timeout > web.startSecondsMax)
    for (const { path, text } of files.filter((file) => file.path.endsWith('.sh'))) {
      assert.ok(text.startsWith('#!/bin/bash\n'), path)
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })
      assert.equal(status, 0, `${path}: ${stderr}`)
    }
    assert.ok(files.some(({ path, text }) => path.endsWith('validate.sh') && text.includes(web.ready)))
    const { findings } = judge({ files, problems: [] }, RULES, Date.UTC(2026, 10, 23))
    assert.deepEqual(
      findings.filter(({ verdict, severity }) => verdict === 'fail' && severity !== 'info').map(({ says }) => says),
      [],
    )
  }
})

test('cfn-lint agrees, where it is installed', (t) => {
  if (spawnSync('cfn-lint', ['--version']).status !== 0)
    return t.skip('cfn-lint is not installed here; test/kit/shapes.ts always looks')
  const files = stacks.map(([, stack], i) => {
    const file = join(folder, `${i}.template.yml`)
    writeFileSync(file, `${cloudformationText(stack)}\n`)
    return file
  })
  const { stdout, status } = spawnSync('cfn-lint', ['--format', 'parseable', '-t', ...files], { encoding: 'utf8' })
  assert.equal(stdout.trim(), '')
  assert.equal(status, 0)
})

test('terraform would format it no other way, where it is installed', (t) => {
  if (spawnSync('terraform', ['version']).status !== 0)
    return t.skip('terraform is not installed here; our own reader always looks')
  for (const [i, [, stack]] of stacks.entries())
    writeFileSync(join(folder, `s${i}.tf`), `${terraformText(stack, 'eu-west-2')}\n`)
  const { stdout, status } = spawnSync('terraform', ['fmt', '-check', '-diff', folder], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})
