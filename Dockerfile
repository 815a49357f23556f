# The image: echoscan, the libraries it runs with, and nothing that compiles. docs/container.md says how to run it.
#
#   docker build -t echoscan .
#
# BASE is any Debian 12; REVISION, when given, ends up as a label and in --version. OPTIONS are cmake's, by default those
# that take least time from nothing; whoever has ccache's objects gives the ones that these were compiled with, and has
# `build cache` as PACKAGES.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
ARG REVISION=
ARG PACKAGES=build
# Without -g1, since what is installed is stripped; each room in one go.
ARG OPTIONS="-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2 -DECHOSCAN_UNITY=ON"
WORKDIR /src
# The packages first: they change less often than the code.
COPY packages.txt ./
COPY tests/install_packages.sh tests/
RUN apt-get update && tests/install_packages.sh ${PACKAGES}
COPY . .
# The program alone: the tests of these sources are test.sh's.
RUN cmake --preset release ${OPTIONS} -DECHOSCAN_TESTS=OFF -DECHOSCAN_COMMIT=${REVISION} \
 && cmake --build --preset release --target echoscan manual \
 && DESTDIR=/out cmake --install build/release --prefix /usr/local --strip \
 && install -D packages.txt /out/setup/packages.txt \
 && install -D tests/install_packages.sh /out/setup/tests/install_packages.sh

FROM ${BASE}
ARG BASE
ARG REVISION=
LABEL org.opencontainers.image.title="echoscan" \
      org.opencontainers.image.description="Pings very large sets of IPv4 addresses and accounts for every probe" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /out /
# A library that packages.txt forgot ends the build here and not the first scan.
RUN apt-get update && /setup/tests/install_packages.sh run \
 && rm -rf /setup /var/lib/apt/lists/* /var/cache/apt/*.bin \
 && { ! ldd /usr/local/bin/echoscan | grep 'not found'; } && echoscan --version
# Where results go: relative names of -o and --summary end up in what is mounted here.
WORKDIR /data
VOLUME /data
# No shell in between: signals reach echoscan itself, as process 1. SIGTERM is its clean stop.
ENTRYPOINT ["echoscan"]
CMD ["--help"]
