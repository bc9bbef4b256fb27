# syntax=docker/dockerfile:1
{{digests}}
ARG BUILD_DIGEST
ARG RUN_DIGEST

FROM docker.io/library/rust:1-slim-trixie@${BUILD_DIGEST} AS build
WORKDIR /app
COPY . .
RUN cargo build --release --locked --bin {{entry}}

# The C library and certificates, and nothing else: no shell.
FROM gcr.io/distroless/cc-debian13:nonroot@${RUN_DIGEST}
COPY --from=build --chown=0:0 /app/target/release/{{entry}} /{{entry}}
ENV PORT={{port}}
USER 65532:65532
EXPOSE {{port}}
# There is no program in this image that could ask the application; whoever runs it does (Kubernetes: probes).
HEALTHCHECK NONE
ENTRYPOINT ["/{{entry}}"]
