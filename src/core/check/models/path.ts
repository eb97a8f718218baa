/** Paths inside a tree: relative to its root, with forward slashes. */

/** `join('a/b', '../c')` is `a/c`; climbing out of the tree gives a path that matches nothing. */
export function join(folder: string, path: string): string {
  const parts = folder === '' ? [] : folder.split('/')
  for (const part of path.split('/')) {
    if (part === '..') {
      if (parts.length === 0) return `../${path}`
      parts.pop()
    } else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}

/** The folder of a path; '' for a file at the root. */
export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}

/** The name of a file without its folders. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** True for the name of a file of values that says production: `prod.tfvars`, `values-live.yaml`; not `nonprod`, `preprod`. */
export function isProductionName(path: string): boolean {
  return /(^|[/._-])(prod|prd|production|live)([/._-]|$)/i.test(path) && !/(non|pre)-?prod/i.test(path)
}
