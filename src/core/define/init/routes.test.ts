import assert from 'node:assert/strict'
import test from 'node:test'
import { routesIn } from './routes.ts'

type Files = Readonly<Record<string, string>>

/** Routes, then what was left out with a minus. */
function read(files: Files): readonly string[] {
  const { routes, leftOut } = routesIn(Object.entries(files).map(([path, text]) => ({ path, text })))
  return [
    ...routes.map(({ method, path, file, line }) => `${method} ${path} ${file}:${line}`),
    ...leftOut.map(({ why, file, line }) => `- ${why} ${file}:${line}`),
  ]
}

function table(cases: readonly (readonly [string, Files, readonly string[]])[]): void {
  for (const [name, files, wanted] of cases) assert.deepEqual(read(files), wanted, name)
}

const APP = "const express = require('express')\nconst app = express()\n"

test('Express: routes are told under the paths at which their routers are mounted, across files', () => {
  table([
    [
      'routers by require and by import, with a guard between, and one inside of another',
      {
        'app.js': `${APP}app.use('/claims', guard, require('./routes/claims'))\napp.get('/', f)\napp.use('/old', require('./routes/old'))\n`,
        'routes/claims.js': `const { Router } = require('express')\nconst deep = require('./deep')\nconst r = Router()\nr.get('/:id', f)\nr.post('/', f)\nr.use('/:id/notes', deep.notes)\nmodule.exports = r\n`,
        'routes/deep.ts': `import { Router } from 'express'\nexport const notes = Router()\nnotes.route('/new').get(f).post(g)\n`,
        'routes/old.ts': `import express = require('express')\nconst old = express.Router()\nold.get('/x', f)\nexport = old\n`,
      },
      [
        'GET / app.js:4',
        'GET /claims/:id routes/claims.js:4',
        'POST /claims routes/claims.js:5',
        'GET /claims/:id/notes/new routes/deep.ts:3',
        'POST /claims/:id/notes/new routes/deep.ts:3',
        'GET /old/x routes/old.ts:3',
      ],
    ],
    [
      'functions that get the application, and functions that make a router',
      {
        'app.js': `${APP}require('./extra')(app)\nmore(app)\nfunction more(server) { server.get('/more', f) }\napp.use('/made', made(db))\nfunction made(db) { const r = express.Router(); r.get('/one', f); return r }\n`,
        'extra.js': "module.exports = (app) => {\n  app.get('/extra', f)\n}\n",
      },
      ['GET /more app.js:5', 'GET /made/one app.js:7', 'GET /extra extra.js:2'],
    ],
    [
      'a folder of routers with an index, mounted in a chain',
      {
        'src/server.ts': `import express from 'express'\nimport api, { pages } from './routes/index.js'\nexport const app = express()\napp.use(express.json()).use('/api', api).use(pages)\n`,
        'src/routes/index.ts': `import { Router } from 'express'\nexport { pages } from './pages'\nconst api = Router()\napi.get('/status', f).post('/send', f)\nexport default api\n`,
        'src/routes/pages.ts': `import { Router } from 'express'\nexport const pages: Router = Router()\npages.get('/help', f)\n`,
      },
      [
        'GET /api/status src/routes/index.ts:4',
        'POST /api/send src/routes/index.ts:4',
        'GET /help src/routes/pages.ts:3',
      ],
    ],
    [
      'what is computed, or mounted nowhere, is left out and counted',
      {
        'app.js': `${APP}app.use(config.base, require('./a'))\napp.get(PATHS.start, f)\napp.get('/x/:id(\\\\d+)', f)\napp.get('title')\ncache.get('/no', f)\nfunction keep(store) { store.put(key, value); store.get('/key', late) }\n`,
        'a.js': "const s = require('express').Router()\n\n\ns.get('/a', f)\nmodule.exports = s\n",
        'b.js': "const { Router } = require('express')\nconst s = Router()\ns.get('/b', f)\n",
        'c.js': "router.get('/c', f)\n",
      },
      [
        '- the prefix of its router is computed a.js:4',
        '- its path is computed app.js:4',
        '- its path is a pattern app.js:5',
        '- where its router is mounted cannot be seen b.js:3',
        '- nothing in the file says what "router" is c.js:1',
      ],
    ],
    [
      'comments, tests, other services and strings are no routes',
      {
        'app.js': `${APP}// app.get('/gone', f)\n/* app.get('/old', f) */\nconst text = "app.get('/said', f)"\naxios.get('/theirs', f)\nif (process.env.NODE_ENV !== 'production') {\n  app.get('/dev', f)\n}\n`,
        'mock-cases.js': `${APP}app.get('/theirs', f)\n`,
        'app.test.js': `${APP}app.get('/test', f)\n`,
      },
      ['- it is served under a condition only app.js:8'],
    ],
    [
      'a router that is mounted twice is served twice, and one mounted in a circle is not',
      {
        'app.js': `${APP}const a = express.Router()\nconst b = express.Router()\na.get('/x', f)\napp.use('/one', a)\napp.use('/two', a)\nb.use('/b', b2)\nconst b2 = express.Router()\nb2.use('/c', b)\nb2.get('/y', f)\n`,
      },
      [
        'GET /one/x app.js:5',
        'GET /two/x app.js:5',
        '- its router is mounted in a circle, or too deep to follow app.js:11',
      ],
    ],
  ])
})

