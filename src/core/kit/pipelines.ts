/** The pipeline that runs this service's gates before production. A gate without a command stops the release until it has one. */
import { type KitFile, single } from './file.ts'
import { codePipeline } from './pipelines/codepipeline.ts'
import { releaseWorkflow, rollbackWorkflow } from './pipelines/github.ts'
import { jenkinsfile, rollbackJenkinsfile } from './pipelines/jenkins.ts'
import type { Source } from './source.ts'

export function pipelineFiles({ service }: Source): KitFile[] {
  const from = [['deployment', 'gates'], ['deployment', 'rollback'], ['deployment', 'approvals'], ['environments']]
  switch (service.tooling.pipeline) {
    case 'github-actions':
      return [
        single('pipelines', '.github/workflows/release.yml', from, releaseWorkflow(service)),
        single('pipelines', '.github/workflows/rollback.yml', from, rollbackWorkflow(service)),
      ]
    case 'jenkins':
      return [
        single('pipelines', 'Jenkinsfile', from, jenkinsfile(service)),
        single('pipelines', 'ops/pipeline/rollback.Jenkinsfile', from, rollbackJenkinsfile(service)),
      ]
    case 'codepipeline':
      return [single('pipelines', `ops/pipeline/${service.service.id}.pipeline.yml`, from, codePipeline(service))]
    case 'other':
      return []
  }
}
