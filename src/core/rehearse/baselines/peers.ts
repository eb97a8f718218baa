import type { Judge } from '../judge.ts'
import { argo } from './argo.ts'
import { codeDeployCanary, codeDeployLinear, ecsCanary } from './alarms.ts'
import { flagger } from './flagger.ts'
import { kamal } from './kamal.ts'
import { kayenta } from './kayenta.ts'

const MINUTE = 60_000
const docsSteps = [0.2, 0.4, 0.6, 0.8].map((weight) => ({ weight, pauseMs: 10 * MINUTE }))

/** Other tools' rules with the settings their documentation shows, by a short key. Each call gives a fresh judge. */
export const PEERS: Readonly<Record<string, () => Judge>> = {
  'flagger-10': () =>
    flagger({ name: 'Flagger 1m, threshold 10, 5..50 %', threshold: 10, stepWeight: 0.05, maxWeight: 0.5 }),
  'flagger-5': () => flagger({ name: 'Flagger threshold 5, step 10', threshold: 5, stepWeight: 0.1, maxWeight: 0.5 }),
  'flagger-1': () => flagger({ name: 'Flagger default threshold 1', threshold: 1, stepWeight: 0.05, maxWeight: 0.5 }),
  'argo-docs': () =>
    argo({
      name: 'Argo 20/40/60/80, 5m, .95, limit 3',
      steps: docsSteps,
      analysis: {
        intervalMs: 5 * MINUTE,
        firstMs: 10 * MINUTE,
        successMin: 0.95,
        failureLimit: 3,
        once: false,
        wholeService: false,
      },
    }),
  'argo-whole': () =>
    argo({
      name: 'Argo same, whole-service query',
      steps: docsSteps,
      analysis: {
        intervalMs: 5 * MINUTE,
        firstMs: 10 * MINUTE,
        successMin: 0.95,
        failureLimit: 3,
        once: false,
        wholeService: true,
      },
    }),
  'argo-once': () =>
    argo({
      name: 'Argo 20 %, one look at 5m, .95',
      steps: [{ weight: 0.2, pauseMs: 5 * MINUTE }],
      analysis: {
        intervalMs: 5 * MINUTE,
        firstMs: 5 * MINUTE,
        successMin: 0.95,
        failureLimit: 0,
        once: true,
        wholeService: false,
      },
    }),
  'argo-strict': () =>
    argo({
      name: 'Argo same steps, 1m, .99, limit 0',
      steps: docsSteps,
      analysis: {
        intervalMs: MINUTE,
        firstMs: MINUTE,
        successMin: 0.99,
        failureLimit: 0,
        once: false,
        wholeService: false,
      },
    }),
  'codedeploy-1': () => codeDeployCanary('CodeDeploy 10 % 5m, 60 s 1/1', 5 * MINUTE, { periodMs: MINUTE, points: 1 }),
  'codedeploy-3': () => codeDeployCanary('CodeDeploy 10 % 5m, 60 s 3/3', 5 * MINUTE, { periodMs: MINUTE, points: 3 }),
  'codedeploy-5m': () =>
    codeDeployCanary('CodeDeploy 10 % 5m, one 5m period', 5 * MINUTE, { periodMs: 5 * MINUTE, points: 1 }),
  'codedeploy-linear': () =>
    codeDeployLinear('CodeDeploy linear 10 %/1m, 3/3', MINUTE, { periodMs: MINUTE, points: 3 }),
  'ecs-canary': () => ecsCanary('ECS canary 5 %/10m, 3/3', { periodMs: MINUTE, points: 3 }),
  'kayenta-60': () =>
    kayenta({ name: 'Kayenta 10 %, 60m runs, 3 h', weight: 0.1, runMs: 60 * MINUTE, lifetimeMs: 180 * MINUTE }),
  'kayenta-5': () =>
    kayenta({ name: 'Kayenta 10 %, 5m runs, 1 h', weight: 0.1, runMs: 5 * MINUTE, lifetimeMs: 60 * MINUTE }),
  kamal: () => kamal(15 * MINUTE),
}
