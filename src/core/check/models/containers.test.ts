import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spotOf } from '../formats/node.ts'
import { worldOf } from '../world.ts'
import { containersOf, fieldOf } from './cloud.ts'

/** Each container of each task: name, image, stop time-out; what is decided elsewhere in angle brackets, with its place. */
function seen(files: Readonly<Record<string, string>>): readonly string[] {
  const world = worldOf({ files: Object.entries(files).map(([path, text]) => ({ path, text })), problems: [] }, 0)
  return world.cloud
    .filter((resource) => resource.type === 'ecs-task')
    .flatMap((task) => {
      const containers = containersOf(task)
      if (!containers) return ['undecided']
      return containers.map((container) =>
        ['Name', 'Image', 'StopTimeout']
          .flatMap((key) => {
            const node = fieldOf(task, container, key)
            if (!node) return []
            const { file, line } = spotOf(node)
            return `${node.kind === 'opaque' ? `<${node.text}>` : node.kind === 'scalar' ? node.text : node.kind} ${file}:${line}`
          })
          .join(', '),
      )
    })
}

const task = (definitions: string) =>
  `resource "aws_ecs_task_definition" "web" {\n  family = "web"\n  container_definitions = ${definitions}\n}\n`

test('containers are read wherever Terraform writes them down', () => {
  const json = '[\n  { "name": "web", "image": "r/web@sha256:1", "stopTimeout": 70 }\n]\n'
  const cases: readonly [string, Readonly<Record<string, string>>, readonly string[]][] = [
    [
      'jsonencode',
      { 'a.tf': task('jsonencode([\n    { name = "web", image = "r/web@sha256:1", stopTimeout = 70 },\n  ])') },
      ['web a.tf:4, r/web@sha256:1 a.tf:4, 70 a.tf:4'],
    ],
    ['heredoc', { 'a.tf': task(`<<EOF\n${json}EOF`) }, ['web a.tf:5, r/web@sha256:1 a.tf:5, 70 a.tf:5']],
    [
      'a file beside the module that names it',
      {
        'infra/main.tf': 'module "web" {\n  source = "../modules/web"\n}\n',
        'modules/web/task.tf': task(`file("\${path.module}/web.json")`),
        'modules/web/web.json': json,
      },
      ['web modules/web/web.json:2, r/web@sha256:1 modules/web/web.json:2, 70 modules/web/web.json:2'],
    ],
    [
      'templatefile, from the folder that Terraform is started in',
      {
        'infra/main.tf': task('templatefile("tasks/web.json.tpl", { tag = var.tag })'),
        'infra/tasks/web.json.tpl': `[{ "name": "web", "image": "r/web:\${tag}", "stopTimeout": \${stop} }]`,
      },
      [
        `web infra/tasks/web.json.tpl:1, <r/web:\${tag}> infra/tasks/web.json.tpl:1, <\${stop}> infra/tasks/web.json.tpl:1`,
      ],
    ],
    [
      'template_file, from before templatefile',
      {
        'main.tf': `data "template_file" "web" {\n  template = file("web.json")\n}\n${task('data.template_file.web.rendered')}`,
        'web.json': json,
      },
      ['web web.json:2, r/web@sha256:1 web.json:2, 70 web.json:2'],
    ],
    [
      'a local, and what several lists make together',
      {
        'a.tf': `locals {\n  web = { name = "web", image = var.image }\n}\n${task('jsonencode(concat([local.web], [local.gone]))')}`,
      },
      ['web a.tf:2, <var.image> a.tf:2', '<local.gone> a.tf:6, <local.gone> a.tf:6, <local.gone> a.tf:6'],
    ],
    [
      'templatefile, with what it is given where the files decide that',
      {
        'a.tf': `variable "stop" {\n  default = 60\n}\n${task('templatefile("web.json", { name = "web", image = var.image, stop = var.stop })')}`,
        'web.json': `[{ "name": "\${name}", "image": "\${image}:\${tag}", "stopTimeout": \${stop} }]`,
      },
      [`web web.json:1, <\${image}:\${tag}> web.json:1, 60 web.json:1`],
    ],
    [
      'YAML in a file',
      { 'a.tf': task('jsonencode(yamldecode(file("web.yml")))'), 'web.yml': '- name: web\n  image: r/web\n' },
      ['web web.yml:1, r/web web.yml:2'],
    ],
    [
      'a module that is given its containers: the names of the caller mean nothing inside',
      {
        'main.tf':
          'variable "name" {\n  default = "outer"\n}\nmodule "web" {\n  source = "./m"\n  name = "inner"\n  containers = jsonencode([{ name = var.name, image = var.gone }])\n}\n',
        'm/main.tf': `variable "gone" {\n  default = "wrong"\n}\n${task('var.containers')}`,
      },
      ['outer main.tf:2, <var.gone> main.tf:7'],
    ],
    ['a file that is not here', { 'a.tf': task('file("gone.json")') }, ['undecided']],
    ['what another module gives', { 'a.tf': task('module.definition.json') }, ['undecided']],
    ['broken JSON', { 'a.tf': task('<<EOF\n[{ "name": \nEOF') }, ['undecided']],
    [
      'a list that is made in a loop',
      { 'a.tf': task('jsonencode([for n in var.names : { name = n }])') },
      ['undecided'],
    ],
  ]
  for (const [name, files, wanted] of cases) assert.deepEqual(seen(files), wanted, name)
})
