/** The smallest citizen service: a page, a form, a health check. BAD=1: every submission fails. */
import { createServer } from 'node:http'

const { PORT, RELEASE = 'r1', BAD } = process.env
const server = createServer((request, response) => {
  request.resume()
  response.setHeader('x-release', RELEASE)
  if (request.url === '/ready') return void response.end('ready')
  if (request.method === 'POST') {
    if (BAD) return void response.writeHead(500).end('broken')
    return void response.writeHead(303, { location: '/' }).end()
  }
  response.setHeader('content-type', 'text/html').end('<h1>Apply</h1>')
})
server.listen(Number(PORT), '127.0.0.1')
process.on('SIGTERM', () => server.close(() => process.exit(0)))
