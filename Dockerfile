# The dashboard and the command line in one image; docs/docker.md says how to build and run it.
FROM python:3.11-slim-bookworm

# An extra of pyproject.toml: gpu, cluster, both with a comma between, or nothing.
ARG EXTRA=""

WORKDIR /app
COPY requirements.txt constraints.txt pyproject.toml ./
COPY tools/image_requirements.py tools/
RUN python tools/image_requirements.py "$EXTRA" > /tmp/image.txt \
    && python -m pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -r /tmp/image.txt \
    && rm /tmp/image.txt

COPY . .
# Named volumes begin as copies of these folders, with their owner and the config.
RUN useradd --uid 10001 --create-home clip \
    && mkdir -p /data/models /embeddings /config \
    && cp tools/image_config.yaml /config/config.yaml \
    && chown -R clip:clip /data /embeddings /config
USER clip
ENV CLIP_VIDEO_CONFIG=/config/config.yaml HF_HOME=/data/.huggingface PYTHONUNBUFFERED=1
VOLUME ["/data", "/embeddings", "/config"]
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=6s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=5)"]

# It answers only inside the container. Who wants others to reach it says so: see compose.yaml and docs/docker.md.
CMD ["python", "-m", "pages.shared.share", "--server.address", "127.0.0.1", "--server.port", "8501"]
