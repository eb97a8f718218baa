/** The pipeline that runs this service's gates before production. A gate without a command stops the release until it has one. */
import type { Service } from '../define/schema.ts'
import type { Path } from '../define/yaml.ts'
import { type KitFile, single } from './file.ts'
import { codePipeline } from './pipelines/codepipeline.ts'
import { releaseWorkflow, rollbackWorkflow, schemaWorkflow } from './pipelines/github.ts'
import { jenkinsfile, rollbackJenkinsfile, schemaJenkinsfile } from './pipelines/jenkins.ts'
import { wayOf } from './pipelines/way.ts'
import type { Source } from './source.ts'

export function pipelineFiles({ service }: Source): KitFile[] {
  const from = [['deployment', 'gates'], ['deployment', 'rollback'], ['deployment', 'approvals'], ['environments']]
  const own = [
    ['runtime'],
    ['tooling'],
    ['environments'],
    ['deployment', 'rollback'],
    ...(service.migrations ? [['migrations']] : []),
  ]
  // Another pipeline calls the scripts as well.
  const scripts = wayOf(service).scripts.map(({ path, text }) => single('pipelines', path, own, text, '#!/bin/bash\n'))
  return [...definitionFiles(service, from), ...scripts]
}

function definitionFiles(service: Service, from: readonly Path[]): KitFile[] {
  const { schema } = wayOf(service)
  const own: readonly Path[] = [['migrations'], ['tooling'], ['environments']]
  switch (service.tooling.pipeline) {
    case 'github-actions':
      return [
        single('pipelines', '.github/workflows/release.yml', from, releaseWorkflow(service)),
        single('pipelines', '.github/workflows/rollback.yml', from, rollbackWorkflow(service)),
        ...(schema ? [single('pipelines', '.github/workflows/schema.yml', own, schemaWorkflow(service))] : []),
      ]
    case 'jenkins':
      return [
        single('pipelines', 'Jenkinsfile', from, jenkinsfile(service)),
        single('pipelines', 'ops/pipeline/rollback.Jenkinsfile', from, rollbackJenkinsfile(service)),
        ...(schema ? [single('pipelines', 'ops/pipeline/schema.Jenkinsfile', own, schemaJenkinsfile(service))] : []),
      ]
    case 'codepipeline':
      return [single('pipelines', `ops/pipeline/${service.service.id}.pipeline.yml`, from, codePipeline(service))]
    case 'other':
      return []
  }
}
