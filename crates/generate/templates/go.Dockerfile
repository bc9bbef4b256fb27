# syntax=docker/dockerfile:1
{{digests}}
ARG BUILD_DIGEST
ARG RUN_DIGEST

FROM docker.io/library/golang:1-trixie@${BUILD_DIGEST} AS build
WORKDIR /app
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /out/{{entry}} ./cmd/{{entry}}

# Certificates and time zones, and nothing else: no shell, no C library.
FROM gcr.io/distroless/static-debian13:nonroot@${RUN_DIGEST}
COPY --from=build --chown=0:0 /out/{{entry}} /{{entry}}
ENV PORT={{port}}
USER 65532:65532
EXPOSE {{port}}
# There is no program in this image that could ask the application; whoever runs it does (Kubernetes: probes).
HEALTHCHECK NONE
ENTRYPOINT ["/{{entry}}"]
