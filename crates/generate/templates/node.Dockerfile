# syntax=docker/dockerfile:1
{{digests}}
ARG BUILD_DIGEST
ARG RUN_DIGEST

FROM docker.io/library/node:24-trixie-slim@${BUILD_DIGEST} AS build
WORKDIR /app
# What is locked is installed, and no package runs a script of its own while it is.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run --if-present build && npm prune --omit=dev --ignore-scripts

# Node.js without a shell and without a package manager.
FROM gcr.io/distroless/nodejs24-debian13:nonroot@${RUN_DIGEST}
WORKDIR /app
COPY --from=build --chown=0:0 /app /app
ENV NODE_ENV=production PORT={{port}}
USER 65532:65532
EXPOSE {{port}}
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD ["/nodejs/bin/node", "-e", "fetch('http://127.0.0.1:{{port}}{{health}}').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["{{entry}}"]
