# syntax=docker/dockerfile:1
# The sidecar and the indexer in one image: docker build -t fuserank .

FROM node:22-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Install scripts stay off (.npmrc): prebuilt binaries come inside the packages, and no GPU library is fetched.
ENV ONNXRUNTIME_NODE_INSTALL=skip
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build
# What runs on Node on this processor: 624 MB of packages become 127.
RUN npm prune --omit=dev --ignore-scripts \
 && rm -rf node_modules/onnxruntime-web \
 && cd node_modules/onnxruntime-node/bin \
 && find . -mindepth 2 -maxdepth 2 -type d ! -name linux -exec rm -rf {} + \
 && find . -mindepth 3 -maxdepth 3 -type d ! -name "$(node -p process.arch)" -exec rm -rf {} +

FROM node:22-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/package.json /app/LICENSE /app/NOTICE ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/models/feature-set.json ./models/feature-set.json
COPY --from=build /app/models/artefacts ./models/artefacts
COPY --from=build /app/tuning/ui ./tuning/ui
COPY --from=build /app/opensearch/local-node/artefacts.lock.json /app/opensearch/local-node/supervisor.mjs ./opensearch/local-node/
COPY --from=build /app/dist ./dist
# Files belong to root and are only read; a catalogue, a fuserank.yaml or a dead-letter file come by a mount at /data.
RUN mkdir /data && chown node:node /data
USER node
WORKDIR /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/fuserank.js"]
CMD ["serve", "--host", "0.0.0.0"]
