# The image: `docker build -t quarry .`
#
# Everything that is installed is pinned by hash; base images are pinned by tag, so rebuild to take their security
# fixes. Nothing is compiled: a dependency without a wheel for the platform fails the build instead of bringing gcc.
FROM python:3.11.15-slim-bookworm AS base

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1


FROM base AS builder

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /build

# The service's own environment has no pip: it is filled from outside and cannot grow by itself.
# Dependencies come first, so that a change of our code leaves this layer in the cache.
COPY requirements.lock ./
RUN python -m venv --without-pip /opt/quarry \
 && pip --python /opt/quarry/bin/python install --require-hashes -r requirements.lock

COPY deploy/requirements-build.lock ./deploy/
RUN pip install --require-hashes -r deploy/requirements-build.lock

COPY pyproject.toml README.md LICENSE ./
COPY adapters ./adapters
COPY gateway ./gateway
RUN python -m hatchling build --target wheel --directory dist \
 && pip --python /opt/quarry/bin/python install --no-deps --no-index dist/*.whl


FROM base

# A home, because AWS's SDK looks for ~/.aws; it may stay read-only, as everything else may.
RUN groupadd --gid 65532 quarry \
 && useradd --uid 65532 --gid quarry --create-home --shell /usr/sbin/nologin quarry

COPY --from=builder /opt/quarry /opt/quarry
COPY deploy/healthcheck.py /opt/quarry/healthcheck.py

# QUARRY_PORT wins over the configuration's port, so the listener, EXPOSE and HEALTHCHECK cannot drift apart.
ENV PATH=/opt/quarry/bin:$PATH \
    QUARRY_PORT=8080

USER 65532:65532
WORKDIR /home/quarry
EXPOSE 8080

HEALTHCHECK --interval=10s --timeout=4s --start-period=20s --retries=3 \
    CMD ["python", "/opt/quarry/healthcheck.py"]

# Exec form: quarry is process 1 and hears SIGTERM itself. Before a kill, give it server.drain_seconds and ten more.
ENTRYPOINT ["quarry"]
CMD ["serve", "--config", "/etc/quarry/quarry.yaml"]
