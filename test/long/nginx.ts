/** A real nginx on a port of this machine, with the configuration that `meshd gateway show nginx` prints. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Host } from '../../src/cli/stage.ts'
import { installed } from './packages.ts'

const PLACES = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx']

/** Where it is; null when there is none. */
export function nginxBinary(): string | null {
  return installed(PLACES, 'nginx-light')
}

export async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/** What stands around a snippet: directories of its own, and whoever runs the tests. */
function whole(dir: string, servers: string): string {
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `${user}
daemon off;
worker_processes 1;
pid ${dir}/pid;
error_log ${dir}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  keepalive_requests 1000000;
${temporary.map((name) => `  ${name}_temp_path ${dir}/tmp/${name};`).join('\n')}
${servers}
}
`
}

export class Nginx implements AsyncDisposable {
  readonly #stop: () => Promise<void>

  private constructor(stop: () => Promise<void>) {
    this.#stop = stop
  }

  /** Resolves when it takes connections on all these ports. */
  static async open(
    binary: string,
    dir: string,
    servers: string,
    ports: readonly number[],
  ): Promise<Nginx> {
    mkdirSync(join(dir, 'tmp'), { recursive: true })
    const file = join(dir, 'nginx.conf')
    writeFileSync(file, whole(dir, servers))
    const child = spawn(binary, ['-p', dir, '-c', file], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const ended = new Promise<void>((done) => child.once('exit', () => done()))
    const nginx = new Nginx(async () => {
      child.kill('SIGTERM')
      await ended
    })
    const untilMs = performance.now() + 20_000
    for (const port of ports)
      while (!(await connects(port))) {
        if (child.exitCode !== null || performance.now() > untilMs) {
          await nginx[Symbol.asyncDispose]()
          throw new Error(`nginx does not listen on ${port}`)
        }
        await new Promise((done) => setTimeout(done, 20))
      }
    return nginx
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop()
  }
}

export function connects(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => done(true)).on('error', () => done(false))
    socket.on('connect', () => socket.destroy())
  })
}

/** What `meshd gateway show nginx` prints for an application on one port, behind another. */
export function shownBy(host: Host, name: string, front: number, app: number): Promise<string> {
  return host.do(
    ...['gateway', 'show', 'nginx', '--host', name, '--listen', `127.0.0.1:${front}`],
    ...['--app', `http://127.0.0.1:${app}`],
  )
}

/** An artifact to get these pages with, as a line: held for nobody. */
export async function issuedBy(host: Host, resource: string): Promise<string> {
  const file = join(host.dir, 'a.ucan')
  const grant = ['--action', 'http:get', '--resource', resource, '--ttl', '1h']
  await host.do('artifact', 'issue', '--to', 'me', ...grant, '--yes', '-f', file)
  const line = readFileSync(file, 'utf8').trim()
  rmSync(file)
  return line
}

export interface Got {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

/** A request with its target as it stands here. */
export function fetchRaw(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers, agent: false }
    const request = http.request(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
    request.on('error', reject)
    request.end(method === 'GET' ? undefined : 'body')
  })
}
