// A GraphQL server (graphql-yoga) that counts what it executes.
import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';

let executed = 0;
const typeDefs = /* GraphQL */ `
  type User { id: ID! name: String! friends(first: Int): [User!]! }
  type Query { me: User! users(first: Int): [User!]! }
  type Mutation { rename(name: String!): User! }
`;
const user = { id: '1', name: 'alice' };
const friends = (_, { first = 2 }) => Array.from({ length: Math.min(first ?? 2, 3) }, () => user);
const resolvers = {
  User: { friends },
  Query: { me: () => user, users: friends },
  Mutation: { rename: (_, { name }) => ({ ...user, name }) },
};
const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  batching: { limit: 10 },
  logging: false,
  plugins: [{ onExecute: () => { executed += 1; } }],
});
const server = createServer((request, response) => {
  if (request.url === '/public/executed') return response.end(`${executed}`);
  return yoga(request, response);
});
server.listen(0, '127.0.0.1', () => console.log(`listening 127.0.0.1:${server.address().port}`));
