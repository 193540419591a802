# syntax=docker/dockerfile:1
# Stage 1 gathers the locked packages as wheels; stage 2 has only Python, those packages and the service.

FROM python:3.11-slim-bookworm AS wheels
WORKDIR /build
COPY bootstrap_project/requirements/runtime.txt ./
# Hashes are checked here; --only-binary makes a missing wheel an error instead of a compiler's work.
RUN python -m pip download --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --no-deps --require-hashes --dest /wheels -r runtime.txt

FROM python:3.11-slim-bookworm
ARG VERSION=0.1.0
ARG COMMIT=""
ARG BUILD_TIME=""
LABEL org.opencontainers.image.title="Bootstrap" \
      org.opencontainers.image.description="Gives devices of the Magistrala platform their configuration." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.created="${BUILD_TIME}"

# A number that Kubernetes can check against runAsNonRoot; no home, no shell.
RUN groupadd --system --gid 10001 bootstrap \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin bootstrap

RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    python -m pip install --no-cache-dir --disable-pip-version-check --no-index --no-deps /wheels/*.whl

WORKDIR /app
COPY manage.py ./
COPY templates ./templates
COPY bootstrap_project ./bootstrap_project
COPY configs ./configs
COPY devices ./devices
COPY enrollments ./enrollments
COPY profiles ./profiles
# Compiled now, as the file system may be read-only later.
RUN python -m compileall -q .

ENV DJANGO_SETTINGS_MODULE=bootstrap_project.settings \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    MG_BOOTSTRAP_IN_CONTAINER=true \
    MG_BOOTSTRAP_HTTP_HOST=0.0.0.0 \
    MG_BOOTSTRAP_HTTP_PORT=9013 \
    MG_BOOTSTRAP_VERSION="${VERSION}" \
    MG_BOOTSTRAP_BUILD_COMMIT="${COMMIT}" \
    MG_BOOTSTRAP_BUILD_TIME="${BUILD_TIME}"

USER 10001:10001
EXPOSE 9013
# The same program asks itself for /health: with the port and TLS that it is set to, and without a tool of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-m", "bootstrap_project.serve", "--health"]
# Stop means: finish what has begun (ten seconds at most), then go.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bootstrap_project.serve"]
