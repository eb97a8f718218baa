import { run } from '../../app/run.ts'
import { r6 } from './release.ts'

await run(r6, process.env)