test('Fastify, Koa, Hono and hapi: each mounts in its own way', () => {
  table([
    [
      'Fastify plugins with a prefix',
      {
        'server.ts': `const server = Fastify({ logger: true })\nserver.register(claims, { prefix: '/claims' })\nserver.register(async (inner) => { inner.get('/in', h) }, { prefix: '/x' })\nserver.register(late, options)\nserver.get<{ Params: P }>('/health', async () => ({}))\nserver.route({ method: ['GET', 'PUT'], url: '/r', handler })\nimport { claims } from './claims.js'\nimport late from './late'\n`,
        'claims.ts': `export async function claims(fastify: FastifyInstance, opts: object): Promise<void> {\n  fastify.get('/:id', async () => 1)\n}\n`,
        'late.ts': `const routes: FastifyPluginAsync = async (fastify) => {\n  fastify.get('/late', h)\n}\nexport default routes\n`,
      },
      [
        'GET /claims/:id claims.ts:2',
        'GET /x/in server.ts:3',
        'GET /health server.ts:5',
        'GET /r server.ts:6',
        'PUT /r server.ts:6',
        '- the prefix of its router is computed late.ts:2',
      ],
    ],
    [
      'made in one breath, by another name, and by something else of the same name',
      {
        'a.js': "const web = require('fastify')({ logger: true })\nweb.get('/a', h)\n",
        'b.ts':
          "import express, { Router as R } from 'express'\nconst site = express()\nconst part = R()\nsite.use('/b', part)\npart.get('/c', h)\n",
        'c.js':
          "const x = require('koa-router')()\nconst Koa = require('koa')\nconst app = new Koa()\nx.get('/d', h)\napp.use(x.routes())\n",
        'd.ts': "import Router from 'vue-router'\nconst router = new Router()\nrouter.push('/no')\n",
        'e.ts': "import { Router } from '@angular/router'\nconst gate = new Router()\ngate.get('/never', h)\n",
      },
      ['GET /a a.js:2', 'GET /b/c b.ts:5', 'GET /d c.js:4'],
    ],
    [
      'Koa routers, one in another',
      {
        'app.js': `const app = new Koa()\nconst r = new Router({ prefix: '/claims' })\nconst n = new Router()\nn.get('/:id', f)\nr.use('/notes', n.routes(), n.allowedMethods())\nr.get('/new', f)\napp.use(r.routes()).use(r.allowedMethods())\n`,
      },
      ['GET /claims/notes/:id app.js:4', 'GET /claims/new app.js:6'],
    ],
    [
      'Hono',
      {
        'index.ts': `import book from './book'\nconst app = new Hono<{ Bindings: Env }>().basePath('/api')\napp.get('/hello/:name', c => c.text('x'))\napp.route('/book', book)\nexport default app\n`,
        'book.ts': `const book = new Hono()\nbook.get('/', c => 1)\nexport default book\n`,
      },
      ['GET /api/book book.ts:2', 'GET /api/hello/:name index.ts:3'],
    ],
    [
      'hapi',
      {
        'a.js':
          "const server = Hapi.server({ port: 1 })\nserver.route([{ method: 'GET', path: '/a/{id}', handler }, { method: 'POST', path: '/b' }])\n",
      },
      ['GET /a/:id a.js:2', 'POST /b a.js:2'],
    ],
    [
      'NestJS, with a prefix for the whole application',
      {
        'main.ts': "app.setGlobalPrefix('api')\n",
        'c.ts':
          "@Controller('cases')\nexport class C {\n  @Get(':id')\n  one() {}\n  @Post()\n  add() {}\n  @Get(PATH)\n  lost() {}\n}\n@Controller({ path: 'v', version: '1' })\nclass D {\n  @Get('x')\n  x() {}\n}\n",
        'alone.ts': "@Get('lonely')\n",
      },
      [
        'GET /api/cases/:id c.ts:3',
        'POST /api/cases c.ts:5',
        '- its path is computed c.ts:7',
        '- a version is put before its path c.ts:12',
      ],
    ],
  ])
})

