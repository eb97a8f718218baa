/** The drill on the built-in gateway and processes. */
import { join } from 'node:path'
import { EXAMPLE } from './containers/heating.ts'
import { stackDrill } from './stacks/drill.ts'

stackDrill({
  name: 'gateway and processes',
  definition: async () => ({ file: join(EXAMPLE, 'service.yaml'), env: {} }),
  adjust: (plan) => plan,
  holds: async () => {},
  close: () => {},
})
