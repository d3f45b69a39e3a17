# Stands in for the target `triton` of the project's Dockerfile on machines that make no second torch:
# the same server and runtime, while torch comes from the environment that a volume mounts at /opt/vllm.
# The context is a folder with `runtime`, and the server's environment of `python -m hack.triton env`.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY tritonserver /opt/tritonserver
COPY site-packages /opt/triton
COPY runtime /opt/tandem
ENV PATH=/usr/local/bin:/usr/bin:/bin HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/tandem:/opt/triton:/opt/vllm/lib/python3.11/site-packages
USER 65532:65532
ENTRYPOINT ["python3", "-m", "tandem_runtime.triton.serve"]
