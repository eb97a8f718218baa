import { type FormatExample, place } from './example.ts'

export const pipelines: readonly FormatExample[] = [
  {
    format: 'jenkins-library',
    name: 'steps of a shared library in the tree stand where they are called; a library from elsewhere is said',
    files: {
      Jenkinsfile: "@Library('local') _\ndeployService(name: 'claim')\n",
      'vars/deployService.groovy':
        "def call(Map config = [:]) {\n  pipeline {\n    agent any\n    stages {\n      stage('Test') { steps { sh 'npm test' } }\n      stage('Deploy') { steps { sh 'helm upgrade claim chart' } }\n    }\n  }\n}\n",
      'other/Jenkinsfile': "@Library('platform@v3') _\nshipIt()\n",
    },
    read: (world) => [
      ...world.pipelines.flatMap((pipeline) =>
        pipeline.jobs.map(
          (job) => `${job.id} after ${job.needs.join()}: ${job.steps[0]?.run ?? job.remote} ${place(job.at)}`,
        ),
      ),
      ...world.unseen.map((one) => `${one.ref} ${place(one.at)}`),
    ],
    gives: [
      'Test after : npm test vars/deployService.groovy:5:7',
      'Deploy after Test: helm upgrade claim chart vars/deployService.groovy:6:7',
      'shared library after : the shared library platform@v3, which may deploy, other/Jenkinsfile:1:1',
      'platform@v3 other/Jenkinsfile:1:1',
    ],
  },
]
