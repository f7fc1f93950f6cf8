# One image for all roles of stowage. The first stage has compilers, because an add-on without a prebuilt file for the
# platform is compiled; the second has Node, the compiled program and its runtime dependencies, nothing else.
FROM node:24.21.0-bookworm AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY .ci ./.ci
COPY repo-format ./repo-format
COPY agent ./agent
COPY src ./src
RUN npm run build \
 && npm prune --omit=dev --ignore-scripts \
 && node .ci/trim-modules.mjs node_modules

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="stowage" \
      org.opencontainers.image.description="Kubernetes node agent that keeps pod volumes in restic repositories" \
      org.opencontainers.image.licenses="Apache-2.0"
# The runtime needs no package manager.
RUN rm -rf /usr/local/lib/node_modules /usr/local/include /opt/yarn-* \
           /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg
COPY --from=build /build/package.json /opt/stowage/package.json
COPY --from=build /build/node_modules /opt/stowage/node_modules
COPY --from=build /build/dist /opt/stowage/dist
COPY LICENSE /opt/stowage/LICENSE
# Velero's names for the executable and for the init container's, so that this image can stand in for its own.
RUN ln -s /opt/stowage/dist/src/main.js /usr/local/bin/stowage \
 && ln -s /opt/stowage/dist/src/main.js /velero \
 && ln -s /opt/stowage/dist/src/main.js /velero-restore-helper
ENV NODE_ENV=production
# Nothing in the image is written at run time and no role needs root for itself; the agent's DaemonSet asks for root
# because it reads and writes files of any owner.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/stowage"]
