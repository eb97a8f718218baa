/** A site of files as part of a release: published under its own prefix, switched by one change, watched, and switched back. */
import type { Component, Service } from '../../define/schema.ts'

/** Minutes for which the script watches the alarms of the site after the switch. */
export function siteBakeMinutes(service: Service, component: Component): number {
  const own = service.deployment.byArtefact.find((row) =>
    service.artefacts.some((artefact) => artefact.id === row.artefact && artefact.component === component.id),
  )
  return own?.blueGreen?.bakeMinutes ?? service.deployment.blueGreen.bakeMinutes
}

export function siteThere(_service: Service, _site: Component): string[] {
  return []
}

export function siteLines(_service: Service, _site: Component): string[] {
  return []
}