test('Flask and FastAPI: blueprints and routers, across modules', () => {
  table([
    [
      'a blueprint in a package, registered in a factory; a prefix at registration replaces its own',
      {
        'app/__init__.py':
          "from flask import Flask\n\ndef create_app():\n    app = Flask(__name__)\n    from app.main import bp as main_bp\n    from .auth.views import bp\n    app.register_blueprint(main_bp)\n    app.register_blueprint(bp, url_prefix='/account')\n    return app\n",
        'app/main/__init__.py':
          "from flask import Blueprint\nbp = Blueprint('main', __name__, url_prefix='/main')\nfrom app.main import routes\n",
        'app/main/routes.py':
          "from app.main import bp\n\n@bp.route('/')\n@bp.route('/apply/<int:id>', methods=['GET', 'POST'])\ndef apply(id):\n    return ''\n",
        'app/auth/views.py':
          "from flask import Blueprint\nbp = Blueprint('auth', __name__, url_prefix='/auth')\n\n@bp.post('/sign-in')\ndef sign_in():\n    pass\n",
      },
      [
        'POST /account/sign-in app/auth/views.py:4',
        'GET /main/ app/main/routes.py:3',
        'GET /main/apply/:id app/main/routes.py:4',
        'POST /main/apply/:id app/main/routes.py:4',
      ],
    ],
    [
      'FastAPI routers with prefixes of both sides',
      {
        'main.py':
          "from fastapi import FastAPI\nfrom routers import claims\nfrom routers.users import router as users\napp = FastAPI()\napp.include_router(claims.router, prefix='/api')\napp.include_router(users, prefix=settings.BASE)\n\n@app.get('/health')\nasync def health(): ...\n",
        'routers/claims.py':
          "router = APIRouter(\n    prefix='/claims',\n)\n\n@router.get(\n    '/{claim_id}',\n    response_model=Claim,\n)\nasync def one(claim_id: int): ...\n\n@router.post(f'/{KIND}')\nasync def add(): ...\n",
        'routers/users.py': "router = APIRouter()\n\n@router.get('/me')\ndef me(): ...\n",
      },
      [
        'GET /health main.py:8',
        'GET /api/claims/:claim_id routers/claims.py:5',
        '- its path is computed routers/claims.py:11',
        '- the prefix of its router is computed routers/users.py:3',
      ],
    ],
    [
      'a function that registers, and a prefix that stands in a constant',
      {
        'run.py':
          "from web.views import register, late\nfrom web.config import LATE\napp = Flask('x')\nregister(app)\napp.register_blueprint(late, url_prefix=LATE)\n",
        'web/config.py': "LATE = '/late'\n",
        'web/views.py':
          "PREFIX = '/v'\nlate = Blueprint('l', __name__)\nlate.add_url_rule('/z', view_func=z)\nbp = Blueprint('b', __name__)\n\n@bp.get('/x')\ndef x(): pass\n\ndef register(app):\n    app.register_blueprint(bp, url_prefix=PREFIX)\n\n@app.get('/lost')\ndef lost(): pass\n",
      },
      [
        'GET /late/z web/views.py:3',
        'GET /v/x web/views.py:6',
        '- nothing in the file says what "app" is web/views.py:12',
      ],
    ],
  ])
})

