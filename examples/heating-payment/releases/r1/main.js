import { launch } from '../launch.js'

await launch(import.meta.url)
