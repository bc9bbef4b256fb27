# syntax=docker/dockerfile:1
{{digests}}
ARG BUILD_DIGEST
ARG RUN_DIGEST

# The same Python as in the image that runs: Debian 13 has 3.13.
FROM docker.io/library/python:3.13-slim-trixie@${BUILD_DIGEST} AS build
WORKDIR /app
COPY requirements.txt ./
# Every package is in the file with its hash (`pip-compile --generate-hashes`), and comes as a wheel: nothing of it runs here.
RUN pip install --no-cache-dir --require-hashes --only-binary=:all: --target=/packages -r requirements.txt
COPY . .

# Python without a shell and without pip.
FROM gcr.io/distroless/python3-debian13:nonroot@${RUN_DIGEST}
WORKDIR /app
COPY --from=build --chown=0:0 /packages /packages
COPY --from=build --chown=0:0 /app /app
ENV PYTHONPATH=/packages PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PORT={{port}}
USER 65532:65532
EXPOSE {{port}}
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD ["/usr/bin/python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:{{port}}{{health}}', timeout=2)"]
ENTRYPOINT ["/usr/bin/python3"]
CMD ["-m", "{{entry}}"]
