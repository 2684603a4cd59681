/** Metrics and health on a loopback port, for scrapers that cannot use a socket: three paths, GET, and nothing else. */
import http from 'node:http'
import {
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_REQUEST_TIMEOUT_MS,
  SCRAPE_CONNECTIONS_MAX,
} from '../core/limits.ts'
import { MeshError } from '../core/problems.ts'
import type { MeshNode } from '../mesh/node.ts'
import { healthRoutes } from './health.ts'
import { type Metrics, metricsRoutes } from './metrics.ts'
import { problemReply } from './problem.ts'
import type { Ask, Reply, Route } from './router.ts'

export class MetricsServer {
  readonly #server: http.Server

  private constructor(server: http.Server) {
    this.#server = server
  }

  /** @param listen `127.0.0.1:9464`. @throws MeshError NOT_READY */
  static async open(listen: string, metrics: Metrics, node: MeshNode): Promise<MetricsServer> {
    const at = listen.lastIndexOf(':')
    const [host, port] = [listen.slice(0, at).replace(/^\[|\]$/g, ''), Number(listen.slice(at + 1))]
    const routes = [...metricsRoutes(metrics), ...healthRoutes({ node })]
    const server = http.createServer(
      { headersTimeout: HTTP_HEADERS_TIMEOUT_MS, requestTimeout: HTTP_REQUEST_TIMEOUT_MS },
      (request, response) =>
        void replyTo(request, routes, new Set([listen, `localhost:${port}`])).then((reply) => {
          response.writeHead(reply.status, {
            'content-type': reply.type,
            'cache-control': 'no-store',
          })
          response.end(reply.body)
        }),
    )
    server.maxConnections = SCRAPE_CONNECTIONS_MAX
    await new Promise<void>((done, failed) => {
      server.once('error', (cause) =>
        failed(new MeshError('NOT_READY', `cannot listen on ${listen}`, { cause })),
      )
      server.listen(port, host, done)
    })
    // A connection that could not be accepted is lost, and is all that is.
    server.on('error', () => {})
    return new MetricsServer(server)
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((done) => this.#server.close(() => done()))
  }
}

/** A page in a browser may reach a loopback port: another Host, and any Origin, is refused. */
async function replyTo(
  request: http.IncomingMessage,
  routes: readonly Route[],
  hosts: ReadonlySet<string>,
): Promise<Reply> {
  const { host = '', origin } = request.headers
  const target = request.url ?? '/'
  // `//` is a request target for HTTP and no URL at all.
  const url = URL.canParse(target, 'http://meshd') ? new URL(target, 'http://meshd') : null
  const route = routes.find(({ path }) => path === url?.pathname)
  const refused = !hosts.has(host) || origin !== undefined || request.method !== 'GET'
  if (refused || url === null || route === undefined)
    return problemReply(new MeshError('NOT_FOUND', 'not served here'))
  try {
    return await route.handle({ query: url.searchParams } as Pick<Ask, 'query'> as Ask)
  } catch (error) {
    // Whatever failed, a scraper is told that it did.
    return problemReply(error)
  }
}
