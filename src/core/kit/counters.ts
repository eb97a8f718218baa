/** Counters of citizens and walks in the language of a service whose citizens do not pass our gateway. */
import type { Journey, Service } from '../define/schema.ts'
import { METRICS } from '../traffic/metrics.ts'
import type { Language } from './language.ts'

type Pairs = readonly { readonly journey: Journey; readonly step: string }[]

const { tried, bad, walks, badWalks } = METRICS

/** One function for citizens, one for walks; every counter stands at 0 from the start, or nobody can tell silence from health. */
export function countersCode(language: Language, service: Service, pairs: Pairs): readonly string[] {
  const steps = pairs.map(({ journey, step }) => [journey.id, step] as const)
  const journeys = service.journeys.filter((journey) => journey.steps.length > 0).map(({ id }) => id)
  const says =
    'A citizen counts once at a step, whatever the retries. Bad: wrong status, marker missing, or later than the limit of the step.'
  switch (language) {
    case 'node':
      return [
        '```js',
        "import { Counter } from 'prom-client'",
        '',
        ...[tried, bad].map(
          ({ name }) =>
            `const ${name} = new Counter({ name: '${name}', help: 'see ops/alerts/metrics.md', labelNames: ['journey', 'step'] })`,
        ),
        ...[walks, badWalks].map(
          ({ name }) =>
            `const ${name} = new Counter({ name: '${name}', help: 'see ops/alerts/metrics.md', labelNames: ['journey'] })`,
        ),
        '',
        `// ${says}`,
        'export function tried(journey, step, failed) {',
        `  ${tried.name}.inc({ journey, step })`,
        `  ${bad.name}.inc({ journey, step }, failed ? 1 : 0)`,
        '}',
        'export function walked(journey, failed) {',
        `  ${walks.name}.inc({ journey })`,
        `  ${badWalks.name}.inc({ journey }, failed ? 1 : 0)`,
        '}',
        `for (const [journey, step] of ${JSON.stringify(steps)}) for (const counter of [${tried.name}, ${bad.name}]) counter.inc({ journey, step }, 0)`,
        `for (const journey of ${JSON.stringify(journeys)}) for (const counter of [${walks.name}, ${badWalks.name}]) counter.inc({ journey }, 0)`,
        '```',
      ]
    case 'python':
      return [
        '```python',
        'from prometheus_client import Counter',
        '',
        ...[tried, bad].map(
          ({ name }) => `${name} = Counter("${name}", "see ops/alerts/metrics.md", ["journey", "step"])`,
        ),
        ...[walks, badWalks].map(
          ({ name }) => `${name} = Counter("${name}", "see ops/alerts/metrics.md", ["journey"])`,
        ),
        '',
        `# ${says}`,
        'def tried(journey, step, failed):',
        `    ${tried.name}.labels(journey, step).inc()`,
        `    ${bad.name}.labels(journey, step).inc(1 if failed else 0)`,
        '',
        'def walked(journey, failed):',
        `    ${walks.name}.labels(journey).inc()`,
        `    ${badWalks.name}.labels(journey).inc(1 if failed else 0)`,
        '',
        `for journey, step in ${JSON.stringify(steps)}:`,
        `    ${tried.name}.labels(journey, step), ${bad.name}.labels(journey, step)`,
        `for journey in ${JSON.stringify(journeys)}:`,
        `    ${walks.name}.labels(journey), ${badWalks.name}.labels(journey)`,
        '```',
      ]
    case 'ruby': {
      const made = (name: string, labels: string) =>
        `${name.toUpperCase()} = Prometheus::Client.registry.counter(:${name}, docstring: 'see ops/alerts/metrics.md', labels: [${labels}])`
      const count = (name: string, by: string, labels: string) =>
        `${name.toUpperCase()}.increment(by: ${by}, labels: { ${labels} })`
      return [
        '```ruby',
        "require 'prometheus/client'",
        '',
        ...[tried, bad].map(({ name }) => made(name, ':journey, :step')),
        ...[walks, badWalks].map(({ name }) => made(name, ':journey')),
        '',
        `# ${says}`,
        'def tried(journey, step, failed, by: 1)',
        `  ${count(tried.name, 'by', 'journey:, step:')}`,
        `  ${count(bad.name, 'failed ? by : 0', 'journey:, step:')}`,
        'end',
        '',
        'def walked(journey, failed, by: 1)',
        `  ${count(walks.name, 'by', 'journey:')}`,
        `  ${count(badWalks.name, 'failed ? by : 0', 'journey:')}`,
        'end',
        '',
        `${JSON.stringify(steps)}.each { |journey, step| tried(journey, step, false, by: 0) }`,
        `${JSON.stringify(journeys)}.each { |journey| walked(journey, false, by: 0) }`,
        '```',
      ]
    }
    case 'java':
      return [
        '```java',
        'import io.micrometer.core.instrument.MeterRegistry;',
        'import java.util.List;',
        '',
        'final class Counted {',
        '  private final MeterRegistry registry;',
        '',
        '  Counted(MeterRegistry registry) {',
        '    this.registry = registry;',
        `    for (var one : List.of(${steps.map(([journey, step]) => `List.of("${journey}", "${step}")`).join(', ')})) count(one.get(0), one.get(1), 0, 0);`,
        `    for (var journey : List.of(${journeys.map((id) => `"${id}"`).join(', ')})) walk(journey, 0, 0);`,
        '  }',
        '',
        `  /** ${says} */`,
        '  void tried(String journey, String step, boolean failed) { count(journey, step, 1, failed ? 1 : 0); }',
        '  void walked(String journey, boolean failed) { walk(journey, 1, failed ? 1 : 0); }',
        '',
        '  private void count(String journey, String step, double all, double bad) {',
        `    registry.counter("${tried.name}", "journey", journey, "step", step).increment(all);`,
        `    registry.counter("${bad.name}", "journey", journey, "step", step).increment(bad);`,
        '  }',
        '  private void walk(String journey, double all, double bad) {',
        `    registry.counter("${walks.name}", "journey", journey).increment(all);`,
        `    registry.counter("${badWalks.name}", "journey", journey).increment(bad);`,
        '  }',
        '}',
        '```',
      ]
    case 'any':
      return [
        '```',
        `# ${says}`,
        ...[tried, bad].flatMap(({ name }) => [
          `# TYPE ${name} counter`,
          ...steps.map(([journey, step]) => `${name}{journey="${journey}",step="${step}"} 0`),
        ]),
        ...[walks, badWalks].flatMap(({ name }) => [
          `# TYPE ${name} counter`,
          ...journeys.map((journey) => `${name}{journey="${journey}"} 0`),
        ]),
        '```',
      ]
  }
}
