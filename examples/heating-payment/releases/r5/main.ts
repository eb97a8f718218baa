import { run } from '../../app/run.ts'
import { r5 } from './release.ts'

await run(r5, process.env)
