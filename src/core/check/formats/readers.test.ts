import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDockerfile } from './dockerfile.ts'
import { callsWithin, readGroovy } from './groovy.ts'
import { readHcl } from './hcl.ts'
import { readJson } from './json.ts'
import { child, flag, items, keySpot, type Node, num, type Source, spotOf, text } from './node.ts'
import { linesOf } from './position.ts'
import { readYaml } from './yaml.ts'

const src = (content: string): Source => ({ file: 'f', text: content, lines: linesOf(content) })

/** A node as plain data; opaque values as `<their text>`. */
function plain(node: Node | undefined): unknown {
  if (!node) return undefined
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plain)
  if (node.kind === 'opaque') return `<${node.text}>`
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]))
}

test('YAML keeps values, places, anchors, merges, tags and several documents', () => {
  const { documents, problems } = readYaml(
    src(`on: push
base: &b { cpu: 256, on: false }
job:
  <<: *b
  cpu: "512"
  list: [a, { k: v }]
  empty:
  text: |
    two
    lines
  ref: !GetAtt Web.Arn
  sub: !Sub
    - a
    - { b: c }
  items:
    - name: x
      n: 1.5
    -
---
second: ~
third: 0x10
`),
  )
  assert.deepEqual(problems, [])
  assert.deepEqual(plain(documents[0]), {
    on: 'push',
    base: { cpu: 256, on: false },
    job: {
      cpu: '512',
      list: ['a', { k: 'v' }],
      empty: null,
      text: 'two\nlines\n',
      ref: '<!GetAtt Web.Arn>',
      sub: '<!Sub>',
      items: [{ name: 'x', n: 1.5 }, null],
      on: false,
    },
  })
  assert.deepEqual(plain(documents[1]), { second: null, third: 16 })
  const job = child(documents[0], 'job')!
  assert.deepEqual(spotOf(child(job, 'items', 0, 'n')!), { file: 'f', line: 17, col: 10 })
  assert.deepEqual(keySpot(job, 'empty'), { file: 'f', line: 7, col: 3 })
  assert.equal(num(child(job, 'cpu')), 512)
  assert.equal(flag(child(job, 'on')), false)
})

test('a YAML bomb and a tower of brackets are problems', () => {
  const bomb = [
    'a0: &a0 [x,x,x,x,x,x,x,x,x,x]',
    ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`),
  ]
  assert.match(readYaml(src(bomb.join('\n'))).problems[0]!.says, /aliases/)
  assert.match(
    readYaml(src('['.repeat(500)))
      .problems.map((problem) => problem.says)
      .join(),
    /nested/,
  )
  assert.match(readJson(src('['.repeat(500))).problems[0]!.says, /nested/)
  assert.match(readHcl(src(`a = ${'['.repeat(500)}`)).problems[0]!.says, /nested/)
})

test('JSON keeps values and places, with comments and trailing commas', () => {
  const { root, problems } = readJson(
    src('{ // c\n "a": [1, -2.5e1, "x\\n\\u00e9",], /* d */ "b": {"c": null, "d": true} }'),
  )
  assert.deepEqual(problems, [])
  assert.deepEqual(plain(root), { a: [1, -25, 'x\né'], b: { c: null, d: true } })
  assert.equal(spotOf(child(root, 'a', 2)!).line, 2)
  assert.equal(readJson(src('{"a": 1,, }')).problems.length, 1)
  // Found by fuzzing: a number with leading zeros is not JSON, and must not throw.
  assert.equal(readJson(src('00{')).problems.length, 1)
  assert.equal(plain(child(readJson(src('{"a": 1, "b": [2')).root, 'a')), 1)
})

test('HCL keeps literals, nested blocks and the text of expressions', () => {
  const { blocks, problems } = readHcl(
    src(`# c
resource "aws_ecs_service" "web" {
  desired_count = 2 // two
  name          = "web-\${var.env}"
  plain         = "a$\${b}"
  on            = var.on ? true : false
  tags          = { a = 1, "b" = [1, 2,], }
  json = jsonencode([{ name = "app", stopTimeout = 120 }])
  text = <<-EOT
    hello
  EOT
  deployment_circuit_breaker {
    enable   = true
    rollback = local.back
  }
  load_balancer { port = 1 }
  load_balancer {
    port = 2
  }
  dynamic "setting" { for_each = var.x }
}`),
  )
  assert.deepEqual(problems, [])
  const body = blocks[0]!.body
  assert.deepEqual(blocks[0]!.labels, ['aws_ecs_service', 'web'])
  assert.deepEqual(plain(body), {
    desired_count: 2,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: HCL's interpolation, not JavaScript's.
    name: '<web-${var.env}>',
    plain: 'a$${b}',
    on: '<var.on ? true : false>',
    tags: { a: 1, b: [1, 2] },
    json: '<jsonencode([{ name = "app", stopTimeout = 120 }])>',
    text: '    hello',
    deployment_circuit_breaker: [{ enable: true, rollback: '<local.back>' }],
    load_balancer: [{ port: 1 }, { port: 2 }],
    setting: ['<dynamic "setting">'],
  })
  const json = child(body, 'json')!
  assert.equal(json.kind === 'opaque' && num(child(json.arg, 0, 0, 'stopTimeout')), 120)
  assert.equal(spotOf(child(body, 'load_balancer', 1, 'port')!).line, 18)
  assert.equal(text(child(readHcl(src('region = "eu-west-2"')).attributes, 'region')), 'eu-west-2')
})

test('broken HCL is a problem with a place', () => {
  for (const broken of ['resource "a" "b" {', 'a = [1', 'a = "x', '}', 'a b c', 'a = f(1', 'x = <<E\nno end'])
    assert.equal(readHcl(src(broken)).problems.length, 1, broken)
})

test('Dockerfiles: forms, continuations, stages and heredocs', () => {
  const { instructions } = readDockerfile(
    src(`FROM node:20 AS build
RUN a \\
  # comment
  && b
RUN <<EOF
CMD not-an-instruction
EOF
FROM node:20
CMD ["node", "server.js"]
ENTRYPOINT node server.js`),
  )
  assert.deepEqual(
    instructions.map(({ name, stage, exec }) => [name, stage, exec]),
    [
      ['FROM', 0, undefined],
      ['RUN', 0, undefined],
      ['RUN', 0, undefined],
      ['FROM', 1, undefined],
      ['CMD', 1, ['node', 'server.js']],
      ['ENTRYPOINT', 1, undefined],
    ],
  )
})

test('Jenkinsfiles: nested calls, strings, comments and closures in parentheses', () => {
  const { calls, problems } = readGroovy(
    src(`#!/usr/bin/env groovy
@Library('shared') _
pipeline {
  agent any // { not a block
  stages {
    stage('Test') { steps { sh 'npm test || true' } }
    stage("Deploy") {
      when { branch 'main' }
      steps {
        sh """
          deploy.sh {}
        """
        timeout(time: 5, unit: 'MINUTES') { input message: 'Go?', submitter: 'ops' }
      }
    }
  }
  post { failure { echo 'no' } }
}`),
  )
  assert.deepEqual(problems, [])
  const names = [...callsWithin(calls)].map((call) => call.name)
  for (const name of ['pipeline', 'stages', 'stage', 'sh', 'timeout', 'input', 'post', 'failure']) {
    assert.ok(names.includes(name), name)
  }
  assert.equal(names.filter((name) => name === 'stage').length, 2)
  assert.deepEqual(items(undefined), [])
})
