import { run } from '../../app/run.ts'
import { r4 } from './release.ts'

await run(r4, process.env)
