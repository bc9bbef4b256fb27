//! Servers of JavaScript besides Express: plugins, hooks, routers on routers, routes as objects.

use super::{inventory, said};

const FASTIFY: &[(&str, &str)] = &[
    (
        "app.js",
        "import Fastify from 'fastify';
import auth from './plugins/auth.js';
import notes from './routes/notes.js';
import open from './routes/open.js';
const app = Fastify({ logger: true });
app.register(open, { prefix: '/open' });
app.register(async function signedIn(scope) {
  scope.register(auth);
  scope.register(notes, { prefix: '/notes' });
}, { prefix: '/api' });
app.get('/health', async () => 'ok');
app.listen({ port: 80 });
",
    ),
    (
        "plugins/auth.js",
        "import fp from 'fastify-plugin';
async function auth(fastify) {
  fastify.addHook('onSend', async () => {});
  fastify.addHook('onRequest', async (request, reply) => {
    if (!tokens.known(request.headers.authorization)) {
      return reply.code(401).send();
    }
  });
}
export default fp(auth);
",
    ),
    (
        "routes/notes.js",
        "import { notes } from '../store.js';
const body = { type: 'object', properties: { text: { type: 'string', maxLength: 500 } } };
export default async function (fastify) {
  fastify.get('/', async (request) => notes.list(request.query.page));
  fastify.post('/', { schema: { body } }, async (request) => notes.insert(request.body.text));
  fastify.route({ method: 'DELETE', url: '/:id', handler: remove });
}
async function remove(request) {
  await notes.delete(request.params.id);
}
",
    ),
    (
        "routes/open.js",
        "import { notes } from '../store.js';
export default async function (fastify, options) {
  fastify.get('/notes', async () => notes.list());
  fastify.delete('/notes', async () => notes.removeAll());
  fastify.post('/notes', { preHandler: fastify.authenticate }, async (request) => notes.insert(request.body));
}
",
    ),
];

#[test]
fn fastify_plugins_carry_their_hooks_and_prefixes() {
    assert_eq!(
        inventory(FASTIFY),
        [
            "GET /api/notes; ; authentication",
            "POST /api/notes; onRequest > schema; authentication mutation validation",
            "DELETE /api/notes/{id} remove; ; authentication mutation",
            "GET /health; ; ",
            "DELETE /open/notes; ; mutation",
            "GET /open/notes; ; ",
            "POST /open/notes; preHandler fastify().authenticate; authentication maybe-authentication mutation",
        ]
        .map(|line| line.replace("; ; authentication", "; onRequest; authentication"))
    );
}

#[test]
fn what_is_said_of_fastify() {
    let said = said(FASTIFY);
    assert!(said.contains(&"authz.route.missing routes/open.js:4".to_owned()), "{said:?}");
    assert!(!said.iter().any(|line| line.starts_with("authz.route.missing routes/notes")), "{said:?}");
}

const KOA: &[(&str, &str)] = &[
    (
        "app.js",
        "const Koa = require('koa');
const Router = require('@koa/router');
const jwt = require('koa-jwt');
const bodyParser = require('koa-bodyparser');
const orders = require('./orders');
const app = new Koa();
app.use(bodyParser());
const open = new Router();
open.get('home', '/', async (ctx) => { ctx.body = 'hi'; });
open.post('/seats', async (ctx) => { ctx.body = await Seat.create({ row: ctx.request.body.row }); });
app.use(open.routes());
app.use(jwt({ secret: process.env.KEY }));
const api = new Router({ prefix: '/api' });
api.use('/orders', orders.routes(), orders.allowedMethods());
app.use(api.routes());
",
    ),
    (
        "orders.js",
        "const Router = require('@koa/router');
const router = new Router();
router.del('/:id', async (ctx) => { await Order.destroy({ where: { id: ctx.params.id, userId: ctx.state.user.id } }); });
module.exports = router;
",
    ),
];

#[test]
fn koa_runs_what_was_used_before() {
    assert_eq!(
        inventory(KOA),
        [
            "GET /; koa-bodyparser(); ",
            "DELETE /api/orders/{id}; koa-bodyparser() > koa-jwt() > @koa/router().allowedMethods(); authentication maybe-authentication mutation ownership",
            "POST /seats; koa-bodyparser(); mutation",
        ]
    );
    assert_eq!(said(KOA), ["authz.route.missing app.js:10"]);
}

const HONO: &[(&str, &str)] = &[
    (
        "src/index.ts",
        "import { Hono } from 'hono';
import { jwt } from 'hono/jwt';
import { logger } from 'hono/logger';
import { books } from './books';
const app = new Hono().basePath('/v1');
app.use('*', logger());
app.use('/books/*', jwt({ secret: process.env.KEY! }));
app.route('/books', books);
app.put('/flags', async (c) => c.json(await flags.update(await c.req.json())));
export default app;
",
    ),
    (
        "src/books.ts",
        "import { Hono } from 'hono';
import { zValidator } from '@hono/zod-validator';
export const books = new Hono()
  .get('/:id', (c) => c.json(store.find(c.req.param('id'))))
  .post('/', zValidator('json', Book), async (c) => c.json(await store.insert(c.req.valid('json'))));
",
    ),
];

#[test]
fn hono_guards_a_path() {
    let jwt = "hono/logger.logger() > hono/jwt.jwt()";
    assert_eq!(
        inventory(HONO),
        [
            format!(
                "POST /v1/books; {jwt} > @hono/zod-validator.zValidator(json); authentication maybe-authentication mutation validation"
            ),
            format!("GET /v1/books/{{id}}; {jwt}; authentication maybe-authentication"),
            "PUT /v1/flags; hono/logger.logger(); mutation".to_owned(),
        ]
    );
    let said = said(HONO);
    assert!(said.contains(&"authz.route.missing src/index.ts:9".to_owned()), "{said:?}");
}

const HAPI: &[(&str, &str)] = &[(
    "server.js",
    "const Hapi = require('@hapi/hapi');
const Joi = require('joi');
const start = async () => {
  const server = Hapi.server({ port: 80 });
  await server.register(require('@hapi/jwt'));
  server.auth.strategy('token', 'jwt', options);
  server.auth.default('token');
  server.route([
    { method: 'GET', path: '/items/{id}', handler: (request, h) => items.find(request.params.id) },
    { method: ['PUT', 'PATCH'], path: '/items/{id}', options: { validate: { payload: Joi.object({ name: Joi.string() }) }, handler: (request, h) => items.update(request.payload) } },
    { method: 'POST', path: '/login', handler: login, options: { auth: false } },
  ]);
  server.route({ method: 'DELETE', path: '/items', handler: clear, options: { auth: { scope: 'admin' } } });
};
const login = async (request, h) => users.check(request.payload.password);
const clear = async () => items.removeAll();
",
)];

#[test]
fn hapi_routes_are_objects() {
    assert_eq!(
        inventory(HAPI),
        [
            "DELETE /items clear; authenticate by default > auth; authentication maybe-authentication mutation",
            "GET /items/{id} handler; authenticate by default; authentication maybe-authentication",
            "PATCH /items/{id} handler; authenticate by default > validate; authentication maybe-authentication mutation validation",
            "PUT /items/{id} handler; authenticate by default > validate; authentication maybe-authentication mutation validation",
            "POST /login login; authenticate by default; authentication maybe-authentication",
        ]
    );
}
