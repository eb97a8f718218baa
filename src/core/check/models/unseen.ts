import type { Spot } from '../formats/node.ts'

/**
 * Something that decides what runs and is not in the tree: a remote module, chart, base or library, or a part of a template that we
 * cannot render. Rules answer "cannot tell" with it, unless a capability map vouches for `ref`.
 */
export interface Unseen {
  readonly kind:
    | 'helm-template'
    | 'helm-dependency'
    | 'kustomize-remote'
    | 'kustomize-patch'
    | 'terraform-module'
    | 'jenkins-library'
    | 'migration'
    | 'slo'
  readonly at: Spot
  /** What it is that we do not see, a sentence. */
  readonly says: string
  /** What would settle it. */
  readonly needs: string
  /** The name under which a capability map may vouch for it, as the file writes it: a source, a chart, a library. */
  readonly ref: string
}
