# All workers. TORCH=cpu takes PyTorch's CPU builds, TORCH=cuda the locked ones with their CUDA
# libraries; of the host they need only the driver, which NVIDIA's container toolkit brings in.
FROM python:3.13.16-slim-trixie AS build
RUN python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore uv==0.13.9
RUN uv venv --python /usr/local/bin/python /opt/pantile
ENV VIRTUAL_ENV=/opt/pantile UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /build

# First what is large and seldom changes. CPU builds are not in the lock file, so only their versions are.
ARG TORCH=cpu
COPY requirements/torch.txt requirements/
RUN case "$TORCH" in \
        cpu) uv pip install --no-deps --only-binary :all: --compile-bytecode --torch-backend cpu \
            $(grep -oE '^(torch|torchvision)==[0-9.]+' requirements/torch.txt) ;; \
        cuda) uv pip install --no-deps --require-hashes --only-binary :all: --compile-bytecode -r requirements/torch.txt ;; \
        *) echo "TORCH is cpu or cuda, not '$TORCH'" >&2; exit 1 ;; \
    esac

# pyvips is published as source only. Where there is neither compiler nor libvips it is built as plain Python, and finds
# its compiled half in pyvips-binary.
COPY requirements/worker.txt requirements/dev.txt requirements/
RUN uv pip install --no-deps --require-hashes --only-binary :all: --no-binary pyvips \
    --build-constraints requirements/dev.txt --compile-bytecode -r requirements/worker.txt

# dev.txt has the locked build backend.
COPY pyproject.toml README.md LICENSE ./
COPY services services
COPY workers workers
COPY infra/migrations infra/migrations
RUN uv build --wheel --build-constraints requirements/dev.txt --require-hashes --out-dir dist \
    && uv pip install --no-deps --compile-bytecode dist/*.whl


FROM python:3.13.16-slim-trixie
ARG TORCH=cpu
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Pantile worker (${TORCH})" \
      org.opencontainers.image.description="Pantile's workers" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13.16-slim-trixie"
RUN groupadd --system --gid 10001 pantile \
    && useradd --system --uid 10001 --gid pantile --create-home --shell /usr/sbin/nologin pantile \
    && install --directory --owner pantile --group pantile /var/lib/pantile
# On a GPU some steps are compiled when they are first used: Triton starts its kernels by way of C.
RUN if [ "$TORCH" = cuda ]; then \
        apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*; \
    fi
COPY --from=build /opt/pantile /opt/pantile
# Weights come from the bucket; no library may fetch any by itself.
ENV PATH=/opt/pantile/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/tmp/cache TRITON_CACHE_DIR=/tmp/triton HF_HUB_OFFLINE=1 NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /home/pantile
USER 10001:10001
CMD ["pantile", "worker", "segment"]
