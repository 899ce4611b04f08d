# Web service, coordinator, Flower, migrations and the command line: neither torch nor pyvips.
FROM node:24.19.0-trixie-slim AS viewer
WORKDIR /build/viewer
COPY services/pantile/web/viewer/package.json services/pantile/web/viewer/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY services/pantile/web/viewer ./
RUN npm run build


FROM python:3.13.16-slim-trixie AS build
RUN python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore uv==0.13.9
RUN uv venv --python /usr/local/bin/python /opt/pantile
ENV VIRTUAL_ENV=/opt/pantile UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /build

COPY requirements/web.txt requirements/dev.txt requirements/
RUN uv pip install --no-deps --require-hashes --only-binary :all: --compile-bytecode -r requirements/web.txt

# dev.txt has the locked build backend.
COPY pyproject.toml README.md LICENSE ./
COPY services services
COPY workers workers
COPY infra/migrations infra/migrations
COPY --from=viewer /build/static/viewer services/pantile/web/static/viewer
RUN uv build --wheel --build-constraints requirements/dev.txt --require-hashes --out-dir dist \
    && uv pip install --no-deps --compile-bytecode dist/*.whl


FROM python:3.13.16-slim-trixie
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Pantile web" \
      org.opencontainers.image.description="Pantile's web service, coordinator, Flower and command line" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13.16-slim-trixie"
# A fresh volume takes its owner from the folder: Flower keeps what it has seen in this one.
RUN groupadd --system --gid 10001 pantile \
    && useradd --system --uid 10001 --gid pantile --create-home --shell /usr/sbin/nologin pantile \
    && install --directory --owner pantile --group pantile /var/lib/pantile
COPY --from=build /opt/pantile /opt/pantile
ENV PATH=/opt/pantile/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /home/pantile
USER 10001:10001
EXPOSE 8800
CMD ["pantile", "web", "--host", "0.0.0.0"]
