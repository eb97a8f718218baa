import type { Rule } from './rule.ts'
import { actionsPinned } from './rules/actions-pinned.ts'
import { buildGoesOn } from './rules/build-goes-on.ts'
import { deployAfterFailure } from './rules/deploy-after-failure.ts'
import { deployConcurrency } from './rules/deploy-concurrency.ts'
import { deployIdentity } from './rules/deploy-identity.ts'
import { deployTimeout } from './rules/deploy-timeout.ts'
import { deployWaits } from './rules/deploy-waits.ts'
import { deploymentRecord } from './rules/deployment-record.ts'
import { gateAccessibility } from './rules/gate-accessibility.ts'
import { gateApproval } from './rules/gate-approval.ts'
import { gateSecurityScan } from './rules/gate-security-scan.ts'
import { gateSkippable } from './rules/gate-skippable.ts'
import { gateTests } from './rules/gate-tests.ts'
import { productionFirst } from './rules/production-first.ts'
import { rollbackJobTimeout } from './rules/rollback-job-timeout.ts'
import { rollbackPath } from './rules/rollback-path.ts'
import { rollbackRehearsed } from './rules/rollback-rehearsed.ts'
import { stableButRolledBack } from './rules/stable-but-rolled-back.ts'
import { workflowPermissions } from './rules/workflow-permissions.ts'

/** Every rule, by the question it answers. Each lives in a file of its own; a test holds this list to the folder. */
export const RULES: readonly Rule[] = [
  rollbackJobTimeout,
  rollbackPath,
  rollbackRehearsed,
  deployConcurrency,
  deployWaits,
  actionsPinned,
  buildGoesOn,
  deployAfterFailure,
  gateAccessibility,
  gateApproval,
  gateSecurityScan,
  gateSkippable,
  gateTests,
  productionFirst,
  deployIdentity,
  deploymentRecord,
  workflowPermissions,
  deployTimeout,
  stableButRolledBack,
]
