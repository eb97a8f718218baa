import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('..', import.meta.url))

/**
 * Where the views and migrations are: beside the sources. The build (dist/examples/heating-payment) has only code, so from
 * there it is the same folder without "dist".
 */
export const FOLDER = here.replace(/[\\/]dist([\\/]examples[\\/]heating-payment[\\/])$/, '$1')
