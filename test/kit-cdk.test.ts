/**
 * The generated infrastructure with its tools' own libraries: the CDK programs type-check, what they synthesise is our CloudFormation
 * template, and Terraform's own grammar reads the rest. The libraries (190 MB) are fetched from npm into a folder below the temporary
 * one, which later runs use again. Without npm the tests are skipped loudly; where tests must be complete (CI) they fail.
 * test/kit-infrastructure.test.ts reads the same files without any of it.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { cdkStackText } from '../src/core/kit/infra/cdk.ts'
import { cloudformationText } from '../src/core/kit/infra/cloudformation.ts'
import { pascal, snake } from '../src/core/kit/infra/model.ts'
import { infrastructureOf } from '../src/core/kit/infra/stack.ts'
import { terraformText } from '../src/core/kit/infra/terraform.ts'
import { SHAPES } from './kit/world.ts'

const PACKAGES = ['aws-cdk-lib@2.276.0', 'constructs@10.8.1', '@cdktf/hcl2json@0.21.0']
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'holdfast-cdk-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** The library, fetched once for this user and version; a message when npm cannot be reached. */
function library(): { readonly at: string } | { readonly why: string } {
  const cache = join(
    tmpdir(),
    `holdfast-cdk-library-${process.getuid?.() ?? 0}-${PACKAGES.join('-').replace(/[^\w.-]/g, '-')}`,
  )
  if (existsSync(join(cache, 'node_modules'))) return { at: join(cache, 'node_modules') }
  const fresh = mkdtempSync(join(tmpdir(), 'holdfast-cdk-fetch-'))
  writeFileSync(join(fresh, 'package.json'), '{ "private": true }')
  const args = [
    'install',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--fetch-timeout=20000',
    '--fetch-retries=1',
    ...PACKAGES,
  ]
  const { status, stderr } = spawnSync('npm', args, { cwd: fresh, encoding: 'utf8', timeout: 120_000 })
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true })
    return { why: stderr.trim().split('\n').at(-1) ?? 'npm failed' }
  }
  try {
    renameSync(fresh, cache)
  } catch {
    // Another run was quicker.
    rmSync(fresh, { recursive: true, force: true })
  }
  return { at: join(cache, 'node_modules') }
}

/** Fn::Sub and Fn::Join as one form. */
function alike(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(alike)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [first] = entries
  if (entries.length === 1 && first![0] === 'Fn::Join') {
    const [, parts] = first![1] as [string, (string | { Ref?: string; 'Fn::GetAtt'?: string[] })[]]
    const texts = parts.map((part) =>
      typeof part === 'string' ? part : `\${${part.Ref ?? part['Fn::GetAtt']!.join('.')}}`,
    )
    return { 'Fn::Sub': texts.join('') }
  }
  return Object.fromEntries(entries.map(([key, inner]) => [key, key === 'DependsOn' ? [inner].flat() : alike(inner)]))
}

function reachable(t: TestContext): string | undefined {
  const lib = library()
  if ('at' in lib) return lib.at
  assert.ok(!process.env.HOLDFAST_TESTS_COMPLETE, `the packages cannot be had: ${lib.why}`)
  t.skip(`NOT TESTED WITH THE REAL LIBRARY, because npm could not fetch it: ${lib.why}`)
  return undefined
}

const STACKS = [...SHAPES.values()].flatMap((service, i) => {
  const { lasting, releases, site } = infrastructureOf(service)!
  return [lasting, releases, ...(site ? [site] : [])].map((stack) => ({ file: `s${i}-${stack.name}`, stack }))
})

test('Terraform’s own grammar reads every file, with the resources of the model', async (t) => {
  const lib = reachable(t)
  if (!lib) return
  const { parse: parseHcl } = createRequire(join(lib, '..', 'x.js'))('@cdktf/hcl2json') as {
    parse(name: string, text: string): Promise<{ resource: Record<string, Record<string, unknown>> }>
  }
  for (const { file, stack } of STACKS) {
    const { resource } = await parseHcl(`${file}.tf`, terraformText(stack, 'eu-west-2'))
    const names = new Set(Object.values(resource).flatMap((ofType) => Object.keys(ofType)))
    for (const { id, type } of stack.resources)
      if (type !== 'AWS::Lambda::Version') assert.ok(names.has(snake(id)), `${file}: ${id}`)
  }
})

test('the CDK programs type-check, and synthesise exactly our CloudFormation', (t) => {
  const lib = reachable(t)
  if (!lib) return
  mkdirSync(join(folder, 'src'))
  symlinkSync(lib, join(folder, 'node_modules'))
  for (const { file, stack } of STACKS) writeFileSync(join(folder, 'src', `${file}.ts`), `${cdkStackText(stack)}\n`)
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noUnusedLocals: true,
        skipLibCheck: true,
        target: 'es2022',
        module: 'nodenext',
        moduleResolution: 'nodenext',
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
        rootDir: 'src',
        outDir: 'out',
      },
      include: ['src'],
    }),
  )
  const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
    encoding: 'utf8',
  })
  assert.equal(tsc.stdout, '', 'aws-cdk-lib accepts every property')
  const program = [
    "const { App } = require('aws-cdk-lib')",
    "const app = new App({ analyticsReporting: false, context: { 'aws:cdk:disable-asset-staging': true } })",
    ...STACKS.map(({ file, stack }) => `new (require('./out/${file}.js').${pascal(stack.name)}Stack)(app, '${file}')`),
    'const { stacks } = app.synth()',
    "require('node:fs').writeFileSync('synth.json', JSON.stringify(Object.fromEntries(stacks.map((one) => [one.stackName, one.template]))))",
  ].join('\n')
  writeFileSync(join(folder, 'synth.js'), program)
  // The library's own look at templates costs a second a stack, and cfn-lint knows the same rules.
  const env = { ...process.env, CDK_VALIDATION: 'false' }
  execFileSync(process.execPath, ['synth.js'], { cwd: folder, encoding: 'utf8', env })
  const made = JSON.parse(readFileSync(join(folder, 'synth.json'), 'utf8')) as Record<
    string,
    { Resources: unknown; Parameters: object }
  >
  for (const { file, stack } of STACKS) {
    const ours = parse(cloudformationText(stack)) as { Resources: unknown; Parameters?: Record<string, unknown> }
    assert.deepEqual(alike(made[file]!.Resources), alike(ours.Resources), file)
    const { BootstrapVersion: _, ...parameters } = made[file]!.Parameters as Record<string, unknown>
    assert.deepEqual(parameters, ours.Parameters ?? {}, file)
  }
})
