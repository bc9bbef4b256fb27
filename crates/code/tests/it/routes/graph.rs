//! Functions behind one address, and files that are routes by their folder.

use super::{inventory, said};

const RESOLVERS: &str = "import { combineResolvers } from 'graphql-resolvers';
import { isAuthenticated } from './guards';
import { Post, User } from './models';
export const resolvers = {
  Query: {
    me: (parent, args, context) => User.findById(context.user.id),
    post: async (_, { id }) => Post.findById(id),
  },
  Mutation: {
    signUp: (_, args) => User.create({ name: args.name }),
    removePost: async (_, { id }) => { await Post.deleteOne({ _id: id }); return true; },
    editPost: combineResolvers(isAuthenticated, async (_, { id, text }) => { await Post.updateOne({ _id: id }, { text }); }),
    likePost: async (_, { id }, context) => {
      if (!context.user) throw new AuthenticationError('sign in');
      await Post.updateOne({ _id: id }, { likes: 1 });
    },
  },
  Post: { author: (post) => User.findById(post.author) },
};
const Query = { select: 'a', run: () => 1 };
";

#[test]
fn resolvers_of_a_graph() {
    let files = [("resolvers.js", RESOLVERS)];
    let short: Vec<String> = inventory(&files)
        .iter()
        .map(|line| line.split("; ").take(2).collect::<Vec<_>>().join("; "))
        .collect();
    assert_eq!(
        short,
        [
            "POST /graphql#Mutation.editPost editPost; isAuthenticated",
            "POST /graphql#Mutation.likePost likePost; ",
            "POST /graphql#Mutation.removePost removePost; ",
            "POST /graphql#Mutation.signUp signUp; ",
            "POST /graphql#Query.me me; ",
            "POST /graphql#Query.post post; ",
        ]
    );
    let said = said(&files);
    assert!(said.contains(&"authz.route.missing resolvers.js:11".to_owned()), "{said:?}");
    assert!(
        !said.iter().any(|line| line.starts_with("authz.route.missing") && !line.ends_with(":11")),
        "{said:?}"
    );
}

const PROCEDURES: &str = "import { z } from 'zod';
import { createTRPCRouter, protectedProcedure, publicProcedure } from '../trpc';
export const posts = createTRPCRouter({
  all: publicProcedure.query(({ ctx }) => ctx.db.post.findMany()),
  create: protectedProcedure.input(z.object({ text: z.string() })).mutation(async ({ ctx, input }) => {
    await ctx.db.post.create({ data: { text: input.text, author: ctx.session.user.id } });
  }),
  remove: publicProcedure.input(z.object({ id: z.number() })).mutation(async ({ ctx, input }) => {
    await ctx.db.post.delete({ where: { id: input.id } });
  }),
  own: t.procedure.use(isAuthed).query(({ ctx }) => ctx.db.post.findMany({ where: { author: ctx.session.user.id } })),
});
const other = { find: api.query(() => 1) };
";

#[test]
fn procedures_of_trpc() {
    let files = [("src/server/posts.ts", PROCEDURES)];
    let short: Vec<String> = inventory(&files)
        .iter()
        .map(|line| line.split("; ").take(2).collect::<Vec<_>>().join("; "))
        .collect();
    assert_eq!(
        short,
        [
            "GET /trpc/all all; ",
            "POST /trpc/create create; protectedProcedure > input schema",
            "GET /trpc/own own; isAuthed",
            "POST /trpc/remove remove; input schema",
        ]
    );
    let said = said(&files);
    assert_eq!(said, ["authz.route.missing src/server/posts.ts:8"], "{said:?}");
}

#[test]
fn files_that_fastify_loads_from_a_folder() {
    let app = "import autoload from '@fastify/autoload';
import { join } from 'path';
export default async function (fastify, options) {
  fastify.register(autoload, { dir: join(__dirname, 'routes'), options });
}
";
    let users = "export default async function (fastify) {
  fastify.get('/', async (request, reply) => reply.send(await all()));
  fastify.get('/users/me', async (request, reply) => reply.send(await me(request)));
}
";
    let one = "export default async function (fastify) {
  fastify.delete('/', async (request, reply) => reply.send(await remove(request.params.id)));
}
";
    let files =
        [("src/app.ts", app), ("src/routes/users/index.ts", users), ("src/routes/users/_id/index.ts", one)];
    let short: Vec<String> =
        inventory(&files).iter().map(|line| line.split(';').next().unwrap().trim().to_owned()).collect();
    assert_eq!(short, ["GET /users", "GET /users/me", "DELETE /users/{id}"]);
    // Nobody loads them: they are what they say.
    let short: Vec<String> =
        inventory(&files[1..]).iter().map(|line| line.split(';').next().unwrap().trim().to_owned()).collect();
    assert_eq!(short, ["DELETE /", "GET /", "GET /users/me"]);
}
