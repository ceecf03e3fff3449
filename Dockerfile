# The image of lbproxy: a Python with lbproxy in it, run as nobody in particular; nothing is written at run time.
#
#   docker build --tag lbproxy .                          # or podman, buildah
#   docker run --read-only -p 8080:8080 lbproxy run --listen 0.0.0.0:8080 --backend 10.0.0.11:80
#
# BASE may be any Debian-like image with Python 3.11 or newer. Without an image registry, deploy/build-image makes one
# from Debian packages. Builders behind a mirror give their pip.conf as the secret `pip` (--secret id=pip,src=pip.conf), and a
# certificate that it names as /run/certificates.pem as the secret `certificates`.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# The python images bring pip; plain Debian has it in a package of its own.
RUN python3 -c 'import ensurepip, venv' 2>/dev/null \
    || { apt-get -qq update && apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null 2>&1; }
RUN python3 -m venv /build
COPY pyproject.toml README.md LICENSE /src/
COPY lbproxy /src/lbproxy
# Dependencies come as wheels or not at all, so no compiler is wanted here or later.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/certificates.pem \
    /build/bin/pip wheel --quiet --no-cache-dir --only-binary=:all: --wheel-dir /wheels /src
# Bytecode is compiled now, as later nothing can be written, and without timestamps, so that equal wheels give equal files.
RUN python3 -m venv --without-pip /opt/lbproxy \
    && /build/bin/pip --python /opt/lbproxy/bin/python install \
        --quiet --no-cache-dir --no-compile --no-index --find-links /wheels lbproxy \
    && /opt/lbproxy/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/lbproxy/lib

FROM ${BASE}
ARG BASE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="lbproxy" \
      org.opencontainers.image.description="A portable layer-4 load balancer for Kubernetes and plain hosts" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /opt/lbproxy /opt/lbproxy
ENV PATH=/opt/lbproxy/bin:$PATH PYTHONDONTWRITEBYTECODE=1
# A number, as Kubernetes can't tell whether a name is root. It needs no home and no entry in /etc/passwd.
USER 65532:65532
EXPOSE 8080 9180
# Without a shell between, so that lbproxy is process 1 and SIGTERM drains it.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/lbproxy/bin/lbproxy"]
CMD ["run"]
