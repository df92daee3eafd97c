#!/bin/sh
# Builds the release of this commit into bin/release: for each architecture that there is a compiler for a program, built twice with caches and
# folders of its own and compared byte by byte, its list of parts (SBOM, CycloneDX), and an archive that is the same wherever it is made.
set -eu
go=${GO:-go} tags=sqlite_fts5 version=$1
out=$PWD/bin/release
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
rm -rf "$out"
mkdir -p "$out"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
GOBIN=$work $go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

# build ARCH CC FOLDER CACHE: the program for an architecture, of the sources in FOLDER.
build() {
  (cd "$3" && CGO_ENABLED=1 GOOS=linux GOARCH=$1 CC=$2 GOCACHE=$4 \
    $go build -trimpath -buildvcs=false -tags $tags -ldflags "-s -w -buildid= -X main.version=$version" -o "$work/$1" ./cmd/noctis)
}

for target in amd64:x86_64-linux-gnu-gcc arm64:aarch64-linux-gnu-gcc; do
  arch=${target%%:*} cc=${target#*:}
  if ! command -v "$cc" >/dev/null; then
    echo "release: no $cc, so nothing for linux/$arch (Debian: gcc-$(echo "${cc%-gcc}" | tr _ -))"
    continue
  fi
  name=noctis-$version-linux-$arch
  mkdir -p "$work/$name/deploy" "$work/elsewhere-$arch"
  build "$arch" "$cc" "$PWD" "$work/cache-$arch-1"
  mv "$work/$arch" "$work/$name/noctis"
  git ls-files -z | xargs -0 cp --parents -t "$work/elsewhere-$arch"
  build "$arch" "$cc" "$work/elsewhere-$arch" "$work/cache-$arch-2"
  cmp "$work/$arch" "$work/$name/noctis" || { echo "release: two builds for linux/$arch differ"; exit 1; }
  rm -rf "$work/cache-$arch-1" "$work/cache-$arch-2" "$work/elsewhere-$arch"
  GOFLAGS=-tags=$tags CGO_ENABLED=1 GOOS=linux GOARCH=$arch "$work/cyclonedx-gomod" app -json -licenses -std -noserial -notimestamp -main cmd/noctis -output "$out/$name.sbom.json" .
  cp LICENSE README.md SECURITY.md "$work/$name"
  cp deploy/* "$work/$name/deploy"
  tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w -cf - "$name" |
    gzip -n9 >"$out/$name.tar.gz"
  echo "release: linux/$arch built twice, the same bytes"
done
(cd "$out" && sha256sum ./* >SHA256SUMS && cat SHA256SUMS)
