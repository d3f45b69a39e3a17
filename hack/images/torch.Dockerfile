# Stands in for the image `engine` of the project's Dockerfile on machines that make no second torch:
# the same runtime, while torch comes from the environment that a volume mounts at /opt/vllm.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY runtime /opt/tandem
RUN printf '#!/bin/sh\nPYTHONPATH=/opt/tandem exec /opt/vllm/bin/python -m tandem_runtime.engine.server "$@"\n' \
      > /usr/local/bin/tandem-engine \
 && chmod 0755 /usr/local/bin/tandem-engine
ENV PATH=/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/tandem-engine"]
