import { type FormatExample, place, value } from './example.ts'

export const cloud: readonly FormatExample[] = [
  {
    format: 'cfn-parameters',
    name: 'a parameter file for production decides what a default only suggests',
    files: {
      'stack.yaml':
        'Parameters:\n  Count: { Type: Number, Default: 1 }\n  Stage: { Type: String, Default: dev }\nConditions:\n  Live: !Equals [!Ref Stage, prod]\nResources:\n  Web:\n    Type: AWS::ECS::Service\n    Properties:\n      DesiredCount: !If [Live, !Ref Count, 9]\n  Debug:\n    Type: AWS::SQS::Queue\n    Condition: NotLive\n',
      'params/prod.json':
        '[\n  { "ParameterKey": "Stage", "ParameterValue": "prod" },\n  { "ParameterKey": "Count", "ParameterValue": "4" }\n]\n',
    },
    read: (world) => [
      ...world.cloud.map((one) => `${one.type} ${one.id} ${place(one.at)}`),
      value(world, 'Web', 'DesiredCount'),
    ],
    gives: ['ecs-service Web stack.yaml:7:3', 'queue Debug stack.yaml:11:3', '4 at params/prod.json:3:48'],
  },
  {
    format: 'samconfig',
    name: 'SAM: globals are merged, and samconfig.toml gives the parameters of production',
    files: {
      'template.yaml':
        'Transform: AWS::Serverless-2016-10-31\nParameters:\n  Wait: { Type: Number, Default: 3 }\nGlobals:\n  Function:\n    Timeout: !Ref Wait\n    AutoPublishAlias: live\nResources:\n  Claim:\n    Type: AWS::Serverless::Function\n    Properties:\n      MemorySize: 256\n',
      'samconfig.toml':
        'version = 0.1\n[prod.deploy.parameters]\nstack_name = "claim"\nparameter_overrides = "Wait=29 Other=\\"x\\""\n',
    },
    read: (world) => [
      value(world, 'Claim', 'AutoPublishAlias'),
      value(world, 'Claim', 'MemorySize'),
      value(world, 'Claim', 'Timeout'),
    ],
    gives: ['live at template.yaml:7:23', '256 at template.yaml:12:19', '3 at template.yaml:3:34, by default'],
  },
  {
    format: 'cdk-manifest',
    name: 'CDK output: templates of production stacks, with the construct that made each resource',
    files: {
      'cdk.out/manifest.json': JSON.stringify(
        {
          version: '38.0.0',
          artifacts: {
            DevStack: {
              type: 'aws:cloudformation:stack',
              environment: 'aws://111111111111/eu-west-2',
              properties: { templateFile: 'DevStack.template.json' },
            },
            LiveStack: {
              type: 'aws:cloudformation:stack',
              environment: 'aws://222222222222/eu-west-2',
              properties: { templateFile: 'LiveStack.template.json' },
            },
          },
        },
        null,
        1,
      ),
      'cdk.out/DevStack.template.json': template('dev', 1),
      'cdk.out/LiveStack.template.json': template('live', 3),
    },
    read: (world) => [
      ...world.cloud.map((one) => `${one.type} ${one.construct} ${place(one.at)}`),
      value(world, 'Web', 'DesiredCount'),
    ],
    gives: [
      'ecs-service live/Web/Service cdk.out/LiveStack.template.json:3:3',
      '3 at cdk.out/LiveStack.template.json:6:21',
    ],
  },
  {
    format: 'terraform-plan',
    name: 'a Terraform plan: values that the files leave open, and what the apply replaces',
    files: {
      'main.tf':
        'resource "aws_ecs_service" "web" {\n  desired_count = data.external.size.result\n  load_balancer {\n    target_group_arn = aws_lb_target_group.web.arn\n  }\n}\n',
      'plan.json': JSON.stringify(
        {
          format_version: '1.2',
          terraform_version: '1.9.0',
          planned_values: {
            root_module: {
              resources: [
                {
                  address: 'aws_ecs_service.web',
                  mode: 'managed',
                  type: 'aws_ecs_service',
                  name: 'web',
                  values: { desired_count: 6 },
                },
                {
                  address: 'aws_db_instance.main',
                  mode: 'managed',
                  type: 'aws_db_instance',
                  name: 'main',
                  values: { engine: 'postgres' },
                },
              ],
            },
          },
          resource_changes: [
            {
              address: 'aws_db_instance.main',
              change: { actions: ['delete', 'create'], after_unknown: { arn: true } },
            },
          ],
        },
        null,
        1,
      ),
    },
    read: (world) => [
      ...world.cloud.map((one) => `${one.type} ${one.id} ${one.actions?.join('+') ?? ''} ${place(one.at)}`),
      value(world, 'web', 'DesiredCount'),
      value(world, 'main', 'arn'),
    ],
    gives: [
      'ecs-service web  main.tf:1:1',
      'stateful main delete+create plan.json:16:5',
      '6 at main.tf:2:19',
      'open at plan.json:21:16',
    ],
  },
  {
    format: 'terraform',
    name: 'Terraform modules of the tree, with the variables of production; a remote module is said',
    files: {
      'live/main.tf':
        'module "web" {\n  source  = "../modules/web"\n  count   = 1\n  desired = var.desired * 2\n}\nmodule "far" {\n  source = "git::https://example.org/x.git?ref=v1"\n}\nvariable "desired" {}\nlocals {\n  names = { prod = 1 }\n}\n',
      'live/prod.tfvars': 'desired = 3\n',
      'live/dev.tfvars': 'desired = 1\n',
      'modules/web/main.tf':
        'variable "desired" { default = 1 }\nvariable "extra" { default = false }\nresource "aws_ecs_service" "web" {\n  desired_count = var.desired\n}\nresource "aws_sqs_queue" "extra" {\n  count = var.extra ? 1 : 0\n}\n',
    },
    read: (world) => [
      ...world.cloud.map((one) => `${one.type} ${one.scope}${one.id} ${place(one.at)}`),
      value(world, 'web', 'DesiredCount'),
      ...world.unseen.map((one) => `${one.kind} ${one.ref} ${place(one.at)}`),
    ],
    gives: [
      'ecs-service module.web.web modules/web/main.tf:3:1',
      '6 at live/main.tf:4:13',
      'terraform-module git::https://example.org/x.git?ref=v1 live/main.tf:7:12',
    ],
  },
  {
    format: 'tfvars',
    name: 'terraform.tfvars.json, expressions and functions',
    files: {
      'main.tf':
        'variable "size" {}\nlocals {\n  sizes = { small = 1, big = 4 }\n  name  = format("web-%s", var.size)\n}\nresource "aws_autoscaling_group" "web" {\n  name             = local.name\n  min_size         = lookup(local.sizes, var.size, 2)\n  max_size         = max(local.sizes["big"], 2) + 1\n  desired_capacity = data.aws_x.y.z\n}\n',
      'terraform.tfvars.json': '{ "size": "big" }\n',
    },
    read: (world) => [
      value(world, 'web', 'name'),
      value(world, 'web', 'min_size'),
      value(world, 'web', 'max_size'),
      value(world, 'web', 'desired_capacity'),
    ],
    gives: ['web-big at main.tf:4:11', '4 at main.tf:3:30', '5 at main.tf:9:22', 'open at main.tf:10:22'],
  },
]

function template(stage: string, count: number): string {
  return JSON.stringify(
    {
      Resources: {
        Web: {
          Type: 'AWS::ECS::Service',
          Properties: { DesiredCount: count },
          Metadata: { 'aws:cdk:path': `${stage}/Web/Service` },
        },
      },
    },
    null,
    1,
  )
}
