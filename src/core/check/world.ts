/** Everything a rule may look at: the files by format, and the models built from them, each built once and only when asked for. */
import type { Instant } from '../time.ts'
import { type Format, formatOf, isNotProduction } from './detect.ts'
import { type Dockerfile, readDockerfile } from './formats/dockerfile.ts'
import { type Jenkinsfile, readGroovy } from './formats/groovy.ts'
import { type HaproxySection, readHaproxy } from './formats/haproxy.ts'
import { readHcl } from './formats/hcl.ts'
import { readJson } from './formats/json.ts'
import { type CodeMigration, judgeOperations } from './formats/migration-code.ts'
import { readJsMigration } from './formats/migration-js.ts'
import { readLiquibase } from './formats/migration-liquibase.ts'
import { readPythonMigration } from './formats/migration-python.ts'
import { readRailsMigration } from './formats/migration-ruby.ts'
import { type NginxFile, readNginx } from './formats/nginx.ts'
import { child, items, type Node, type Problem, type Source, text } from './formats/node.ts'
import { linesOf } from './formats/position.ts'
import { judgeSql, type Migration } from './formats/sql-effects.ts'
import { readYaml } from './formats/yaml.ts'
import { cloudwatchResources } from './models/alarm.ts'
import { ecsResources, type Resource } from './models/cloud.ts'
import { codepipelines } from './models/codepipeline.ts'
import { workflowPipelines } from './models/github.ts'
import { type HelmTree, helmTree } from './models/helm.ts'
import { jenkinsLibrary, jenkinsPipeline, unseenLibraries } from './models/jenkins.ts'
import { chartObjects, type KubeFile, type KubeObject } from './models/kube.ts'
import { kustomizeTree } from './models/kustomize.ts'
import type { Pipeline } from './models/pipeline.ts'
import { planResources, withPlans } from './models/plan.ts'
import { cdkStacks, samParameters, templateTree } from './models/template.ts'
import { type Module, readTfvarsJson, terraformTree } from './models/terraform.ts'
import type { Unseen } from './models/unseen.ts'
import type { Tree } from './tree.ts'

export interface Document {
  readonly src: Source
  readonly root: Node
}

export interface JudgedMigration extends Migration {
  readonly src: Source
}

/** A file we read, its format, and what kept us from reading all of it. */
export interface ReadFile {
  readonly file: string
  readonly format: Format
  readonly problems: readonly Problem[]
}

export interface World {
  /** Formats of all files that a rule may judge. */
  readonly files: readonly { readonly file: string; readonly format: Format }[]
  /** The moment of the check, for expiry dates. */
  readonly today: Instant
  readonly tree: Tree
  /** Every file that a rule may judge. */
  readonly all: readonly Source[]
  sources(format: Format): readonly Source[]
  /** Parsed YAML or JSON documents of a format. */
  documents(format: Format): readonly Document[]
  readonly pipelines: readonly Pipeline[]
  readonly jenkinsfiles: readonly Jenkinsfile[]
  readonly dockerfiles: readonly Dockerfile[]
  readonly kube: readonly KubeObject[]
  /** Charts as rendered with the values of production; those that the tree holds rendered already are left out. */
  readonly helm: HelmTree
  readonly cloud: readonly Resource[]
  /** What decides about production and is not in the tree, or could not be rendered: each is a "cannot tell". */
  readonly unseen: readonly Unseen[]
  readonly composes: readonly Document[]
  /** SQL files, migrations in code and Liquibase changelogs, each judged statement by statement. */
  readonly migrations: readonly JudgedMigration[]
  readonly nginx: readonly NginxFile[]
  readonly haproxy: readonly (readonly HaproxySection[])[]
  /** Problems of the files parsed so far; complete once every rule has run. */
  readonly problems: ReadonlyMap<string, readonly Problem[]>
}

