import type { Rule } from './rule.ts'
import { actionsPinned } from './rules/actions-pinned.ts'
import { alarmActs } from './rules/alarm-acts.ts'
import { alarmCanFire } from './rules/alarm-can-fire.ts'
import { alarmInTime } from './rules/alarm-in-time.ts'
import { alarmSilence } from './rules/alarm-silence.ts'
import { alertCanFire } from './rules/alert-can-fire.ts'
import { alertCitizens } from './rules/alert-citizens.ts'
import { alertFallback } from './rules/alert-fallback.ts'
import { alertInTime } from './rules/alert-in-time.ts'
import { alertLatches } from './rules/alert-latches.ts'
import { alertRouted } from './rules/alert-routed.ts'
import { alertRunbook } from './rules/alert-runbook.ts'
import { alertSeriesExist } from './rules/alert-series-exist.ts'
import { alertWindow } from './rules/alert-window.ts'
import { allAtOnce } from './rules/all-at-once.ts'
import { allowanceHolds } from './rules/allowance-holds.ts'
import { analysisCanFail } from './rules/analysis-can-fail.ts'
import { appspecValidates } from './rules/appspec-validates.ts'
import { assetSkew } from './rules/asset-skew.ts'
import { buildGoesOn } from './rules/build-goes-on.ts'
import { canaryOutlastsAlarm } from './rules/canary-outlasts-alarm.ts'
import { capabilityHolds } from './rules/capability-holds.ts'
import { codedeployAlarms } from './rules/codedeploy-alarms.ts'
import { codedeployAutoRollback } from './rules/codedeploy-auto-rollback.ts'
import { codedeployKeepsBlue } from './rules/codedeploy-keeps-blue.ts'
import { composeStopGrace } from './rules/compose-stop-grace.ts'
import { composeUpdate } from './rules/compose-update.ts'
import { composeWaitsForHealth } from './rules/compose-waits-for-health.ts'
import { deployAfterFailure } from './rules/deploy-after-failure.ts'
import { deployConcurrency } from './rules/deploy-concurrency.ts'
import { deployIdentity } from './rules/deploy-identity.ts'
import { deployInPeak } from './rules/deploy-in-peak.ts'
import { deployTimeout } from './rules/deploy-timeout.ts'
import { deployWaits } from './rules/deploy-waits.ts'
import { deployWindow } from './rules/deploy-window.ts'
import { deploymentRecord } from './rules/deployment-record.ts'
import { dockerBaseDigest } from './rules/docker-base-digest.ts'
import { dockerSignal } from './rules/docker-signal.ts'
import { dockerStopSignal } from './rules/docker-stop-signal.ts'
import { drainCoversRequest } from './rules/drain-covers-request.ts'
import { drainZero } from './rules/drain-zero.ts'
import { ecsAutoRollback } from './rules/ecs-auto-rollback.ts'
import { ecsCanProgress } from './rules/ecs-can-progress.ts'
import { ecsCapacity } from './rules/ecs-capacity.ts'
import { ecsExecAudited } from './rules/ecs-exec-audited.ts'
import { ecsGrace } from './rules/ecs-grace.ts'
import { ecsTaskStop } from './rules/ecs-task-stop.ts'
import { frontChecksHealth } from './rules/front-checks-health.ts'
import { frontErrorPage } from './rules/front-error-page.ts'
import { frontRetriesPosts } from './rules/front-retries-posts.ts'
import { frontShutdown } from './rules/front-shutdown.ts'
import { gateAccessibility } from './rules/gate-accessibility.ts'
import { gateApproval } from './rules/gate-approval.ts'
import { gateSecurityScan } from './rules/gate-security-scan.ts'
import { gateSkippable } from './rules/gate-skippable.ts'
import { gateTests } from './rules/gate-tests.ts'
import { grafanaDashboardAlert } from './rules/grafana-dashboard-alert.ts'
import { healthAcceptsErrors } from './rules/health-accepts-errors.ts'
import { helmRendered } from './rules/helm-rendered.ts'
import { imageDigest } from './rules/image-digest.ts'
import { incidentReport } from './rules/incident-report.ts'
import { keepaliveNode } from './rules/keepalive-node.ts'
import { kiroAgentLoads } from './rules/kiro-agent-loads.ts'
import { kiroAgentScope } from './rules/kiro-agent-scope.ts'
import { kiroDrift } from './rules/kiro-drift.ts'
import { kiroHookAgent } from './rules/kiro-hook-agent.ts'
import { kiroHookBreadth } from './rules/kiro-hook-breadth.ts'
import { kiroHookLoads } from './rules/kiro-hook-loads.ts'
import { kiroHookLoop } from './rules/kiro-hook-loop.ts'
import { kiroHookMatches } from './rules/kiro-hook-matches.ts'
import { kiroHookRuns } from './rules/kiro-hook-runs.ts'
import { kiroHookSafe } from './rules/kiro-hook-safe.ts'
import { kiroMcp } from './rules/kiro-mcp.ts'
import { kiroRequirements } from './rules/kiro-requirements.ts'
import { kiroSecrets } from './rules/kiro-secrets.ts'
import { kiroSteeringFilled } from './rules/kiro-steering-filled.ts'
import { kiroSteeringLoads } from './rules/kiro-steering-loads.ts'
import { kiroSteeringMatches } from './rules/kiro-steering-matches.ts'
import { kiroTaskSize } from './rules/kiro-task-size.ts'
import { kiroTaskVerified } from './rules/kiro-task-verified.ts'
import { kiroTaskWaves } from './rules/kiro-task-waves.ts'
import { kiroTasks } from './rules/kiro-tasks.ts'
import { kiroTokens } from './rules/kiro-tokens.ts'
import { kubeDisruptionBudget } from './rules/kube-disruption-budget.ts'
import { kubeGraceBudget } from './rules/kube-grace-budget.ts'
import { kubeHistory } from './rules/kube-history.ts'
import { kubeLivenessDiffers } from './rules/kube-liveness-differs.ts'
import { kubePrestop } from './rules/kube-prestop.ts'
import { kubeProgressDeadline } from './rules/kube-progress-deadline.ts'
import { kubeReadiness } from './rules/kube-readiness.ts'
import { kubeReplicas } from './rules/kube-replicas.ts'
import { kubeStrategy } from './rules/kube-strategy.ts'
import { migrateOnBoot } from './rules/migrate-on-boot.ts'
import { migrationBackfill } from './rules/migration-backfill.ts'
import { migrationBreaksRunning } from './rules/migration-breaks-running.ts'
import { migrationFailureIgnored } from './rules/migration-failure-ignored.ts'
import { migrationLockTimeout } from './rules/migration-lock-timeout.ts'
import { migrationLocks } from './rules/migration-locks.ts'
import { migrationLosesData } from './rules/migration-loses-data.ts'
import { migrationOutsideTransaction } from './rules/migration-outside-transaction.ts'
import { migrationUndo } from './rules/migration-undo.ts'
import { nodeSigterm } from './rules/node-sigterm.ts'
import { pageHelps } from './rules/page-helps.ts'
import { pageSelfContained } from './rules/page-self-contained.ts'
import { productionFirst } from './rules/production-first.ts'
import { queueVisibility } from './rules/queue-visibility.ts'
import { registryImmutable } from './rules/registry-immutable.ts'
import { registryKeepsReleases } from './rules/registry-keeps-releases.ts'
import { rightTarget } from './rules/right-target.ts'
import { rollbackJobTimeout } from './rules/rollback-job-timeout.ts'
import { rollbackPath } from './rules/rollback-path.ts'
import { rollbackRehearsed } from './rules/rollback-rehearsed.ts'
import { rollbackTimeArgo } from './rules/rollback-time-argo.ts'
import { rollbackTimeCodedeploy } from './rules/rollback-time-codedeploy.ts'
import { rollbackTimeCompose } from './rules/rollback-time-compose.ts'
import { rollbackTimeEcs } from './rules/rollback-time-ecs.ts'
import { rollbackTimeFlagger } from './rules/rollback-time-flagger.ts'
import { rollbackTimeKubernetes } from './rules/rollback-time-kubernetes.ts'
import { rollbackTimeLambda } from './rules/rollback-time-lambda.ts'
import { rollbackTimeScalingGroup } from './rules/rollback-time-scaling-group.ts'
import { runbookCitizens } from './rules/runbook-citizens.ts'
import { runbookCommands } from './rules/runbook-commands.ts'
import { runbookDecisions } from './rules/runbook-decisions.ts'
import { runbookEscalation } from './rules/runbook-escalation.ts'
import { runbookFilled } from './rules/runbook-filled.ts'
import { runbookLinks } from './rules/runbook-links.ts'
import { runbookPeople } from './rules/runbook-people.ts'
import { runbookRehearsed } from './rules/runbook-rehearsed.ts'
import { runbookResult } from './rules/runbook-result.ts'
import { runbookShape } from './rules/runbook-shape.ts'
import { runbookSteps } from './rules/runbook-steps.ts'
import { runbookUndo } from './rules/runbook-undo.ts'
import { scalingGroupHealth } from './rules/scaling-group-health.ts'
import { scalingGroupRollback } from './rules/scaling-group-rollback.ts'
import { scheduleLocalTime } from './rules/schedule-local-time.ts'
import { sessionInMemory } from './rules/session-in-memory.ts'
import { stableButRolledBack } from './rules/stable-but-rolled-back.ts'
import { statefulKept } from './rules/stateful-kept.ts'
import { trailOn } from './rules/trail-on.ts'
import { unseenParts } from './rules/unseen-parts.ts'
import { websocketDrain } from './rules/websocket-drain.ts'
import { workflowPermissions } from './rules/workflow-permissions.ts'

