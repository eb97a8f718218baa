/** Who is signed in, and what they may ask for. */
export const ROLES = ['deployer', 'approver', 'responder', 'auditor', 'admin'] as const
export type Role = (typeof ROLES)[number]

export interface Person {
  /** The name that goes into the log. */
  readonly who: string
  readonly roles: readonly Role[]
}

/** An admin may do what any of the roles may; everybody who is signed in may read. */
export function may(person: Person, roles: readonly Role[]): boolean {
  return person.roles.includes('admin') || roles.some((role) => person.roles.includes(role))
}

export function isRole(word: unknown): word is Role {
  return (ROLES as readonly unknown[]).includes(word)
}