/** Pure: the same tree and moment always give the same world. Nothing is parsed until a rule asks. */
export function worldOf(tree: Tree, today: Instant): World {
  const byFormat = new Map<Format, Source[]>()
  const all: Source[] = []
  const files: { file: string; format: Format }[] = []
  const problems = new Map<string, readonly Problem[]>()
  for (const { path, text: content } of tree.files) {
    const format = formatOf(path, content)
    if (!format) continue
    files.push({ file: path, format })
    const src = { file: path, text: content, lines: linesOf(content) }
    const list = byFormat.get(format)
    if (list) list.push(src)
    else byFormat.set(format, [src])
    all.push(src)
  }
  const sources = (format: Format) => byFormat.get(format) ?? []
  const note = (src: Source, found: readonly Problem[]) => {
    if (found.length > 0) problems.set(src.file, found)
  }
  const parsed = new Map<Format, readonly Document[]>()
  const documents = (format: Format): readonly Document[] => {
    let known = parsed.get(format)
    if (!known) {
      known = sources(format).flatMap((src) => documentsOf(src, note))
      parsed.set(format, known)
    }
    return known
  }
  const hcl = (format: Format): Module[] =>
    sources(format).map((src) => {
      const file = src.file.endsWith('.json') ? readTfvarsJson(src) : readHcl(src)
      note(src, file.problems)
      return { file, src }
    })
  const byFile = (format: Format) => new Map(documents(format).map(({ src, root }) => [src.file, root]))
  const kubeFiles = (format: Format): KubeFile[] => {
    const groups = new Map<string, Node[]>()
    for (const { src, root } of documents(format)) groups.set(src.file, [...(groups.get(src.file) ?? []), root])
    return [...groups].map(([file, nodes]) => ({ file, documents: nodes }))
  }
  const groovy = (format: Format) =>
    sources(format).map((src) => {
      const file = readGroovy(src)
      note(src, file.problems)
      return file
    })
  const jenkinsfiles = once(() => groovy('jenkinsfile'))
  const library = once(() => jenkinsLibrary(groovy('jenkins-library')))
  const terraform = once(() => {
    const paths = new Map(tree.files.map((file) => [file.path, file]))
    return terraformTree(hcl('terraform'), hcl('tfvars'), (path) => {
      const file = paths.get(path)
      return file && { file: path, text: file.text, lines: linesOf(file.text) }
    })
  })
  const cloud = once(() => [
    ...templateTree(
      documents('cloudformation'),
      [...documents('cfn-parameters'), ...sources('samconfig').flatMap(samParameters)],
      cdkStacks(documents('cdk-manifest')),
    ),
    ...withPlans(terraform().resources, documents('terraform-plan').flatMap(planResources)),
    ...documents('ecs').flatMap(({ src, root }) => ecsResources(root, src)),
    ...documents('cloudwatch').flatMap(({ src, root }) => cloudwatchResources(root, src)),
  ])
  const unseen = once(() => [
    ...terraform().unseen,
    ...helm().unseen,
    ...kustomize().unseen,
    ...unseenLibraries(jenkinsfiles(), library()),
  ])
  const pipelines = once(() => [
    ...workflowPipelines(byFile('github-workflow'), byFile('github-action')),
    ...jenkinsfiles().map((file) => jenkinsPipeline(file, library())),
    ...codepipelines(cloud(), documents('codepipeline')),
  ])
  const dockerfiles = once(() =>
    sources('dockerfile').map((src) => {
      const file = readDockerfile(src)
      note(src, file.problems)
      return file
    }),
  )
  const helm = once((): HelmTree => {
    const done = (root: Node) => {
      const name = text(child(root, 'name')) ?? ''
      return sources('kubernetes').some((src) => src.text.includes(`# Source: ${name}/`))
    }
    const tree = helmTree({
      charts: documents('helm').filter(({ root }) => !done(root)),
      values: documents('helm-values'),
      templates: sources('helm-template'),
    })
    for (const [file, found] of tree.problems) problems.set(file, found)
    return tree
  })
  const kustomize = once(() => kustomizeTree(kubeFiles('kubernetes'), kubeFiles('kustomization')))
  const kube = once(() => [...kustomize().objects, ...chartObjects(helm().rendered)])
  const migrations = once(() => [
    ...sources('sql').map((src) => ({ ...judgeSql(src.text), src })),
    ...[...sources('migration-code'), ...sources('liquibase')].map((src) => {
      const read = readMigration(src)
      if (read.problems) note(src, read.problems)
      return { ...judgeOperations(src, read), src }
    }),
  ])
  const nginx = once(() =>
    sources('nginx').map((src) => {
      const file = readNginx(src)
      note(src, file.problems)
      return file
    }),
  )
  const haproxy = once(() => sources('haproxy').map((src) => readHaproxy(src)))
  const composes = once(() =>
    documents('compose').filter(({ src, root }) => isFinalCompose(src, root, documents('compose'))),
  )
  return {
    files,
    today,
    tree,
    all,
    sources,
    documents,
    problems,
    get pipelines() {
      return pipelines()
    },
    get jenkinsfiles() {
      return jenkinsfiles()
    },
    get helm() {
      return helm()
    },
    get dockerfiles() {
      return dockerfiles()
    },
    get kube() {
      return kube()
    },
    get cloud() {
      return cloud()
    },
    get unseen() {
      return unseen()
    },
    get composes() {
      return composes()
    },
    get nginx() {
      return nginx()
    },
    get haproxy() {
      return haproxy()
    },
    get migrations() {
      return migrations()
    },
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function documentsOf(src: Source, note: (src: Source, problems: readonly Problem[]) => void): readonly Document[] {
  if (/\.(json|hook)$/.test(src.file) || /^\s*[{[]/.test(src.text.slice(0, 200))) {
    const { root, problems } = readJson(src)
    note(src, problems)
    return root ? [{ src, root }] : []
  }
  const file = readYaml(src)
  note(src, file.problems)
  return file.documents.map((root) => ({ src, root }))
}

function readMigration(src: Source): CodeMigration {
  if (/\.rb$/.test(src.file)) return readRailsMigration(src)
  if (/\.py$/.test(src.file)) return readPythonMigration(src)
  return /\.[cm]?[jt]s$/.test(src.file) ? readJsMigration(src) : readLiquibase(src)
}

/** Compose files of rehearsal environments, and bases that a production file of the same folder overrides, decide nothing. */
function isFinalCompose(src: Source, root: Node, all: readonly Document[]): boolean {
  if (isNotProduction(src.file) || /override/.test(src.file)) return false
  const folder = src.file.slice(0, src.file.lastIndexOf('/') + 1)
  const isBase = /(^|\/)(docker-)?compose\.ya?ml$/.test(src.file)
  const overridden = all.some(
    (other) => other.src.file.startsWith(folder) && /prod|live/i.test(other.src.file) && other.src !== src,
  )
  return child(root, 'services') !== undefined && !(isBase && overridden)
}

/** The words of a command line, whether it is written as a list or as text. */
export function commandWords(node: Node | undefined): string {
  return items(node)
    .map((item) => text(item) ?? '')
    .join(' ')
}
