#!/usr/bin/env node
import { createRequire } from 'node:module'

// Checks run at every save and in every pipeline, and have bundles of their own; everything else goes through the command table.
const isCheck = process.argv[2] === 'check'
const isHook = isCheck && process.argv.includes('--hook') && !process.argv.includes('--help')
const bundled = isCheck && createRequire(import.meta.url)('./bundle.cjs').run(isHook ? 'hook' : 'check')
if (!bundled) await import('../dist/src/cli/main.js')