test('Django: what is included stands under the path of its include', () => {
  table([
    [
      'apps, inline lists, patterns and packages',
      {
        'site1/settings.py': "ROOT_URLCONF = 'site1.urls'\n",
        'site1/urls.py':
          "from django.urls import include, path\nurlpatterns = [\n    path('', views.start),\n    path('admin/', admin.site.urls),\n    path('claims/', include('claims.urls')),\n    path('api/', include([path('ping/', views.ping)])),\n    path('lib/', include(router.urls)),\n    re_path(r'^old/$', views.old),\n]\nif settings.DEBUG:\n    urlpatterns += [path('debug/', views.debug)]\n",
        'claims/urls.py': "app_name = 'claims'\nurlpatterns = [\n    path('<int:pk>/', views.one, name='one'),\n]\n",
        'orphan/urls.py': "urlpatterns = [path('x/', views.x)]\n",
      },
      [
        'GET /claims/:pk/ claims/urls.py:3',
        'GET / site1/urls.py:3',
        'GET /api/ping/ site1/urls.py:6',
        '- where its router is mounted cannot be seen orphan/urls.py:1',
        '- what include() adds cannot be seen site1/urls.py:7',
        '- its path is a pattern site1/urls.py:8',
        '- it is served under a condition only site1/urls.py:11',
      ],
    ],
  ])
})

test('Rails and Sinatra: blocks put their path before what stands inside', () => {
  const draw = (body: string) => ({ 'config/routes.rb': `Rails.application.routes.draw do\n${body}end\n` })
  const named = (lines: readonly string[]) => lines.map((line) => line.replace('@', 'config/routes.rb:'))
  table([
    [
      'namespaces, scopes and resources',
      draw(
        "  root 'pages#home'\n  resources :claims, only: %i[new create] do\n    member do\n      get :receipt\n    end\n    get 'search', on: :collection\n    resources :notes, only: [:index]\n  end\n  namespace :admin do\n    resource :session, only: :show\n  end\n  scope '/api', module: 'api' do\n    get 'ping', to: 'x#y'\n  end\n  scope '(:locale)' do\n    get 'words', to: 'x#y'\n  end\n  get 'cookies', to: 'p#c' # no\n",
      ),
      named([
        'GET / @2',
        'GET /claims/new @3',
        'POST /claims @3',
        'GET /claims/:id/receipt @5',
        'GET /claims/search @7',
        'GET /claims/:claim_id/notes @8',
        'GET /admin/session @11',
        'GET /api/ping @14',
        'GET /cookies @19',
        '- the path of the scope around it is computed or may be left out @17',
      ]),
    ],
    [
      'options in the way of today and of old, and blocks on one line',
      draw(
        "  resources :detailed_guides, :path => 'specialist', :only => [:show] do\n    get :chiefs_of_staff, path: 'chiefs-of-staff', on: :collection\n    post :reorder, :on => :member\n    member { get :delete }\n    resources :people, only: :index do\n      get 'x', to: 'y#z'\n    end\n  end\n  resources :responses, only: :none\n  scope App.prefix, shallow_path: 'x' do\n    get 'lost' => 'x#y'\n  end\n  root to: redirect('/admin'), constraints: lambda { |request|\n    request.host == 'x'\n  }\n  get 'after' => 'x#y'\n",
      ),
      named([
        'GET /specialist/:id @2',
        'GET /specialist/chiefs-of-staff @3',
        'POST /specialist/:id/reorder @4',
        'GET /specialist/:id/delete @5',
        'GET /specialist/:detailed_guide_id/people @6',
        'GET /specialist/:detailed_guide_id/people/:person_id/x @7',
        'GET / @14',
        'GET /after @17',
        '- the path of the scope around it is computed or may be left out @12',
      ]),
    ],
    [
      'conditions, concerns, engines and options that change paths',
      draw(
        "  if Rails.env.development?\n    get 'dev', to: 'x#y'\n  end\n  concern :c do\n    get 'in-concern'\n  end\n  mount Sidekiq::Web => '/sidekiq'\n  devise_for :users\n  resources :a, path: 'b', only: :index\n  resources :d, path: computed, only: :index\n  constraints(subdomain: 'x') do\n    get 'y', to: 'x#y'\n  end\n",
      ),
      named([
        'GET /b @10',
        'GET /y @13',
        '- it is served under a condition only @3',
        '- a concern is served where something asks for it @6',
        '- a mounted engine makes routes of its own @8',
        '- devise_for makes routes of its own @9',
        '- an option of its resource changes its path @11',
      ]),
    ],
    [
      'Sinatra',
      {
        'app.rb':
          "require 'sinatra'\nget '/start' do\n  erb :start\nend\nnamespace '/api' do\n  post '/send' do\n  end\nend\n# get '/no' do\n",
      },
      ['GET /start app.rb:2', 'POST /api/send app.rb:6'],
    ],
    ['another use of get', { 'spec.rb': "get '/start' do\nend\n" }, []],
  ])
})

