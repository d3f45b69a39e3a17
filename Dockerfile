# Four images from one file. `operator` is the control plane; `runtime` is the tokenizer lock and the
# engine plugin (pure Python, no torch); `engine` is the torch engine, for CPUs unless TORCH_BACKEND
# names a CUDA (cu128, ...), in uv's words; `triton` is a Triton server with that engine in it. The base
# image needs Python 3.11 or newer with venv, and libpython beside it for `triton`.
#
#   docker build --target operator --tag tandem-operator .
#   docker build --target runtime --tag tandem-runtime .
#   docker build --target engine --tag tandem-engine .
#   docker build --target triton --tag tandem-triton .
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
# How the operator starts, below: its code is compiled for that.
ENV PYTHONOPTIMIZE=2 PYTHONNODEBUGRANGES=1
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
# Five of its 75 MiB: texts and columns that only a reader of the source needs, and aiohttp's list in
# C++, whose runtime nothing else needs. Base images have no standard library compiled like that, so
# it is done here, once, for what a start reads in.
ENV PYTHONOPTIMIZE=2 PYTHONNODEBUGRANGES=1 FROZENLIST_NO_EXTENSIONS=1
ENV PATH=/opt/tandem/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1
RUN python -c "import tandem_operator.__main__"
ENV PYTHONDONTWRITEBYTECODE=1
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

# Not `uv sync`: the lock knows one torch, and which of its builds is wanted is an argument here. All
# versions are the lock's all the same.
FROM build AS build-engine
ARG TORCH_BACKEND=cpu
RUN python3 -m venv /opt/tandem \
 && /opt/uv/bin/uv export --quiet --frozen --no-dev --no-emit-project --extra engine --no-hashes \
      --output-file locked.txt
COPY operator operator
COPY runtime runtime
RUN /opt/uv/bin/uv pip install --python /opt/tandem/bin/python --torch-backend "${TORCH_BACKEND}" \
      --constraints locked.txt ".[engine]"

FROM ${BASE_IMAGE} AS engine
# torch.compile needs a C++ compiler; without --compile nothing does.
COPY --from=build-engine /opt/tandem /opt/tandem
ENV PATH=/opt/tandem/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["tandem-engine"]
ARG BUILD=""
LABEL org.opencontainers.image.revision=${BUILD}

# The server is the one in PyTriton's wheel, laid out as in NVIDIA's image; PyTriton's own Python is left
# out. Its backend reads texts wrongly with numpy 2, which the lock has.
FROM build AS build-triton
ARG TORCH_BACKEND=cpu
ARG PYTRITON="nvidia-pytriton==0.7.0"
RUN python3 -m venv /opt/tandem \
 && /opt/uv/bin/uv export --quiet --frozen --no-dev --no-emit-project --extra triton --no-hashes \
      --no-emit-package numpy --output-file locked.txt
COPY operator operator
COPY runtime runtime
RUN /opt/uv/bin/uv pip install --python /opt/tandem/bin/python --torch-backend "${TORCH_BACKEND}" \
      --constraints locked.txt ".[triton]" "numpy<2"
RUN /opt/uv/bin/uv pip install --python /opt/tandem/bin/python --no-deps --target /opt/wheel "${PYTRITON}" \
 && version=$(/opt/tandem/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') \
 && server=/opt/wheel/pytriton/tritonserver && mkdir -p /opt/tritonserver/backends \
 && cp -r "${server}/bin" /opt/tritonserver/ && cp -r "${server}/backends/python" /opt/tritonserver/backends/ \
 && cp -r "${server}/python_backend_stubs/${version}/." /opt/tritonserver/backends/python/ \
 && cp -r /opt/wheel/nvidia_pytriton.libs /opt/tritonserver/lib

FROM ${BASE_IMAGE} AS triton
COPY --from=build-triton /opt/tandem /opt/tandem
COPY --from=build-triton /opt/tritonserver /opt/tritonserver
ENV PATH=/opt/tandem/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python3", "-m", "tandem_runtime.triton.serve"]
ARG BUILD=""
LABEL org.opencontainers.image.revision=${BUILD}
