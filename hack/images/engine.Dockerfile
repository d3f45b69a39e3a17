# Stands in for a serving engine's stock image on machines without a GPU: `vllm` comes from the
# environment that a volume mounts at /opt/vllm, instead of 6 GB of layers.
ARG BASE_IMAGE
FROM ${BASE_IMAGE} AS engine
RUN printf '#!/bin/sh\nexec /opt/vllm/bin/tandem-vllm "$@"\n' > /usr/local/bin/vllm \
 && chmod 0755 /usr/local/bin/vllm
ENV PATH=/usr/local/bin:/usr/bin:/bin HOME=/tmp VLLM_TARGET_DEVICE=cpu
ENTRYPOINT ["/usr/local/bin/vllm"]

# The same as `pip install arctic-inference` makes it, for method Suffix. The context is the folder of
# `python -m hack.arctic env`.
FROM engine AS arctic
COPY . /opt/arctic
ENV PYTHONPATH=/opt/arctic
