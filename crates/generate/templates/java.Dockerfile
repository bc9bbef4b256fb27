# syntax=docker/dockerfile:1
{{digests}}
ARG BUILD_DIGEST
ARG RUN_DIGEST

FROM docker.io/library/maven:3-eclipse-temurin-21@${BUILD_DIGEST} AS build
WORKDIR /app
COPY pom.xml ./
RUN mvn --batch-mode --no-transfer-progress dependency:go-offline
COPY src ./src
RUN mvn --batch-mode --no-transfer-progress --offline package

# A Java runtime without a shell.
FROM gcr.io/distroless/java21-debian13:nonroot@${RUN_DIGEST}
WORKDIR /app
COPY --from=build --chown=0:0 /app/target/{{entry}}.jar /app/app.jar
ENV PORT={{port}}
USER 65532:65532
EXPOSE {{port}}
# There is no program in this image that could ask the application; whoever runs it does (Kubernetes: probes).
HEALTHCHECK NONE
ENTRYPOINT ["/usr/bin/java", "-XX:MaxRAMPercentage=75", "-XX:+ExitOnOutOfMemoryError", "-jar", "/app/app.jar"]
