# syntax=docker/dockerfile:1
# The image of everything that runs here: the service, a worker, the Prefect server. deploy/README.md says how to use it.
#
# The base is pinned by the digest of its index, which is good for every architecture. It was published for the tags
# 3.11-slim-bookworm and 3.11.16-slim-bookworm; deploy/README.md cites where. To renew it:
#   docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}'
ARG PYTHON=python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${PYTHON} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# What it runs with comes first: it changes more rarely than the program, so its layer is kept.
COPY requirements-runtime.lock requirements-build.lock ./
RUN python -m venv --without-pip /opt/overbuild && \
    pip --python /opt/overbuild/bin/python install --require-hashes --no-deps --only-binary :all: \
        -r requirements-runtime.lock && \
    python -m venv tools && \
    tools/bin/pip install --require-hashes --no-deps --only-binary :all: -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY flows flows
COPY sql sql
COPY warehouse warehouse
RUN tools/bin/python -m hatchling build -t wheel -d dist && \
    pip --python /opt/overbuild/bin/python install --no-deps --no-index dist/*.whl

FROM ${PYTHON}
LABEL org.opencontainers.image.title="overbuild" \
      org.opencontainers.image.description="Is AI infrastructure spending wasteful? A pipeline that answers from filings, prices and stated assumptions." \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 overbuild && \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin overbuild && \
    install -d -o 10001 -g 10001 -m 0750 /data
COPY --from=build /opt/overbuild /opt/overbuild
COPY deploy/prefect.yaml /opt/overbuild/prefect.yaml
COPY --chmod=0755 deploy/with-secrets /usr/local/bin/with-secrets
# Only /data and /tmp are written to, so the root may be mounted read-only. OVERBUILD_PROJECT is where flows/ lies.
ENV PATH=/opt/overbuild/bin:$PATH \
    HOME=/data \
    OVERBUILD_HOME=/data/home \
    OVERBUILD_HEALTH_ADDRESS=127.0.0.1:8090 \
    OVERBUILD_PROJECT=/opt/overbuild/lib/python3.11/site-packages \
    PREFECT_HOME=/data/prefect \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
# Of the service, which is what runs when no other command is given. Others have a probe of their own in compose.yaml.
HEALTHCHECK --interval=30s --timeout=10s --start-period=180s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8090/live', timeout=8)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["with-secrets"]
CMD ["overbuild", "serve"]
