# Two images from one file. `operator` is the control plane; `runtime` is the tokenizer lock and the
# engine plugin (pure Python, no torch). The base image needs Python 3.11 or newer with venv.
#
#   docker build --target operator --tag tandem-operator .
#   docker build --target runtime --tag tandem-runtime .
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
# Trust what the system trusts: behind an inspecting proxy that is the base image's, or a mounted,
# bundle, and not the one inside pip or uv.
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt UV_NATIVE_TLS=1
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check "uv>=0.9"
ENV UV_PROJECT_ENVIRONMENT=/opt/tandem UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1
WORKDIR /source
COPY pyproject.toml uv.lock README.md LICENSE ./

# The dependencies change seldom: they are a layer of their own, below the project's code.
FROM build AS build-operator
# The test suites inside the libraries are a fifth of their size and are never run there.
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project --extra operator \
 && find /opt/tandem -type d -name tests -path '*/site-packages/*' -prune -exec rm -rf {} +
COPY operator operator
COPY runtime runtime
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-editable --extra operator

FROM build AS build-runtime
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project --extra runtime \
 && find /opt/tandem -type d -name tests -path '*/site-packages/*' -prune -exec rm -rf {} +
COPY operator operator
COPY runtime runtime
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-editable --extra runtime

FROM ${BASE_IMAGE} AS operator
COPY --from=build-operator /opt/tandem /opt/tandem
ENV PATH=/opt/tandem/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python", "-m", "tandem_operator"]
ARG BUILD=""
LABEL org.opencontainers.image.revision=${BUILD}

FROM ${BASE_IMAGE} AS runtime
COPY --from=build-runtime /opt/tandem /opt/tandem
ENV PATH=/opt/tandem/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["tandem-lock"]
ARG BUILD=""
LABEL org.opencontainers.image.revision=${BUILD}