/** Every rule, by the question it answers. Each lives in a file of its own; a test holds this list to the folder. */
export const RULES: readonly Rule[] = [
  codedeployAutoRollback,
  codedeployKeepsBlue,
  dockerBaseDigest,
  ecsAutoRollback,
  ecsCanProgress,
  imageDigest,
  kubeHistory,
  registryImmutable,
  registryKeepsReleases,
  rollbackJobTimeout,
  rollbackPath,
  rollbackTimeArgo,
  rollbackTimeCodedeploy,
  rollbackTimeCompose,
  rollbackTimeEcs,
  rollbackTimeFlagger,
  rollbackTimeKubernetes,
  rollbackTimeLambda,
  rollbackTimeScalingGroup,
  scalingGroupRollback,
  migrationLosesData,
  migrationUndo,
  statefulKept,
  migrateOnBoot,
  migrationBreaksRunning,
  migrationFailureIgnored,
  migrationOutsideTransaction,
  rollbackRehearsed,
  kiroTaskVerified,
  runbookFilled,
  runbookSteps,
  runbookResult,
  runbookCommands,
  runbookDecisions,
  runbookLinks,
  runbookRehearsed,
  runbookShape,
  runbookUndo,
  composeStopGrace,
  composeUpdate,
  deployConcurrency,
  dockerSignal,
  dockerStopSignal,
  drainCoversRequest,
  drainZero,
  ecsCapacity,
  ecsTaskStop,
  frontRetriesPosts,
  frontShutdown,
  keepaliveNode,
  kubeDisruptionBudget,
  kubeGraceBudget,
  kubePrestop,
  kubeReplicas,
  kubeStrategy,
  migrationBackfill,
  migrationLockTimeout,
  migrationLocks,
  nodeSigterm,
  queueVisibility,
  websocketDrain,
  appspecValidates,
  composeWaitsForHealth,
  deployWaits,
  ecsGrace,
  frontChecksHealth,
  healthAcceptsErrors,
  helmRendered,
  kubeLivenessDiffers,
  kubeReadiness,
  scalingGroupHealth,
  deployWindow,
  deployInPeak,
  scheduleLocalTime,
  actionsPinned,
  buildGoesOn,
  deployAfterFailure,
  gateAccessibility,
  gateApproval,
  gateSecurityScan,
  gateSkippable,
  gateTests,
  kiroAgentLoads,
  kiroAgentScope,
  kiroHookLoads,
  kiroHookLoop,
  kiroHookMatches,
  kiroHookBreadth,
  kiroHookAgent,
  kiroHookRuns,
  kiroHookSafe,
  kiroSteeringFilled,
  kiroSteeringLoads,
  kiroSteeringMatches,
  kiroTasks,
  kiroTokens,
  kiroRequirements,
  kiroTaskSize,
  kiroTaskWaves,
  kiroDrift,
  productionFirst,
  rightTarget,
  allowanceHolds,
  capabilityHolds,
  unseenParts,
  deployIdentity,
  deploymentRecord,
  ecsExecAudited,
  kiroMcp,
  kiroSecrets,
  trailOn,
  workflowPermissions,
  alarmActs,
  alarmCanFire,
  alarmInTime,
  alarmSilence,
  alertCanFire,
  alertCitizens,
  alertFallback,
  grafanaDashboardAlert,
  alertInTime,
  alertLatches,
  alertRouted,
  alertRunbook,
  alertSeriesExist,
  alertWindow,
  allAtOnce,
  analysisCanFail,
  canaryOutlastsAlarm,
  codedeployAlarms,
  deployTimeout,
  kubeProgressDeadline,
  runbookEscalation,
  runbookPeople,
  stableButRolledBack,
  frontErrorPage,
  incidentReport,
  pageHelps,
  pageSelfContained,
  runbookCitizens,
  assetSkew,
  sessionInMemory,
]