test('Spring and JAX-RS: class, application and method together', () => {
  table([
    [
      'Spring',
      {
        'src/main/resources/application.properties': 'server.servlet.context-path=/svc\n',
        'src/main/java/A.java':
          '@RestController\n@RequestMapping(value = "/claims", produces = "x")\npublic class A {\n  @GetMapping("/{id:\\\\d+}")\n  public Claim one() {}\n  @GetMapping\n  List<Claim> all() {}\n  @PostMapping(path = {"/a", "/b"})\n  void add() {}\n  @GetMapping(Paths.X)\n  void x() {}\n  @RequestMapping("/any")\n  void any() {}\n  @RequestMapping(value = "/old", method = RequestMethod.PUT)\n  public String old() {}\n}\n@FeignClient("them")\ninterface B {\n  @GetMapping("/theirs")\n  String x();\n}\n@RequestMapping("/base")\nabstract class C {\n  @GetMapping("/y")\n  void y() {}\n}\n',
      },
      [
        'GET /svc/claims src/main/java/A.java:6',
        'POST /svc/claims/a src/main/java/A.java:8',
        'POST /svc/claims/b src/main/java/A.java:8',
        'PUT /svc/claims/old src/main/java/A.java:14',
        '- its path is a pattern src/main/java/A.java:4',
        '- its path is computed src/main/java/A.java:10',
        '- it answers every method src/main/java/A.java:12',
        '- its class is not marked as a controller src/main/java/A.java:24',
      ],
    ],
    [
      'Kotlin, and a context path that is computed',
      {
        'src/main/resources/application.yml': `server:\n  servlet:\n    context-path: \${BASE}\n`,
        'src/main/kotlin/K.kt':
          '@RestController\n@RequestMapping(path = ["/k"])\nclass K(private val x: X) {\n  @GetMapping("/{id}")\n  fun one(@PathVariable id: Int): X = x\n}\n',
      },
      ['- the path of the whole application is computed, or set twice src/main/kotlin/K.kt:4'],
    ],
    [
      'JAX-RS',
      {
        'App.java': '@ApplicationPath("/api")\npublic class App extends Application {}\n',
        'J.java':
          '@Path("/claims")\npublic class J {\n  @GET\n  @Path("{id}")\n  public Claim one(@PathParam("id") String id) {}\n  @POST\n  @Consumes("application/json")\n  public void add(Claim c) {}\n}\n',
      },
      ['GET /api/claims/:id J.java:3', 'POST /api/claims J.java:6'],
    ],
  ])
})

test('hostile sources are survived, within bounds', () => {
  const deep = `${APP}app.use(${'('.repeat(20_000)}`
  const many = Array.from({ length: 3_000 }, (_, i) => `app.get('/r${i}', f)`).join('\n')
  const circle = {
    'a.js': "export { x } from './b'\n",
    'b.js': "export { x } from './a'\nimport { x } from './a'\nx.get('/y', f)\n",
  }
  assert.equal(routesIn([{ path: 'a.js', text: APP + many }]).routes.length, 1_000)
  for (const text of [deep, '`${`${`', '\'\n"\n/*', '@'.repeat(50_000), `${'do\n'.repeat(5_000)}`])
    for (const path of ['a.ts', 'a.py', 'config/routes.rb', 'A.java', 'x/urls.py'])
      assert.ok(Array.isArray(routesIn([{ path, text: `urlpatterns @Path @Controller\n${text}` }]).routes))
  assert.deepEqual(read(circle), [])
})
