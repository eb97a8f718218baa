import { startGateway } from '../src/adapters/gateway/traffic.ts'
import { everydaySwaps } from './swaps/everyday.ts'

everydaySwaps({ name: 'gateway', start: startGateway, movesByCutting: false, sessions: 1_500 })
