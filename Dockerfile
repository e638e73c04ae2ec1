FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.txt pyproject.toml README.md seed.sql ./
COPY service service
COPY wallet_client wallet_client
COPY db db
# Exactly the files whose hashes are in requirements.txt, then the wallet itself as a wheel. (What builds the wheel, hatchling, is
# fetched by pip and stays out of the image.)
RUN python -m venv /opt/wallet \
    && /opt/wallet/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
    && /opt/wallet/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /var/lib/wallet wallet
COPY --from=build /opt/wallet /opt/wallet
ENV PATH=/opt/wallet/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=3000 \
    WALLET_DATA_DIR=/var/lib/wallet/data
USER wallet
WORKDIR /var/lib/wallet
EXPOSE 3000
STOPSIGNAL SIGTERM
# Whether the process lives: some orchestrators replace what is unhealthy, and that brings no database back.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/api/v1/health/live', timeout=4)"]
ENTRYPOINT ["wallet"]
CMD ["serve"]
